import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConsumeQueue } from '../../../core/server/store/consumequeue/consume-queue.js';
import {
  entryCommitLogOffset,
  entrySizeBytes,
  entryTagsCode,
  isEntry,
  isFillerEntry,
  writeEntry,
  writeFillerEntry,
} from '../../../core/server/store/consumequeue/consume-queue-entry.js';
import { ConsumeQueues } from '../../../core/server/store/consumequeue/consume-queues.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import { OpenFiles } from '../../../core/server/store/files/open-files.js';
import { SegmentFiles } from '../../../core/server/store/files/segment-files.js';

function setup() {
  const files = createMemoryStoreFiles();
  const open = new OpenFiles(files, 3);
  return { files, queue: () => new ConsumeQueue('t', 0, new SegmentFiles('/q/t/0', 200, files, open)) };
}

test('an entry is 20 bytes of Apache, whatever its tags code', () => {
  const bytes = Buffer.alloc(20);
  writeEntry(bytes, 0, 2 ** 40 + 5, 259, -392_709_271);
  expect(bytes.toString('hex')).toBe('0000010000000005' + '00000103' + 'ffffffffe897bb69');
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.integer({ min: 1, max: 2 ** 31 - 2 }),
      fc.maxSafeInteger(),
      (commitLogOffset, sizeBytes, tagsCode) => {
        writeEntry(bytes, 0, commitLogOffset, sizeBytes, tagsCode);
        expect(entryCommitLogOffset(bytes, 0)).toBe(commitLogOffset);
        expect(entrySizeBytes(bytes, 0)).toBe(sizeBytes);
        expect(entryTagsCode(bytes, 0)).toBe(tagsCode);
        expect([isEntry(bytes, 0), isFillerEntry(bytes, 0)]).toEqual([true, false]);
      },
    ),
  );
  writeFillerEntry(bytes, 0);
  expect([isEntry(bytes, 0), isFillerEntry(bytes, 0)]).toEqual([true, true]);
  expect(isEntry(Buffer.alloc(20), 0)).toBe(false);
});

