import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeEntry, writeFillerEntry } from '../../../../core/server/store/consumequeue/consume-queue-entry.js';
import { chooseEntries } from '../../../../core/server/store/read/choose-entries.js';
import { searchByTime } from '../../../../core/server/store/read/search-by-time.js';
import { spansOf } from '../../../../core/server/store/read/spans.js';

type Entry = readonly [commitLogOffset: number, sizeBytes: number, tagsCode: number];
const log = { commitLogStart: 0, recordSizeBytesMax: 1_000_000, isCold: () => false };

function bytesOf(entries: readonly Entry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * 20);
  for (const [index, entry] of entries.entries()) writeEntry(bytes, index * 20, ...entry);
  return bytes;
}

const entries = (count: number, sizeBytes = 100): Buffer =>
  bytesOf(Array.from({ length: count }, (_, index) => [index * sizeBytes, sizeBytes, index]));

test.each([
  ['32 hot messages', 40, 100, {}, {}, 32],
  ['256 KiB of hot messages', 40, 100_000, {}, {}, 2],
  ['8 cold messages', 40, 100, {}, { isCold: () => true }, 8],
  ['64 KiB of cold messages', 40, 30_000, {}, { isCold: () => true }, 2],
  ['the bytes asked for', 40, 100, { sizeBytesMax: 250 }, {}, 2],
  ['one message that alone is more', 40, 500_000, {}, {}, 1],
])('an answer holds at most %s', (_what, count, sizeBytes, options, facts, chosen) => {
  const choice = chooseEntries(entries(count, sizeBytes), { messagesMax: 100, ...options }, { ...log, ...facts });
  expect([choice.chosen.length, choice.scanned]).toEqual([chosen, chosen]);
});

test('what does not match is passed over, up to the end of what was given', () => {
  const isOdd = (tagsCode: number): boolean => tagsCode % 2 === 1;
  expect(chooseEntries(entries(7), { messagesMax: 32, matchesTagsCode: isOdd }, log)).toMatchObject({
    chosen: [1, 3, 5],
    scanned: 7,
  });
  expect(chooseEntries(entries(7), { messagesMax: 32, matchesTagsCode: () => false }, log)).toEqual({
    chosen: [],
    scanned: 7,
    statusWithout: 'NO_MATCHED_MESSAGE',
  });
});

test('entries without a record are passed over and named so when nothing else is there', () => {
  const bytes = bytesOf([
    [0, 50, 0],
    [0, 2_000_000, 0],
    [50, 10, 0],
  ]);
  writeFillerEntry(bytes, 0);
  expect(chooseEntries(bytes, { messagesMax: 32 }, log)).toMatchObject({ chosen: [2], scanned: 3 });
  expect(chooseEntries(bytes, { messagesMax: 32 }, { ...log, commitLogStart: 60 })).toEqual({
    chosen: [],
    scanned: 3,
    statusWithout: 'MESSAGE_WAS_REMOVING',
  });
});

test('records that lie close together are read in one go', () => {
  const bytes = bytesOf([
    [0, 100, 0],
    [100, 100, 0],
    [250, 100, 0],
    [5000, 100, 0],
    [5100, 1_000_000, 0],
    [1_005_100, 50_000, 0],
  ]);
  expect(spansOf(bytes, [0, 1, 2, 3, 4, 5], 50)).toEqual([
    {
      commitLogOffset: 0,
      sizeBytes: 350,
      parts: [
        { at: 0, sizeBytes: 100 },
        { at: 100, sizeBytes: 100 },
        { at: 250, sizeBytes: 100 },
      ],
    },
    {
      commitLogOffset: 5000,
      sizeBytes: 1_000_100,
      parts: [
        { at: 0, sizeBytes: 100 },
        { at: 100, sizeBytes: 1_000_000 },
      ],
    },
    { commitLogOffset: 1_005_100, sizeBytes: 50_000, parts: [{ at: 0, sizeBytes: 50_000 }] },
  ]);
});

test('the nearest in time is what looking at all of them would find', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 20 }), fc.nat(60), fc.nat(5), async (times, timestamp, low) => {
      const sorted = times.sort((one, other) => one - other);
      const found = await searchByTime(
        low,
        low + sorted.length,
        timestamp,
        'nearest',
        (offset) => sorted[offset - low],
      );
      const distances = sorted.map((time) => Math.abs(time - timestamp));
      const nearest = Math.min(...distances);
      if (sorted.length === 0) expect(found).toBe(low);
      else expect(distances[found - low]).toBe(nearest);
      if (nearest === 0) expect(found).toBe(low + sorted.indexOf(timestamp));
    }),
  );
});

test('the boundaries of 5.x are what looking at all of them would find', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 20 }), fc.nat(60), fc.nat(5), async (times, timestamp, low) => {
      const sorted = times.sort((one, other) => one - other);
      const search = (boundary: 'lower' | 'upper') =>
        searchByTime(low, low + sorted.length, timestamp, boundary, (offset) => sorted[offset - low]);
      const first = sorted.findIndex((time) => time >= timestamp);
      expect(await search('lower')).toBe(low + (first < 0 ? sorted.length : first));
      const last = sorted.findLastIndex((time) => time <= timestamp);
      expect(await search('upper')).toBe(last < 0 ? 0 : low + last);
    }),
  );
});
