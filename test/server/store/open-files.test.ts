import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { tempDir } from '../../kit/temp-dir.js';
import { append, bodiesOf, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'many-queues.mjs');
const QUEUES = 2000;

interface Seen {
  readonly openFilesMax: number;
  readonly handlesMax: number;
  readonly handlesLeft: number;
  readonly wrong: number;
  readonly refused: number;
  readonly read: number;
  readonly queues: number;
}

/** In a shell that allows its processes so many handles; the built package, as a user has it. */
async function withManyQueues(handles: number, openFilesMax: number): Promise<Seen> {
  const command = `ulimit -n ${handles} && exec "$0" "$@"`;
  const args = ['-c', command, process.execPath, SCRIPT, tempDir(), `${QUEUES}`, `${openFilesMax}`];
  return JSON.parse((await promisify(execFile)('sh', args)).stdout);
}

// Windows has no such limit.
test.runIf(process.platform === 'linux').each([
  ['a limit of the process as tight as that', 256, 256],
  ['a limit of the process that is tighter than it knows', 128, 2000],
])('two thousand queues live with %s', async (_what, handles, openFilesMax) => {
  const seen = await withManyQueues(handles, openFilesMax);
  expect(seen).toMatchObject({ queues: QUEUES, read: 3 * QUEUES, wrong: 0, refused: 0 });
  expect(seen.openFilesMax).toBeLessThanOrEqual(Math.min(openFilesMax, handles));
  // It uses what it may.
  expect(seen.openFilesMax).toBeGreaterThan(Math.min(openFilesMax, handles) / 4);
  expect(seen.handlesMax).toBeLessThanOrEqual(handles);
  expect(seen.handlesLeft).toBeLessThan(40);
});

/** The same files, and how many were open at a time. */
function counting(files: StoreFiles): { readonly files: StoreFiles; readonly most: () => number } {
  let [open, most] = [0, 0];
  const counted = <T extends { close(): void }>(file: T): T => {
    most = Math.max(most, ++open);
    const close = file.close.bind(file);
    file.close = () => {
      open--;
      close();
    };
    return file;
  };
  const watched: StoreFiles = {
    mkdir: (path) => files.mkdir(path),
    list: (path) => files.list(path),
    exists: (path) => files.exists(path),
    create: (path, sizeBytes) => counted(files.create(path, sizeBytes)),
    open: (path) => counted(files.open(path)),
    rename: (from, to) => files.rename(from, to),
    removeFile: (path) => files.removeFile(path),
    removeDirectory: (path) => files.removeDirectory(path),
    syncDirectory: (path) => files.syncDirectory(path),
    syncDirectorySync: (path) => files.syncDirectorySync(path),
    freeSpace: (path) => files.freeSpace(path),
    lock: (path) => files.lock(path),
  };
  return { files: watched, most: () => most };
}

test('memory and handles do not grow with the number of messages', async () => {
  const clock = virtualClock();
  const files = createMemoryStoreFiles();
  const store = await openMessageStore({
    dir: '/data',
    files,
    clock,
    mappedFileSizeCommitLog: 64 * 1024,
    mappedFileSizeConsumeQueue: 4000,
    maxHashSlotNum: 100,
    maxIndexNum: 1000,
    openFilesMax: 20,
  });
  onTestFinished(() => store.close());
  const topics = Array.from({ length: 31 }, (_, number) => `topic-${number}`);
  const peaks: { readonly unwritten: number; readonly tails: number; readonly openFiles: number }[] = [];
  for (let round = 0; round < 20; round++) {
    for (let number = 0; number < 3000; number++) {
      // One queue has much traffic, the others little.
      const topic = number % 3 === 0 ? topics[number % topics.length]! : topics[0]!;
      store.append(storeMessage({ topic, body: 'x'.repeat(20) }), () => undefined);
      if (number % 500 === 499) store.flushTurn();
    }
    const { unwrittenQueueEntries, queueTailSizeBytes, openFiles } = store.statistics;
    peaks.push({ unwritten: unwrittenQueueEntries, tails: queueTailSizeBytes, openFiles });
    await clock.advance(1_000);
  }
  expect(store.statistics).toMatchObject({ messagesPut: 60_000, queues: 31 });
  expect(store.statistics.commitLogMaxOffset).toBeGreaterThan(100 * 64 * 1024);
  // As much in the last round as in the first: bounded by the traffic of a second, not by what is stored.
  expect(peaks.at(-1)!.unwritten).toBeLessThanOrEqual(3000);
  expect(Math.max(...peaks.map(({ tails }) => tails))).toBeLessThanOrEqual(peaks[0]!.tails + 40 * 1024);
  expect(Math.max(...peaks.map(({ openFiles }) => openFiles))).toBeLessThanOrEqual(20);
});

test('a queue without traffic keeps no buffer, and nobody keeps a handle beyond the limit', async () => {
  const clock = virtualClock();
  const { files, most } = counting(createMemoryStoreFiles());
  const store = await openMessageStore({ dir: '/data', files, clock, ...SMALL_FILES, openFilesMax: 8 });
  onTestFinished(() => store.close());
  for (let queueId = 0; queueId < 200; queueId++) await append(store, { queueId, body: `${queueId}` });
  expect(store.statistics.queueTailSizeBytes).toBeGreaterThan(0);
  await clock.advance(1_000);
  expect(store.statistics).toMatchObject({ unwrittenQueueEntries: 0, queueTailSizeBytes: 0, queues: 200 });
  for (let queueId = 0; queueId < 200; queueId++) {
    expect(bodiesOf(await readQueue(store, 'orders', queueId))).toEqual([`${queueId}`]);
  }
  // Eight of the LRU, one that is just being opened, and the checkpoint.
  expect(most()).toBeLessThanOrEqual(10);
});
