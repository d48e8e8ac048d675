/** For any interleaving of acknowledgements, what is committed never passes a message that is not done. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProcessQueue } from '../../core/consumer/queues/process-queue.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';

interface Held {
  readonly queueOffset: number;
  readonly sizeBytes: number;
  acknowledged: boolean;
}

/** What happens to a queue: a pull brings messages with gaps between them, some are taken, one of those taken is done. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    gaps: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 }),
    tail: fc.integer({ min: 0, max: 5 }),
  }),
  fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('done' as const), which: fc.nat() }),
);

test('of a process queue, whatever is pulled, taken and done in which order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.array(step, { maxLength: 120 }), (start, steps) => {
      const queue = new ProcessQueue<Held>(start);
      const put: Held[] = [];
      let running: Held[] = [];
      let committed = start;
      for (const one of steps) {
        if (one.kind === 'put') {
          let queueOffset = queue.nextOffset - 1;
          const messages = one.gaps.map((gap) => {
            queueOffset += gap + 1;
            return { queueOffset, sizeBytes: 10, acknowledged: false };
          });
          put.push(...messages);
          queue.put(messages, Math.max(queue.nextOffset, queueOffset + 1) + one.tail);
        } else if (one.kind === 'take') {
          running.push(...queue.takeUpTo(one.count));
        } else if (running.length > 0) {
          const done = running[one.which % running.length] as Held;
          running = running.filter((message) => message !== done);
          expect([queue.acknowledge(done), queue.acknowledge(done)]).toEqual([true, false]);
        }
        const open = put.filter(({ acknowledged }) => !acknowledged);
        const oldest = open[0]?.queueOffset ?? queue.nextOffset;
        expect(queue.committableOffset).toBe(oldest);
        expect(queue.committableOffset).toBeGreaterThanOrEqual(committed);
        committed = queue.committableOffset;
        expect([queue.count, queue.sizeBytes]).toEqual([open.length, open.length * 10]);
      }
    }),
    { numRuns: 300 },
  );
});

/** How a handler ends, and after how long. */
const ending = fc.record({
  how: fc.constantFrom('return', 'return', 'throw', 'retry', 'dead letter', 'never'),
  afterMs: fc.integer({ min: 0, max: 12_000 }),
});

test('of a whole consumer, however and whenever its handlers end, and its broker takes messages back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(ending, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      async (endings, concurrency, takesBack) => {
        const clock = virtualClock();
        const broker = new FakeBroker();
        broker.createTopic('orders', 1);
        broker.setOffset('billing', 'orders', 0, 0);
        for (const _ of endings) broker.put('orders', 0);
        /** Offsets that are handled or with the broker again. */
        const done = new Set<number>();
        let asked = 0;
        const handle = broker.handle.bind(broker);
        broker.handle = (request, respond) => {
          if (request.ext.commitOffset !== undefined && request.ext.sysFlag === undefined)
            expectCommitted(Number(request.ext.commitOffset));
          if (request.ext.offset !== undefined && request.ext.delayLevel !== undefined) {
            if (takesBack[asked++ % takesBack.length] === false) return respond(refusal);
            done.add(Number(request.ext.offset) / 1_000);
          }
          return handle(request, respond);
        };
        const expectCommitted = (offset: number): void => {
          for (let below = 0; below < offset; below++) expect(done.has(below), `${below} below ${offset}`).toBe(true);
        };
        const { consumer: create } = fakeClient(broker, clock);
        const options = { concurrency, consumeTimeoutMs: 10_000 };
        const consumer = create({ group: 'billing', subscribe: { orders: '*' }, ...options });
        await consumer.run(async (message) => {
          const { how, afterMs } = endings[message.queueOffset] as (typeof endings)[number];
          await new Promise<void>((resolve) => void clock.setTimer(afterMs, resolve));
          if (how === 'never') await new Promise(() => undefined);
          if (how === 'throw') throw new Error('no bank today');
          if (how === 'retry') message.retry();
          else if (how === 'dead letter') message.deadLetter('no such customer');
          else done.add(message.queueOffset);
        });
        await clock.advance(40_000);
        await consumer.close({ timeoutMs: 0, signal: AbortSignal.abort() });
        expectCommitted(broker.offsetOf('billing', 'orders', 0) ?? 0);
      },
    ),
    { numRuns: 25 },
  );
});

const refusal = {
  code: 1,
  language: 0,
  version: 407,
  opaque: 0,
  flag: 1,
  remark: 'no room',
  ext: {},
  body: Buffer.alloc(0),
  serializeType: 0 as const,
};
