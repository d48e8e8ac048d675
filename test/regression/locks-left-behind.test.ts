import { expect, test } from 'vitest';
import { Assignment } from '../../core/consumer/assignment.js';
import { ConsumerEvents } from '../../core/consumer/consumer-events.js';
import { QueueLocks } from '../../core/consumer/ordered/queue-locks.js';
import { parseSubscription } from '../../core/consumer/subscription.js';
import type { MessageQueue } from '../../core/message/message.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn } from '../kit/wait-for.js';

/*
 * Queues stood still for a minute after members of an ordered group had come and gone: their locks belonged to a member that did
 * not read them. One had closed while it asked for locks; what was granted after it had given its locks back was never given
 * back. The other had been granted a lock, could not learn where to begin, and was not given the queue in the next round; it
 * renewed the lock for ever. And connections are cut
 * while a broker is asked: it had granted a lock, or was to take one back, and nobody heard. And a broker works on requests side
 * by side: a lock that was being renewed was given back, and the broker took the second request first. Found by
 * test/interop/storms.test.ts with a broker that was killed.
 */
const QUEUE: MessageQueue = { topic: 't', brokerName: 'a', queueId: 0 };

test('a lock that is granted while its member closes is given back', async () => {
  const unlocked: MessageQueue[] = [];
  let grant = (): void => {};
  const locks = new QueueLocks({
    group: 'g',
    lock: (_broker, queues) =>
      new Promise((resolve) => {
        grant = () => resolve(queues);
      }),
    unlock: async (_broker, queues) => void unlocked.push(...queues),
    wentOn: async () => false,
    ...{ onConfirmed: () => undefined, onLost: () => undefined, clock: systemClock, logger: silentLogger },
  });
  const acquiring = locks.acquire([QUEUE]);
  const closing = locks.close(() => false);
  await nextTurn();
  expect(unlocked).toEqual([]);
  grant();
  await Promise.all([acquiring, closing]);
  expect([unlocked, locks.queues]).toEqual([[QUEUE], []]);
  expect(await locks.acquire([QUEUE])).toEqual([]);
});

test.each([
  ['renewed', (locks: QueueLocks) => locks.renew()],
  ['asked for again behind a lost connection', async (locks: QueueLocks) => locks.doubt(() => true)],
])('a lock that is given back while it is %s is given back behind the answer to that', async (_how, ask) => {
  const told: string[] = [];
  let answer: (() => void) | undefined;
  const locks = new QueueLocks({
    group: 'g',
    lock: (_broker, queues) =>
      new Promise((resolve) => {
        answer = () => resolve(queues);
      }),
    unlock: async () => void told.push('unlocked'),
    wentOn: async () => false,
    onConfirmed: () => void told.push('confirmed'),
    ...{ onLost: () => undefined, clock: systemClock, logger: silentLogger },
  });
  const acquiring = locks.acquire([QUEUE]);
  answer?.();
  expect(await acquiring).toEqual([QUEUE]);
  const asking = ask(locks);
  const releasing = locks.release([QUEUE]);
  await nextTurn();
  expect(told).toEqual([]);
  answer?.();
  await Promise.all([asking, releasing]);
  expect([told, locks.queues]).toEqual([['unlocked'], []]);
});

test('a lock of a queue that is not read after all is given back', async () => {
  const kept: boolean[] = [];
  const assignment = new Assignment({
    group: 'g',
    from: 'first',
    flow: {
      ...{ pullThresholdForQueue: 10, pullThresholdSizeForQueueBytes: 10, consumeConcurrentlyMaxSpan: 10 },
      ...{ pullThresholdForTopic: undefined, pullThresholdSizeForTopicBytes: undefined },
    },
    offsetStore: {
      read: () => Promise.reject(new Error('the broker is away')),
      update: () => undefined,
      persist: async () => undefined,
      remove: () => undefined,
    },
    ownership: {
      acquire: async (queues) => queues,
      prepareToLeave: async () => true,
      isDoubtful: () => false,
      keepOnly: async (_topic, isRead) => void kept.push(isRead(QUEUE)),
      released: async () => undefined,
    },
    queueOffsets: { min: async () => 0, max: async () => 0, atTimestamp: async () => 0 },
    events: new ConsumerEvents('g', systemClock, silentLogger),
    createFeed: () => {
      throw new Error('nothing is read');
    },
    ...{ onLost: () => undefined, logger: silentLogger },
  });
  const { added, complete } = await assignment.take('t', parseSubscription('t', '*', 1), [QUEUE]);
  expect({ added, complete, kept }).toEqual({ added: [], complete: false, kept: [false] });
});

test('a lock that was asked for or given back without an answer is given back until the broker says so', async () => {
  const clock = virtualClock();
  const broker = { cut: true, unlocked: 0 };
  const answer = <T>(value: T): Promise<T> =>
    broker.cut ? Promise.reject(new Error('the connection was cut')) : Promise.resolve(value);
  const locks = new QueueLocks({
    group: 'g',
    lock: (_broker, queues) => answer(queues),
    unlock: (_broker, queues) => {
      broker.unlocked += queues.length;
      return answer(undefined);
    },
    wentOn: async () => false,
    ...{ onConfirmed: () => undefined, onLost: () => undefined, clock, logger: silentLogger },
  });
  expect(await locks.acquire([QUEUE])).toEqual([]);
  await clock.advance(2_000);
  expect(broker.unlocked).toBeGreaterThan(1);
  broker.cut = false;
  await clock.advance(500);
  const paid = broker.unlocked;
  await clock.advance(5_000);
  expect(broker.unlocked).toBe(paid);
  expect(await locks.acquire([QUEUE])).toEqual([QUEUE]);
  broker.cut = true;
  await locks.release([QUEUE]);
  broker.cut = false;
  await locks.close(() => false);
  expect(broker.unlocked).toBe(paid + 2);
  expect(clock.timers).toBe(0);
});
