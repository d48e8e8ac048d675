import { expect, test } from 'vitest';
import { RollingSums } from '../../core/runtime/rolling-sums.js';

test('rolling sums forget what is older than their buckets, also after a long silence', () => {
  const sums = new RollingSums(10, 3, 2);
  sums.add(5, 0, 1);
  sums.add(12, 0, 10);
  sums.add(25, 1, 7);
  expect([sums.sum(29, 0), sums.sum(29, 1)]).toEqual([11, 7]);
  expect(sums.sum(30, 0)).toBe(10);
  expect([sums.sum(1_000, 0), sums.sum(1_000, 1)]).toEqual([0, 0]);
  sums.add(1_001, 0, 3);
  expect(sums.sum(1_019, 0)).toBe(3);
});
