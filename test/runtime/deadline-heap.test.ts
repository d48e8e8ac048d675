import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeadlineEntry } from '../../core/runtime/deadline-entry.js';
import { DeadlineHeap } from '../../core/runtime/deadline-heap.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

function setup() {
  const clock = virtualClock();
  const heap = new DeadlineHeap(clock);
  const fired: number[] = [];
  const entry = (deadlineMs: number): DeadlineEntry => ({
    deadlineMs,
    heapIndex: -1,
    onDeadline() {
      fired.push(deadlineMs);
    },
  });
  return { clock, heap, fired, entry };
}

describe('deadline heap', () => {
  test('calls entries at their deadline, earliest first, whatever the order they came in', async () => {
    const { clock, heap, fired, entry } = setup();
    for (const deadlineMs of [300, 100, 200, 100.5]) heap.add(entry(deadlineMs));
    await clock.advance(99);
    expect(fired).toEqual([]);
    await clock.advance(2);
    expect(fired).toEqual([100, 100.5]);
    await clock.advance(1_000);
    expect(fired).toEqual([100, 100.5, 200, 300]);
    expect(heap.size).toBe(0);
  });

  test('after a stall gives what arrived meanwhile a turn before anything counts as late', () => {
    let nowMs = 0;
    const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
    const setTimer = (delayMs: number, callback: () => void) => {
      timers.push({ delayMs, callback });
      return { cancel: () => {} };
    };
    const heap = new DeadlineHeap({ now: () => nowMs, monotonic: () => nowMs, setTimer });
    const fired: string[] = [];
    const entry = (name: string): DeadlineEntry => ({
      deadlineMs: 100,
      heapIndex: -1,
      onDeadline: () => fired.push(name),
    });
    const answered = entry('answered');
    heap.add(answered);
    heap.add(entry('lost'));
    nowMs = 900;
    timers.shift()!.callback();
    expect(fired).toEqual([]);
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([0]);
    heap.remove(answered);
    nowMs = 901;
    timers.shift()!.callback();
    expect(fired).toEqual(['lost']);
    expect(timers).toEqual([]);
  });

  test('a removed entry is never called and can come again', async () => {
    const { clock, heap, fired, entry } = setup();
    const first = entry(10);
    const second = entry(20);
    heap.add(first);
    heap.add(second);
    expect(heap.remove(first)).toBe(true);
    expect(heap.remove(first)).toBe(false);
    await clock.advance(15);
    expect(fired).toEqual([]);
    heap.add(first);
    await clock.advance(10);
    expect(fired).toEqual([10, 20]);
  });

  test('an entry cannot be in it twice', () => {
    const { heap, entry } = setup();
    const only = entry(10);
    heap.add(only);
    expect(() => heap.add(only)).toThrow(/already/);
  });

  test('keeps the process alive only while it has entries, with one timer', () => {
    const { clock, heap, entry } = setup();
    const entries = [entry(50), entry(40), entry(60)];
    for (const each of entries) heap.add(each);
    expect(clock.timers).toBe(1);
    expect(clock.refTimers).toBe(1);
    for (const each of entries) heap.remove(each);
    expect(clock.refTimers).toBe(0);
    heap.add(entry(70));
    expect(clock.timers).toBe(1);
    expect(clock.refTimers).toBe(1);
  });

  test('clear forgets every entry and its timer', async () => {
    const { clock, heap, fired, entry } = setup();
    const one = entry(5);
    heap.add(one);
    heap.clear();
    expect(clock.timers).toBe(0);
    await clock.advance(10);
    expect(fired).toEqual([]);
    expect(one.heapIndex).toBe(-1);
  });

  test('an entry that throws does not lose the others', async () => {
    const { clock, heap, fired, entry } = setup();
    const thrower = entry(10);
    thrower.onDeadline = () => {
      throw new Error('from an entry');
    };
    heap.add(thrower);
    heap.add(entry(10));
    heap.add(entry(11));
    await expect(clock.advance(20)).rejects.toThrow('from an entry');
    await clock.advance(20);
    expect(fired).toEqual([10, 11]);
  });

  test('an entry may add and remove others when it is called', async () => {
    const { clock, heap, fired, entry } = setup();
    const other = entry(30);
    const first = entry(10);
    first.onDeadline = () => {
      heap.remove(other);
      heap.add(entry(12));
    };
    heap.add(first);
    heap.add(other);
    await clock.advance(40);
    expect(fired).toEqual([12]);
  });

  test('any sequence of adding and removing calls exactly what is left, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ deadlineMs: fc.integer({ min: 1, max: 50 }), keep: fc.boolean() }), { maxLength: 60 }),
        async (plans) => {
          const { clock, heap, fired, entry } = setup();
          const entries = plans.map(({ deadlineMs }) => entry(deadlineMs));
          for (const each of entries) heap.add(each);
          for (const [index, plan] of plans.entries()) if (!plan.keep) heap.remove(entries[index]!);
          await clock.advance(60);
          const expected = plans.filter((plan) => plan.keep).map((plan) => plan.deadlineMs);
          expect(fired).toEqual(expected.sort((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });
});
