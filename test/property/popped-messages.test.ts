/**
 * Whatever handlers do, whichever answers get lost, and whoever leaves or dies: no popped message is lost, and none is told to
 * be done that no handler finished.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Consumer } from '../../core/consumer/consumer.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';
import { FakePop } from '../consumer/kit/fake-pop.js';

const MESSAGES = 12;
/** What a handler does with a message when it gets it, in turn; after these it returns at once. */
const deed = fc.oneof(
  fc.constant({ kind: 'return' } as const),
  fc.constant({ kind: 'throw' } as const),
  fc.record({ kind: fc.constant('retry' as const), afterMs: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ kind: fc.constant('takes' as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
);
const history = fc.record({
  deeds: fc.array(deed, { maxLength: 20 }),
  /** Which of the requests that say something of messages are lost. */
  lost: fc.array(fc.boolean(), { maxLength: 20 }),
  /** What becomes of members, in turn. */
  ends: fc.array(fc.constantFrom('close' as const, 'die' as const), { maxLength: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
});
const SAYS: readonly number[] = [
  RequestCode.ACK_MESSAGE,
  RequestCode.BATCH_ACK_MESSAGE,
  RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
];

test('every message is handled, and nothing is acknowledged that was not', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ deeds, lost, ends, concurrency }) => {
      const clock = virtualClock();
      const broker = new FakeBroker();
      broker.createTopic('orders', 2);
      const pop = new FakePop(broker, clock);
      for (let index = 0; index < MESSAGES; index++) pop.put('orders', index % 2);
      const dead = new Set<string>();
      const losses = [...lost];
      broker.script = ({ command, clientId }) => {
        if (dead.has(clientId) && command.code > 200_000) return 'silence';
        if (!SAYS.includes(command.code) || losses.shift() !== true) return undefined;
        return rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: 'a', sent: 'maybe' });
      };
      const finished = new Set<string>();
      const left = [...deeds];
      const member = async (clientId: string): Promise<Consumer> => {
        const consumer = fakeClient(broker, clock, { clientId }).consumer({
          ...{ group: 'billing', subscribe: { orders: '*' }, messageRequestMode: 'pop', concurrency },
          ...{ popInvisibleTimeMs: 6_000, maxReconsumeTimes: 1_000, backOff: () => '1s' },
        });
        await consumer.run(async (message) => {
          const next = left.shift();
          if (next?.kind === 'throw') throw new Error('no bank today');
          if (next?.kind === 'retry') return message.retry({ after: next.afterMs });
          if (next?.kind === 'takes') await new Promise<void>((resolve) => clock.setTimer(next.ms, resolve));
          if (!dead.has(clientId)) finished.add(message.msgId);
          return undefined;
        });
        return consumer;
      };
      for (const [index, end] of ends.entries()) {
        const consumer = await member(`c${index}`);
        await clock.advance(2_000);
        if (end === 'die') dead.add(`c${index}`);
        const closing = consumer.close(end === 'die' ? { timeoutMs: 0, signal: AbortSignal.abort() } : {});
        await clock.advance(40_000);
        await closing;
      }
      const last = await member('last');
      await clock.advance('5m');
      expect(finished.size).toBe(MESSAGES);
      expect(pop.invisible.size).toBe(0);
      await last.close();
    }),
    { numRuns: 25 },
  );
});
