import { expect, test } from 'vitest';
import { QueueLocks } from '../../core/consumer/ordered/queue-locks.js';
import type { MessageQueue } from '../../core/message/message.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn } from '../kit/wait-for.js';

/**
 * A broker that was restarted knows neither members nor locks. Whoever's heartbeat came first was told to be the only member,
 * was granted the locks of all queues and read them, while their owners, whose locks were less than 30 seconds old, went on
 * with what they had pulled: two members handled a queue at one time, and messages of a key overtook each other. Apache's
 * client does so to this day. Found by test/consumer/storms.test.ts.
 */
const QUEUE: MessageQueue = { topic: 't', brokerName: 'a', queueId: 0 };
const isA = (brokerName: string) => brokerName === 'a';

async function setup() {
  const clock = virtualClock();
  const broker = { granted: true, wentOn: false, away: false, asked: 0 };
  const told: string[] = [];
  const locks = new QueueLocks({
    group: 'g',
    lock: async (_name, queues) => {
      broker.asked++;
      if (broker.away) throw new Error('away');
      return broker.granted ? queues : [];
    },
    unlock: async () => undefined,
    wentOn: async () => broker.wentOn,
    onConfirmed: () => void told.push('confirmed'),
    onLost: () => void told.push('lost'),
    ...{ clock, logger: silentLogger },
  });
  await locks.acquire([QUEUE]);
  return { locks, broker, told, clock };
}

test('a lock is not trusted once its broker was lost, until the broker says again that it is ours', async () => {
  const { locks, told } = await setup();
  expect(locks.holds(QUEUE)).toBe(true);
  locks.doubt((brokerName) => brokerName === 'b');
  expect(locks.holds(QUEUE)).toBe(true);
  locks.doubt(isA);
  expect([locks.holds(QUEUE), locks.isDoubtful(QUEUE)]).toEqual([false, true]);
  await nextTurn();
  expect([locks.holds(QUEUE), locks.isDoubtful(QUEUE), told]).toEqual([true, false, ['confirmed']]);
});

test('a lock that was not renewed for a minute is in doubt: its broker may have given it away', async () => {
  const { locks, clock } = await setup();
  await clock.advance(59_999);
  expect(locks.isDoubtful(QUEUE)).toBe(false);
  await clock.advance(1);
  expect(locks.isDoubtful(QUEUE)).toBe(true);
});

test.each([
  ['another member has it', { granted: false }],
  ['another member had it, and stored what it did', { wentOn: true }],
])('it is lost when %s', async (_why, now) => {
  const { locks, broker, told } = await setup();
  Object.assign(broker, now);
  locks.doubt(isA);
  await nextTurn();
  expect([locks.holds(QUEUE), told]).toEqual([false, ['lost']]);
});

test('a broker that is away is asked until it is back, and what it said before another loss does not count', async () => {
  const { locks, broker, told, clock } = await setup();
  broker.away = true;
  locks.doubt(isA);
  for (let round = 0; round < 5; round++) {
    await nextTurn();
    await clock.advance(1_000);
  }
  expect(broker.asked).toBeGreaterThan(5);
  expect(locks.holds(QUEUE)).toBe(false);
  broker.away = false;
  locks.doubt(isA);
  locks.doubt(isA);
  await nextTurn();
  expect(locks.holds(QUEUE)).toBe(false);
  await clock.advance(1_000);
  await nextTurn();
  expect([locks.holds(QUEUE), told]).toEqual([true, ['confirmed']]);
});
