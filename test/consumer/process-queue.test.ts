import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HeldMessage, ProcessQueue } from '../../core/consumer/queues/process-queue.js';

const held = (queueOffset: number, sizeBytes = 10): HeldMessage => ({ queueOffset, sizeBytes, acknowledged: false });

describe('process queue', () => {
  test('the committable offset is the oldest unacknowledged one, else where the next pull begins', () => {
    const queue = new ProcessQueue(5);
    expect(queue.committableOffset).toBe(5);
    const messages = [held(5), held(6), held(9)];
    expect(queue.put(messages, 12)).toBe(3);
    expect([queue.committableOffset, queue.nextOffset, queue.count, queue.sizeBytes, queue.span]).toEqual([
      5, 12, 3, 30, 4,
    ]);
    const [first, second, third] = [queue.take()!, queue.take()!, queue.take()!];
    expect(queue.take()).toBeUndefined();
    queue.acknowledge(third);
    queue.acknowledge(second);
    expect(queue.committableOffset).toBe(5);
    expect(queue.acknowledge(first)).toBe(true);
    expect(queue.acknowledge(first)).toBe(false);
    expect([queue.committableOffset, queue.count, queue.sizeBytes, queue.span]).toEqual([12, 0, 0, 0]);
  });

  test('what was there already, or goes back, is left out', () => {
    const queue = new ProcessQueue(3);
    expect(queue.put([held(2), held(3), held(3), held(4)], 5)).toBe(2);
    expect(queue.put([held(4)], 5)).toBe(0);
    queue.skipTo(2);
    expect([queue.nextOffset, queue.count]).toEqual([5, 2]);
  });

  test('for any interleaving of pulls, takes and acknowledgements it agrees with a list, and never commits past an unacknowledged message', () => {
    const step = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('put' as const),
          gaps: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }),
          skip: fc.nat(3),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('take' as const), count: fc.nat(6) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), pick: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new ProcessQueue<HeldMessage>(100);
        const unacknowledged = new Map<number, HeldMessage>();
        const taken: HeldMessage[] = [];
        const order: number[] = [];
        let next = 100;
        for (const one of steps) {
          if (one.kind === 'put') {
            const messages = one.gaps.map((gap) => {
              next += gap;
              return held(next - 1, gap);
            });
            next += one.skip;
            expect(queue.put(messages, next)).toBe(messages.length);
            for (const message of messages) unacknowledged.set(message.queueOffset, message);
            order.push(...messages.map(({ queueOffset }) => queueOffset));
          } else if (one.kind === 'take') {
            for (let index = 0; index < one.count; index++) {
              const message = queue.take();
              expect(message?.queueOffset).toBe(order.shift());
              if (message !== undefined) taken.push(message);
            }
          } else if (taken.length > 0) {
            const [message] = taken.splice(one.pick % taken.length, 1);
            expect(queue.acknowledge(message!)).toBe(true);
            unacknowledged.delete(message!.queueOffset);
          }
          const oldest = Math.min(...unacknowledged.keys(), next);
          expect(queue.committableOffset).toBe(oldest);
          expect(queue.count).toBe(unacknowledged.size);
          expect(queue.sizeBytes).toBe([...unacknowledged.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
          expect(queue.hasUntaken).toBe(order.length > 0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('a window of many thousands stays cheap to move', () => {
  const queue = new ProcessQueue<HeldMessage>(0);
  for (let offset = 0; offset < 200_000; offset += 32) {
    queue.put(
      Array.from({ length: 32 }, (_, index) => held(offset + index)),
      offset + 32,
    );
    if (offset >= 3_200) for (let index = 0; index < 32; index++) queue.acknowledge(queue.take()!);
  }
  expect(queue.committableOffset).toBe(200_000 - 3_200);
});
