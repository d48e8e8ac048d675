import { expect, test } from 'vitest';
import { QueueLocks } from '../../core/consumer/ordered/queue-locks.js';
import { Assignment } from '../../core/consumer/rebalance/assignment.js';
import { ConsumerEvents } from '../../core/consumer/report/consumer-events.js';
import { parseSubscription } from '../../core/consumer/subscription/subscription.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
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
 * by side: a lock that was being renewed was given back, and the broker took the second request first; or the request for a lock
 * went under with its connection, and a broker that had just started worked on it behind the one that gave it back, over a
 * new connection. Found by test/interop/storms.test.ts with a broker that was killed.
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
  const closing = locks.close(() => false, 0);
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
    ...{ onLost: () => undefined, onOvertaken: () => undefined, logger: silentLogger },
  });
  const { added, complete } = await assignment.take('t', parseSubscription('t', '*', 1), [QUEUE]);
  expect({ added, complete, kept }).toEqual({ added: [], complete: false, kept: [false] });
});

/** A broker of one lock that does what it is asked when the test says so. */
function slowBroker() {
  const clock = virtualClock();
  const work: (() => void)[] = [];
  const broker = {
    locked: false,
    cut: false,
    unlocks: 0,
    /** Does what it was asked and has not done, the newest first. */
    work: () => {
      for (const one of work.splice(0).reverse()) one();
    },
  };
  const ask = <T>(one: () => void, answer: T): Promise<T> => {
    work.push(one);
    if (broker.cut) {
      return Promise.reject(rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: 'a:1', sent: 'maybe' }));
    }
    broker.work();
    return Promise.resolve(answer);
  };
  const locks = new QueueLocks({
    group: 'g',
    lock: (_broker, queues) => ask(() => Object.assign(broker, { locked: true }), queues),
    unlock: (_broker) => {
      broker.unlocks++;
      return ask(() => Object.assign(broker, { locked: false }), undefined);
    },
    wentOn: async () => false,
    ...{ onConfirmed: () => undefined, onLost: () => undefined, clock, logger: silentLogger },
  });
  return { broker, locks, clock };
}

test('a lock that was asked for without an answer is given back until it cannot be taken any more', async () => {
  const { broker, locks, clock } = slowBroker();
  broker.cut = true;
  expect(await locks.acquire([QUEUE])).toEqual([]);
  broker.cut = false;
  await clock.advance(500);
  // It had the two the other way round.
  expect(broker).toMatchObject({ unlocks: 1, locked: true });
  await clock.advance(2_000);
  expect(broker.locked).toBe(false);
  const { unlocks } = broker;
  await clock.advance(5_000);
  expect(broker.unlocks).toBe(unlocks);
  expect(await locks.acquire([QUEUE])).toEqual([QUEUE]);
  await clock.advance(5_000);
  expect(broker).toMatchObject({ unlocks, locked: true });
});

test('a member that closes gives back what the broker may take late, as long as it has patience', async () => {
  for (const [patienceMs, locked] of [
    [30_000, false],
    [0, true],
  ] as const) {
    const { broker, locks, clock } = slowBroker();
    broker.cut = true;
    await locks.acquire([QUEUE]);
    broker.cut = false;
    const closing = locks.close(() => false, patienceMs);
    await clock.advance(2_000);
    await closing;
    expect(broker.locked).toBe(locked);
    expect(clock.timers).toBe(0);
  }
});

test('a lock that was given back without an answer is given back until the broker says so', async () => {
  const { broker, locks, clock } = slowBroker();
  await locks.acquire([QUEUE]);
  broker.cut = true;
  await locks.release([QUEUE]);
  await clock.advance(2_000);
  expect(broker.unlocks).toBeGreaterThan(2);
  broker.cut = false;
  await clock.advance(500);
  const { unlocks } = broker;
  await clock.advance(5_000);
  expect(broker).toMatchObject({ unlocks, locked: false });
  await locks.acquire([QUEUE]);
  broker.cut = true;
  await locks.release([QUEUE]);
  broker.cut = false;
  await locks.close(() => false, 0);
  expect(broker).toMatchObject({ unlocks: unlocks + 2, locked: false });
  expect(clock.timers).toBe(0);
});

test('a lock that was never asked for, since there was no connection, is not given back', async () => {
  const told: string[] = [];
  const clock = virtualClock();
  const locks = new QueueLocks({
    group: 'g',
    lock: () => Promise.reject(rocketMQError('RMQ_CONNECT_FAILED', 'refused', { address: 'a:1' })),
    unlock: async () => void told.push('unlocked'),
    wentOn: async () => false,
    ...{ onConfirmed: () => undefined, onLost: () => undefined, clock, logger: silentLogger },
  });
  expect(await locks.acquire([QUEUE])).toEqual([]);
  await clock.advance(5_000);
  await locks.close(() => false, 30_000);
  expect(told).toEqual([]);
});
