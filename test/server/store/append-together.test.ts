import { describe, expect, onTestFinished, test } from 'vitest';
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

function together(store: FileMessageStore, messages: readonly StoreMessage[]): Promise<AppendBatchResult> {
  return new Promise((done) => store.appendTogether(messages, done));
}

const pair = [
  storeMessage({ topic: 'orders', queueId: 2, body: 'committed', tag: 'paid' }),
  storeMessage({ topic: 'ends', body: '7' }),
];

describe('messages of several queues', () => {
  test('lie directly behind one another, each in its queue', async () => {
    const store = await open(createMemoryStoreFiles());
    await append(store, { topic: 'orders', queueId: 2, body: 'before' });
    const [result] = await Promise.all([together(store, pair), append(store, { topic: 'ends', body: 'after' })]);
    expect(result).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    const [, committed] = await readQueue(store, 'orders', 2);
    const ends = await readQueue(store, 'ends');
    expect(committed!.body.toString()).toBe('committed');
    expect(bodiesOf(ends)).toEqual(['7', 'after']);
    expect(result.commitLogOffsets).toEqual([committed!.physicalOffset, ends[0]!.physicalOffset]);
    expect(ends[0]!.physicalOffset).toBe(committed!.physicalOffset + committed!.totalSize);
  });

  test('never lie in two files', async () => {
    const store = await open(createMemoryStoreFiles());
    await append(store, { body: 'x'.repeat(2_000) });
    const large = [storeMessage({ body: 'y'.repeat(900) }), storeMessage({ topic: 'ends', body: 'z'.repeat(900) })];
    const { commitLogOffsets } = await together(store, large);
    expect(commitLogOffsets.map((offset) => Math.floor(offset / SMALL_FILES.mappedFileSizeCommitLog))).toEqual([1, 1]);
  });

  test.each<[string, StoreMessage[]]>([
    ['that are none', []],
    ['of which one is illegal', [storeMessage(), storeMessage({ topic: '../away' })]],
    ['that are larger than a file', Array.from({ length: 5 }, () => storeMessage({ body: 'x'.repeat(800) }))],
  ])('%s are refused, and none is stored', async (_, messages) => {
    const store = await open(createMemoryStoreFiles());
    expect(await together(store, messages)).toMatchObject({ status: 'MESSAGE_ILLEGAL', commitLogOffsets: [] });
    expect(store.maxOffset('orders', 0)).toBe(0);
  });

  test('are refused as a whole when their write fails, and their offsets are given again', async () => {
    const volume = new FaultyVolume();
    const clock = virtualClock();
    const store = await openMessageStore({ dir: DIR, files: volume, clock, ...SMALL_FILES });
    onTestFinished(() => store.close());
    await append(store, { topic: 'ends', body: 'before' });
    volume.fault = (happening, path) => {
      if (happening !== 'write' || !path.includes('commitlog')) return undefined;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    expect(await together(store, pair)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE', queueOffset: -1 });
    volume.fault = () => undefined;
    await clock.advance(10_000);
    expect(await together(store, pair)).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(bodiesOf(await readQueue(store, 'ends'))).toEqual(['before', '7']);
  });

  test('that a kill tore leave the first whole, and never the second without it', async () => {
    const files = createMemoryStoreFiles();
    const store = await open(files);
    const { commitLogOffsets } = await together(store, pair);
    for (const from of commitLogOffsets) {
      const killed = createMemoryStoreFiles();
      copyDirectory(files, DIR, killed, DIR);
      const log = killed.open(`${DIR}/commitlog/${'0'.repeat(20)}`);
      log.zero(from + 10, 2_000);
      log.close();
      const reopened = await open(killed);
      const found = [reopened.maxOffset('orders', 2), reopened.maxOffset('ends', 0)];
      expect(found).toEqual(from === commitLogOffsets[0] ? [0, 0] : [1, 0]);
    }
  });
});
