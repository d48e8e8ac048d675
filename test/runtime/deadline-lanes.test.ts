import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeadlineHeap } from '../../core/runtime/deadline-heap.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

function entry(deadlineMs: number, called: number[]) {
  return { deadlineMs, heapIndex: -1, onDeadline: () => void called.push(deadlineMs) };
}

test('thousands of equal time-outs, most of them ended early, call exactly those that are left, in order', async () => {
  const clock = virtualClock();
  const heap = new DeadlineHeap(clock);
  const called: number[] = [];
  const entries = Array.from({ length: 5_000 }, (_, index) => entry(100 + index / 100, called));
  for (const one of entries) heap.add(one);
  const left = entries.filter((one, index) => index % 97 === 0 || !heap.remove(one));
  expect(heap.size).toBe(left.length);
  await clock.advance(1_000);
  expect(called).toEqual(left.map((one) => one.deadlineMs));
  expect(heap.size).toBe(0);
  expect(clock.refTimers).toBe(0);
});

test('time-outs of many lengths at once end in order, whatever is removed in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(1, 5, 30, 60, 200, 1_000), fc.boolean(), fc.nat(3)), { maxLength: 300 }),
      async (steps) => {
        const clock = virtualClock();
        const heap = new DeadlineHeap(clock);
        const called: number[] = [];
        const expected: number[] = [];
        for (const [timeoutMs, ends, waitMs] of steps) {
          if (waitMs === 0) await clock.advance(1);
          const one = entry(clock.monotonic() + timeoutMs, called);
          heap.add(one);
          if (ends) expect(heap.remove(one)).toBe(true);
          else expected.push(one.deadlineMs);
        }
        await clock.advance(2_000);
        expect(called).toEqual(expected.sort((left, right) => left - right));
        expect(heap.size).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});

test('a long time-out that stays does not keep the lane of the short ones from being used again and again', async () => {
  const clock = virtualClock();
  const heap = new DeadlineHeap(clock);
  const called: number[] = [];
  heap.add(entry(100_000, called));
  heap.add(entry(50, called));
  for (let round = 0; round < 10_000; round++) {
    const short = entry(60 + round / 1_000, called);
    heap.add(short);
    heap.remove(short);
  }
  expect(heap.size).toBe(2);
  await clock.advance(100);
  expect(called).toEqual([50]);
});
