/**
 * No checksum covers a record's properties, so that recovery takes a sector of zeros in them for one that a power failure
 * dropped, and ends the log there. A client that sent a property of a thousand zero characters was acknowledged, and after the
 * next kill its message and every message behind it were gone. Found by requests made up at random.
 */
import { expect, onTestFinished, test } from 'vitest';
import { openMessageStore } from '../../core/server/store/open-message-store.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { appendAll, bodiesOf, readQueue, SMALL_FILES, storeMessage } from '../server/store/store-kit.js';

test.each([
  ['a sector of zeros in a property', Buffer.from(`a\u0001${'\0'.repeat(1_023)}x\u0002`), 'MESSAGE_ILLEGAL'],
  ['a zero at the very end', Buffer.from('a\u0001b\0'), 'MESSAGE_ILLEGAL'],
  ['zeros that no power failure leaves so', Buffer.from(`a\u0001${'\0'.repeat(511)}x\u0002`), 'PUT_OK'],
])(
  'a message with %s is not taken where it could not be kept, and costs nobody else anything',
  async (_what, properties, status) => {
    const volume = new FaultyVolume();
    const open = async (files: FaultyVolume) => {
      const store = await openMessageStore({ dir: '/data', files, ...SMALL_FILES });
      onTestFinished(() => store.close());
      return store;
    };
    const store = await open(volume);
    const odd = { ...storeMessage({ body: 'odd' }), properties };
    const results = await appendAll(store, [storeMessage({ body: 'before' }), odd, storeMessage({ body: 'behind' })]);
    expect(results.map((result) => result.status)).toEqual(['PUT_OK', status, 'PUT_OK']);
    const batch = await new Promise<{ status: string }>((done) => store.appendBatch([storeMessage(), odd], done));
    const together = await new Promise<{ status: string }>((done) => store.appendTogether([storeMessage(), odd], done));
    expect([batch.status, together.status]).toEqual([status, status]);
    const there = bodiesOf(await readQueue(store));
    const again = await open(volume.loseProcess());
    expect(bodiesOf(await readQueue(again))).toEqual(there);
    expect(there).toEqual(expect.arrayContaining(['before', 'behind']));
  },
);