test('reading gives the same whether entries are in memory, in files or in both, and after loading', async () => {
  const step = fc.oneof(fc.integer({ min: 1, max: 35 }), fc.constant('write' as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(60), fc.nat(40), async (steps, from, count) => {
      const { queue: make } = setup();
      const queue = make();
      let total = 0;
      for (const next of steps) {
        if (next === 'write') queue.writeTail();
        else for (let index = 0; index < next; index++, total++) queue.put(total, total * 100, 50, -total);
      }
      expect([queue.maxOffset, queue.nextOffset, queue.minOffset]).toEqual([total, total, 0]);
      const wanted = Array.from({ length: Math.max(0, Math.min(count, total - from)) }, (_, index) => -(from + index));
      const tagsIn = (bytes: Buffer) => wanted.map((_, index) => entryTagsCode(bytes, index * 20) + 0);
      const atOnce = queue.readSync(from, count);
      expect(atOnce.length).toBe(wanted.length * 20);
      expect(tagsIn(atOnce)).toEqual(wanted.map((tag) => tag + 0));
      expect((await queue.read(from, count)).equals(atOnce)).toBe(true);
      queue.writeTail();
      await queue.sync();
      expect(queue.isSynced).toBe(true);
      const loaded = make();
      loaded.load(false);
      expect([loaded.maxOffset, loaded.commitLogEnd]).toEqual([total, total === 0 ? 0 : (total - 1) * 100 + 50]);
      expect(loaded.readSync(from, count).equals(atOnce)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('an entry that is there already is ignored, and a queue has files only with its first entry', () => {
  const { files, queue: make } = setup();
  const queue = make();
  queue.writeTail();
  expect(files.exists('/q/t/0')).toBe(false);
  expect(queue.put(0, 0, 10, 1)).toBe(true);
  expect(queue.put(0, 999, 10, 2)).toBe(true);
  expect(queue.maxOffset).toBe(1);
  expect(entryTagsCode(queue.readSync(0, 1), 0)).toBe(1);
  queue.writeTail();
  expect(files.list('/q/t/0')).toEqual(['0'.repeat(20)]);
});

test('a small hole is filled so that offsets stay true, and an impossible one is refused', () => {
  const queue = setup().queue();
  queue.put(0, 0, 10, 1);
  expect(queue.put(3, 100, 10, 4)).toBe(true);
  const entries = queue.readSync(0, 9);
  expect([0, 1, 2, 3].map((index) => isFillerEntry(entries, index * 20))).toEqual([false, true, true, false]);
  expect(queue.put(10_000_000, 200, 10, 5)).toBe(false);
  expect(queue.maxOffset).toBe(4);
});

test('the first offset moves with the beginning of the commit log', () => {
  const queue = setup().queue();
  for (let index = 0; index < 30; index++) queue.put(index, index * 100, 50, 0);
  queue.writeTail();
  for (let index = 30; index < 40; index++) queue.put(index, index * 100, 50, 0);
  queue.correctMinOffset(0);
  expect(queue.minOffset).toBe(0);
  queue.correctMinOffset(1250);
  expect(queue.minOffset).toBe(13);
  queue.correctMinOffset(3500);
  expect(queue.minOffset).toBe(35);
  queue.correctMinOffset(10_000);
  expect(queue.minOffset).toBe(40);
});

test('forgetting cuts the queue at a position of the commit log, in its files too', () => {
  const { files, queue: make } = setup();
  const queue = make();
  for (let index = 0; index < 25; index++) queue.put(index, index * 100, 50, 7);
  queue.writeTail();
  queue.forgetFrom(1230);
  expect([queue.maxOffset, queue.nextOffset, queue.commitLogEnd]).toEqual([13, 13, 1250]);
  expect(queue.cutFiles()).toBe(true);
  expect(files.list('/q/t/0')).toHaveLength(2);
  const loaded = make();
  loaded.load(false);
  expect(loaded.maxOffset).toBe(13);
  queue.forgetFrom(0);
  expect(queue.cutFiles()).toBe(false);
  expect(files.list('/q/t/0')).toEqual([]);
  expect(queue.maxOffset).toBe(0);
});

test('how many queues there are and what their tails take is known at any time, whatever happened to them', () => {
  const deed = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), queue: fc.nat(5), count: fc.integer({ min: 1, max: 1_100 }) }),
    fc.record({ kind: fc.constant('due' as const), queue: fc.nat(5) }),
    fc.record({ kind: fc.constant('remove' as const), topic: fc.nat(2) }),
    fc.record({ kind: fc.constantFrom('write', 'forget', 'cut') }),
  );
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 15 }), (deeds) => {
      const files = createMemoryStoreFiles();
      files.mkdir('/q');
      const queues = new ConsumeQueues({ directory: '/q', fileSizeBytes: 2_000 }, files, new OpenFiles(files, 3));
      const queueOf = (number: number) => queues.findOrMake(`t${number % 3}`, number);
      let end = 0;
      for (const each of deeds) {
        if ('count' in each) {
          const queue = queueOf(each.queue);
          for (let left = each.count; left > 0; left--) {
            queues.put(queue, queue.maxOffset, end, 100, 0);
            end += 100;
          }
        } else if ('queue' in each) queues.writeDue(queueOf(each.queue));
        else if ('topic' in each) queues.remove(`t${each.topic}`);
        else if (each.kind === 'write') queues.writeAll();
        else {
          // As a recovery does: nothing of what is forgotten is in memory by then.
          queues.writeAll();
          queues.forgetFrom(end / 2);
          queues.cutFiles();
        }
        const all = [...queues];
        expect(queues.count).toBe(all.length);
        expect(queues.tailSizeBytes).toBe(all.reduce((sum, queue) => sum + queue.tailSizeBytes, 0));
      }
    }),
    { numRuns: 50 },
  );
});
