import { expect, test } from 'vitest';
import { readInt64 } from '../../../core/message/int64.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import { storePathsIn } from '../../../core/server/store/store-paths.js';
import { ApacheTimerFiles } from '../../../core/server/store/timer/apache-timer-files.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const SLOTS = 14 * 86_400;
const PATHS = storePathsIn('/data');

function bytesOf(files: StoreFiles, path: string): Buffer {
  const file = files.open(path);
  const bytes = Buffer.alloc(file.sizeBytes);
  file.readSync(bytes, 0);
  return bytes;
}

/** Queue offsets in the order in which an Apache broker comes to them: second by second, each chain from its end. */
function readAsApache(files: StoreFiles, untilMs: number): number[] {
  const check = bytesOf(files, PATHS.timerCheck);
  const wheel = bytesOf(files, PATHS.timerWheel);
  const log = bytesOf(files, `${PATHS.timerLog}/${'0'.repeat(20)}`);
  const found: number[] = [];
  const from = Math.max(readInt64(check, 0), NOW_MS - 7 * DAY_MS);
  for (let second = from / 1000; second <= untilMs / 1000; second++) {
    const slot = (second % SLOTS) * 32;
    if (readInt64(wheel, slot) !== second) continue;
    const chain: number[] = [];
    for (let at = readInt64(wheel, slot + 16); at >= 0; at = readInt64(log, at + 4))
      chain.push(readInt64(log, at + 28));
    expect(chain).toHaveLength(wheel.readInt32BE(slot + 24));
    found.push(...chain.reverse());
  }
  return found;
}

function setup(files = createMemoryStoreFiles()) {
  for (const path of [PATHS.root, PATHS.config]) files.mkdir(path);
  const write = (outsMs: readonly number[]): Promise<void> => {
    const timers = outsMs.map((outMs, queueOffset) => ({
      ...{ queueOffset, commitLogOffset: queueOffset * 100, sizeBytes: 100, outMs, isRecall: false },
    }));
    return new ApacheTimerFiles(PATHS, files).write({ timers, nowMs: NOW_MS, last: timers.at(-1)! });
  };
  return { files, write };
}

test('timers are found second by second, also those that have been overdue for weeks', async () => {
  const { files, write } = setup();
  // 20 and 6 days ago fall into one slot of 14 days, and 30 days are more milliseconds than an int32 holds.
  const ago = [30, 20, 6].map((days) => NOW_MS - days * DAY_MS);
  await write([...ago, NOW_MS - 5_000, NOW_MS + 60_000, NOW_MS + 60_000]);
  expect(readAsApache(files, NOW_MS + 60_000)).toEqual([0, 100, 200, 300, 400, 500]);
  expect(new ApacheTimerFiles(PATHS, files).readCheck()).toEqual({ readTimeMs: NOW_MS - DAY_MS, queueOffset: 6 });
});

test('writes that stop short are gone on with', async () => {
  const files = createMemoryStoreFiles();
  const short = new Proxy(files, {
    get: (target, name) =>
      name !== 'create'
        ? Reflect.get(target, name).bind(target)
        : (path: string, sizeBytes: number) => {
            const file = target.create(path, sizeBytes);
            const writevSync = file.writevSync.bind(file);
            file.writevSync = ([bytes], position) => writevSync([bytes!.subarray(0, 5)], position);
            return file;
          },
  });
  const { write } = setup(short);
  await write([NOW_MS + 1_000, NOW_MS + 2_000]);
  expect(readAsApache(files, NOW_MS + 2_000)).toEqual([0, 100]);
});
