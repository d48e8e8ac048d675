import { describe, expect, onTestFinished, test } from 'vitest';
import { tagsCodeOf } from '../../../core/message/tag-hash.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import type { AppendBatchResult, StoreMessage } from '../../../core/server/store/message-store.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { append, bodiesOf, copyDirectory, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

const DIR = '/store';

async function open(files: StoreFiles): Promise<FileMessageStore> {
  const store = await openMessageStore({ files, dir: DIR, ...SMALL_FILES });
  onTestFinished(() => store.close());
  return store;
}

function appendBatch(store: FileMessageStore, messages: readonly StoreMessage[]): Promise<AppendBatchResult> {
  return new Promise((done) => store.appendBatch(messages, done));
}

function batchOf(bodies: readonly string[], queueId = 0): StoreMessage[] {
  return bodies.map((body) => storeMessage({ body, queueId, tag: body.slice(0, 1) }));
}

describe('a batch', () => {
  test('follows on what its turn brought before, with offsets that follow one another', async () => {
    const store = await open(createMemoryStoreFiles());
    const arrived: string[] = [];
    store.onArrival((_topic, _queueId, offset, tagsCode) => arrived.push(`${offset} ${tagsCode}`));
    const [, batch, after] = await Promise.all([
      append(store, { body: 'single' }),
      appendBatch(store, batchOf(['a1', 'b2', 'c3'])),
      append(store, { body: 'after' }),
    ]);
    expect(batch).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(batch.commitLogOffsets).toHaveLength(3);
    expect(after.queueOffset).toBe(4);
    const records = await readQueue(store);
    expect(bodiesOf(records)).toEqual(['single', 'a1', 'b2', 'c3', 'after']);
    expect(new Set(records.slice(1, 4).map((record) => record.storeTimestamp))).toEqual(
      new Set([batch.storeTimestamp]),
    );
    expect(records.slice(1, 4).map(({ physicalOffset }) => physicalOffset)).toEqual(batch.commitLogOffsets);
    expect(records.map(({ physicalOffset, totalSize }) => physicalOffset + totalSize).slice(0, -1)).toEqual(
      records.slice(1).map(({ physicalOffset }) => physicalOffset),
    );
    expect(arrived.slice(1, 4)).toEqual([1, 2, 3].map((offset, n) => `${offset} ${tagsCodeOf('abc'[n])}`));
    expect(store.statistics.messagesPut).toBe(5);
  });

  test('never lies in two files: what does not fit begins the next', async () => {
    const store = await open(createMemoryStoreFiles());
    const fileSize = SMALL_FILES.mappedFileSizeCommitLog;
    await append(store, { body: 'x'.repeat(2_000) });
    const { commitLogOffsets, queueOffset } = await appendBatch(store, batchOf(['y'.repeat(900), 'z'.repeat(900)]));
    expect([commitLogOffsets[0], queueOffset]).toEqual([fileSize, 1]);
    expect(Math.floor(commitLogOffsets[1]! / fileSize)).toBe(1);
    expect(bodiesOf(await readQueue(store)).map((body) => body[0])).toEqual(['x', 'y', 'z']);
  });

  test.each<[string, StoreMessage[]]>([
    ['without messages', []],
    ['larger than a file', batchOf(Array.from({ length: 5 }, () => 'x'.repeat(800)))],
    ['with an illegal message', [...batchOf(['a', 'b']), storeMessage({ topic: '../away' })]],
    ['with properties that are too long', [...batchOf(['a']), { ...storeMessage(), properties: Buffer.alloc(32_768) }]],
  ])('%s is refused, and nothing of it is stored', async (_, messages) => {
    const store = await open(createMemoryStoreFiles());
    await append(store);
    expect(await appendBatch(store, messages)).toEqual({
      status: 'MESSAGE_ILLEGAL',
      commitLogOffsets: [],
      queueOffset: -1,
      storeTimestamp: 0,
    });
    expect(await append(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(store.maxOffset('orders', 0)).toBe(2);
  });

  test('is refused as a whole when its write fails, and its offsets are given again', async () => {
    const volume = new FaultyVolume();
    const clock = virtualClock();
    const store = await openMessageStore({ dir: DIR, files: volume, clock, ...SMALL_FILES });
    onTestFinished(() => store.close());
    await append(store, { body: 'before' });
    volume.fault = (happening, path) => {
      if (happening !== 'write' || !path.includes('commitlog')) return undefined;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(await appendBatch(store, batchOf(['a', 'b']))).toEqual({
      status: 'SERVICE_NOT_AVAILABLE',
      commitLogOffsets: [],
      queueOffset: -1,
      storeTimestamp: 0,
    });
    volume.fault = () => undefined;
    await clock.advance(10_000);
    expect(await appendBatch(store, batchOf(['c', 'd']))).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(bodiesOf(await readQueue(store))).toEqual(['before', 'c', 'd']);
  });

  test('is answered under synchronous flush when all of it is on the disk, or at once when nobody waits for that', async () => {
    const files = createMemoryStoreFiles();
    const store = await openMessageStore({ files, dir: DIR, ...SMALL_FILES, flushDiskType: 'SYNC_FLUSH' });
    onTestFinished(() => store.close());
    const waits = await appendBatch(store, batchOf(['a', 'b', 'c']));
    expect(waits).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(store.statistics.flushedOffset).toBeGreaterThan(waits.commitLogOffsets[2]!);
    let answer: AppendBatchResult | undefined;
    store.appendBatch(
      batchOf(['d', 'e']).map((message) => ({ ...message, waitStored: false })),
      (result) => {
        answer = result;
      },
    );
    store.flushTurn();
    expect(answer).toMatchObject({ status: 'PUT_OK', queueOffset: 3 });
    expect(store.statistics.flushedOffset).toBeLessThan(answer!.commitLogOffsets[0]! + 1);
  });

  test('that a kill tore leaves its first messages whole, and the others are gone', async () => {
    const files = createMemoryStoreFiles();
    const store = await open(files);
    await append(store, { body: 'before' });
    const { commitLogOffsets } = await appendBatch(store, batchOf(['one', 'two', 'three']));
    const killed = createMemoryStoreFiles();
    copyDirectory(files, DIR, killed, DIR);
    const log = killed.open(`${DIR}/commitlog/${'0'.repeat(20)}`);
    log.zero(commitLogOffsets[2]! + 10, 2_000);
    log.close();
    const reopened = await open(killed);
    expect(bodiesOf(await readQueue(reopened))).toEqual(['before', 'one', 'two']);
    const next = await appendBatch(reopened, batchOf(['again', 'and again']));
    expect(next).toMatchObject({
      status: 'PUT_OK',
      queueOffset: 3,
      commitLogOffsets: [commitLogOffsets[2], expect.any(Number)],
    });
    const record = await reopened.recordAt(next.commitLogOffsets[1]!);
    expect(record).toMatchObject({ queueOffset: 4, body: Buffer.from('and again') });
  });
});
