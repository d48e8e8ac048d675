import { describe, expect, test } from 'vitest';
import { allocateAveragely } from '../../core/consumer/allocation/averagely.js';
import { createLitePullConsumer } from '../../core/consumer/pull/create-lite-pull-consumer.js';
import { createPullConsumer } from '../../core/consumer/pull/create-pull-consumer.js';
import { connect } from '../../core/container/connect.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { Clock } from '../../core/runtime/clock.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { answerOf, FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup({ messages = 0, jump = () => 0 }: { messages?: number; jump?: () => number } = {}) {
  const clock = virtualClock();
  const jumping: Clock = {
    now: () => clock.now() + jump(),
    monotonic: () => clock.monotonic() + jump(),
    setTimer: (...timer) => clock.setTimer(...timer),
  };
  const broker = new FakeBroker();
  broker.createTopic('orders', 1);
  broker.createTopic('%RETRY%billing', 1);
  broker.setOffset('billing', 'orders', 0, 0);
  for (let index = 0; index < messages; index++) broker.put('orders', 0);
  /** Time goes by at a broker that holds a pull no longer than it may. */
  const pass = async (durationMs: number): Promise<void> => {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= 10_000) {
      await clock.advance(Math.min(leftMs, 10_000));
      broker.endHolding();
      await clock.settle();
    }
  };
  return { clock, broker, client: fakeClient(broker, jumping), pass };
}

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

describe('health', () => {
  test('of a queue tells its last pull, its progress, what is in flight, its oldest message and its lag', async () => {
    const { client, clock } = setup({ messages: 40 });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, concurrency: 40 });
    expect(consumer.health()).toEqual({
      group: 'billing',
      state: 'created',
      verdict: 'not running',
      reasons: [],
      sinceLastPollMs: undefined,
      queues: [],
    });
    const releases: (() => void)[] = [];
    await consumer.run((message) =>
      message.queueOffset === 3 ? new Promise<void>((resolve) => releases.push(resolve)) : undefined,
    );
    await clock.advance(7_000);
    const { verdict, queues } = consumer.health();
    expect(verdict).toBe('healthy');
    expect(queues.find(({ topic }) => topic === 'orders')).toEqual({
      ...queue,
      verdict: 'reading',
      reason: undefined,
      sinceLastPullMs: 7_000,
      sinceProgressMs: 2_000,
      inFlight: 1,
      oldestUnacknowledged: { queueOffset: 3, ageMs: 7_000 },
      lag: 37,
      receiptsExpired: 0,
    });
    for (const release of releases) release();
    await clock.settle();
    expect(consumer.health().queues.find(({ topic }) => topic === 'orders')).toMatchObject({
      inFlight: 0,
      oldestUnacknowledged: undefined,
      lag: 0,
      sinceProgressMs: 0,
    });
    await consumer.close();
    expect(consumer.health()).toMatchObject({ state: 'shut down', verdict: 'not running', queues: [] });
  });

  test('is lost to a handler that hangs, named with its offset, and comes back when it ends', async () => {
    const { client, pass } = setup({ messages: 200 });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, consumeConcurrentlyMaxSpan: 90 });
    const events = eventsOf(consumer);
    const releases: (() => void)[] = [];
    await consumer.run((message) =>
      message.queueOffset === 3 ? new Promise<void>((resolve) => releases.push(resolve)) : undefined,
    );
    await pass(120_000);
    expect(consumer.health().verdict).toBe('healthy');
    await pass(5_000);
    const reason = 'the message at offset 3 has not been acknowledged for 125 s: its handler hangs or keeps failing';
    expect(consumer.health()).toMatchObject({
      verdict: 'unhealthy',
      reasons: [`queue 0 of topic orders at broker-a is blocked: ${reason}`],
    });
    for (const release of releases) release();
    await pass(5_000);
    expect(consumer.health()).toMatchObject({ verdict: 'healthy', reasons: [] });
    expect(events.filter(({ type }) => type === 'queueHealthChanged')).toMatchObject([
      { queue, was: 'reading', verdict: 'blocked', reason },
      { queue, was: 'blocked', verdict: 'reading', reason: undefined },
    ]);
    expect(events.filter(({ type }) => type === 'healthChanged')).toMatchObject([
      { verdict: 'unhealthy', reasons: [expect.stringContaining('offset 3')] },
      { verdict: 'healthy', reasons: [] },
    ]);
  });

  test('is lost to a message that fails for ever, though there is room for more', async () => {
    const { client, pass } = setup({ messages: 3 });
    const consumer = client.consumer({
      group: 'billing',
      subscribe: { orders: '*' },
      consumeTimeoutMs: 130_000,
      handlerRetry: { attempts: Number.POSITIVE_INFINITY },
    });
    await consumer.run((message) => {
      if (message.queueOffset === 0) throw new Error('never');
    });
    await pass(130_000);
    expect(consumer.health().verdict).toBe('healthy');
    await pass(1_000);
    expect(consumer.health().queues).toMatchObject([
      { topic: 'orders', verdict: 'blocked' },
      { topic: '%RETRY%billing', verdict: 'reading' },
    ]);
  });

  test('tells of pulls that fail for half a minute, and of paused queues, which are no illness', async () => {
    const { client, broker, pass } = setup();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run(() => undefined);
    broker.script = ({ command, ext }) =>
      command.code === RequestCode.PULL_MESSAGE && ext.topic === 'orders'
        ? rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: broker.address, sent: 'no' })
        : undefined;
    broker.put('orders', 0);
    await pass(60_000);
    expect(consumer.health().queues[0]).toMatchObject({
      verdict: 'failing',
      reason: expect.stringContaining('failed for'),
    });
    broker.script = undefined;
    await pass(5_000);
    expect(consumer.health().verdict).toBe('healthy');
    consumer.pause();
    await pass(300_000);
    expect(consumer.health()).toMatchObject({
      verdict: 'healthy',
      queues: [{ verdict: 'paused' }, { verdict: 'paused' }],
    });
  });

  test('tells of a strategy that throws: queues are read on, none is shared out anew', async () => {
    const { client, clock } = setup();
    let hangs = false;
    const consumer = client.consumer({
      group: 'billing',
      subscribe: { orders: '*' },
      allocateStrategy: {
        ...allocateAveragely,
        allocate: (...facts) => {
          if (hangs) throw new Error('no idea');
          return allocateAveragely.allocate(...facts);
        },
      },
    });
    await consumer.run(() => undefined);
    hangs = true;
    await clock.advance(25_000);
    expect(consumer.health().reasons).toEqual([
      'the queues of topic orders could not be shared out at the last try; what is held is read on',
    ]);
    hangs = false;
    await clock.advance(5_000);
    expect(consumer.health().verdict).toBe('healthy');
  });
});

test('a round of sharing out that never ends does not blind health()', async () => {
  const { client, broker, pass } = setup();
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  const events = eventsOf(consumer);
  await consumer.run(() => undefined);
  broker.script = ({ command }) => (command.code === RequestCode.GET_CONSUMER_LIST_BY_GROUP ? 'silence' : undefined);
  await pass(150_000);
  const reason = expect.stringContaining('sharing out queues has not ended for 13');
  expect(consumer.health()).toMatchObject({ verdict: 'unhealthy', reasons: [reason] });
  expect(events.filter(({ type }) => type === 'healthChanged')).toMatchObject([{ verdict: 'unhealthy' }]);
});

describe('the watch', () => {
  test('has a queue whose pulls are never answered read anew, within seconds, and says so', async () => {
    const { client, broker, pass } = setup();
    broker.script = ({ command, ext }) =>
      command.code === RequestCode.PULL_MESSAGE && ext.topic === 'orders' ? 'silence' : undefined;
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run((message) => void got.push(message.queueOffset));
    broker.script = undefined;
    broker.put('orders', 0);
    await pass(125_000);
    expect(got).toEqual([0]);
    await pass(5_000);
    expect(consumer.health().verdict).toBe('healthy');
    const told = events.filter(
      ({ type }) => type.endsWith('ealthChanged') || type === 'queueLost' || type === 'queueAssigned',
    );
    expect(told.slice(2).map((event) => [event.type, 'verdict' in event ? event.verdict : undefined])).toEqual([
      ['queueHealthChanged', 'stalled'],
      ['healthChanged', 'unhealthy'],
      ['queueLost', undefined],
      ['queueAssigned', undefined],
      ['queueHealthChanged', 'reading'],
      ['healthChanged', 'healthy'],
    ]);
  });

  test('lets a process that was suspended for an hour go on: no queue is given up, brokers hear of it at once', async () => {
    let jumpMs = 0;
    const { client, clock, broker } = setup({ jump: () => jumpMs });
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run((message) => void got.push(message.queueOffset));
    await clock.advance(1_000);
    jumpMs = 3_600_000;
    broker.forgetMembers();
    await clock.advance(4_000);
    expect(broker.membersOf('billing')).toEqual(['c1']);
    expect(events.filter(({ type }) => type === 'suspended')).toMatchObject([{ forMs: 3_600_000 }]);
    broker.put('orders', 0);
    await clock.advance(30_000);
    expect(got).toEqual([0]);
    expect(events.filter(({ type }) => type === 'queueLost' || type === 'queueHealthChanged')).toEqual([]);
    expect(consumer.health().verdict).toBe('healthy');
  });

  test('does not care for a wall clock that is set', async () => {
    const { client, clock, broker } = setup();
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run((message) => void got.push(message.queueOffset));
    clock.setNow(clock.now() + 86_400_000);
    await clock.advance(20_000);
    clock.setNow(0);
    await clock.advance(20_000);
    broker.put('orders', 0);
    await clock.settle();
    expect(got).toEqual([0]);
    expect(events.filter(({ type }) => type === 'suspended' || type === 'queueLost')).toEqual([]);
  });
});

describe('of consumers that are asked', () => {
  test('lite pull: the last poll, the queues with their lag; that nobody polls is no illness, that pulls fail is', async () => {
    const { client, broker, pass } = setup({ messages: 40 });
    const { onClosed: _none, ...services } = client.services;
    const options = { group: 'billing', subscribe: { orders: '*' }, pullThresholdForQueue: 10 } as const;
    const consumer = closeAfterTest(await createLitePullConsumer(options, services));
    expect(consumer.health()).toMatchObject({ state: 'running', verdict: 'healthy', sinceLastPollMs: undefined });
    await consumer.poll({ maxMessages: 5 });
    const told: string[] = [];
    consumer.events$.subscribe(({ type }) => told.push(type));
    await pass(300_000);
    expect(told).not.toContain('queueBlocked');
    expect(client.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    expect(consumer.health()).toMatchObject({
      verdict: 'healthy',
      sinceLastPollMs: 300_000,
      queues: [{ ...queue, verdict: 'reading', inFlight: 10, lag: 40, oldestUnacknowledged: { queueOffset: 0 } }],
    });
    broker.script = ({ command }) =>
      command.code === RequestCode.PULL_MESSAGE
        ? rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: broker.address, sent: 'no' })
        : undefined;
    for (let polls = 0; polls < 3; polls++) await consumer.poll({ maxMessages: 5, timeoutMs: 0 });
    await pass(60_000);
    expect(consumer.health()).toMatchObject({
      verdict: 'unhealthy',
      reasons: [expect.stringContaining('its pulls have failed')],
    });
    await consumer.close();
    expect(consumer.health()).toMatchObject({ state: 'shut down', verdict: 'not running', queues: [] });
  });

  test('lite pull, assigned: an hour in which the process was suspended takes no queue away', async () => {
    let jumpMs = 0;
    const { client, clock } = setup({ messages: 2, jump: () => jumpMs });
    const { onClosed: _none, ...services } = client.services;
    const consumer = closeAfterTest(await createLitePullConsumer({ group: 'billing' }, services));
    const told: string[] = [];
    consumer.events$.subscribe(({ type }) => told.push(type));
    await consumer.assign([queue]);
    await clock.settle();
    expect(await consumer.poll({ maxMessages: 1 })).toHaveLength(1);
    jumpMs = 3_600_000;
    await clock.advance(30_000);
    expect(told).toContain('suspended');
    expect(told).not.toContain('queueLost');
    expect(consumer.assignment()).toMatchObject([{ ...queue, unacknowledged: 2 }]);
  });

  test('single pulls: what was pulled last and how far; pulls that fail count up to the last of them', async () => {
    const { client, broker, clock } = setup({ messages: 40 });
    const { onClosed: _none, ...services } = client.services;
    const consumer = closeAfterTest(await createPullConsumer({ group: 'archive' }, services));
    expect(consumer.health()).toMatchObject({ verdict: 'healthy', sinceLastPollMs: undefined, queues: [] });
    await consumer.pull(queue, '*', 0);
    await clock.advance(7_000);
    expect(consumer.health()).toEqual({
      group: 'archive',
      state: 'running',
      verdict: 'healthy',
      reasons: [],
      sinceLastPollMs: 7_000,
      queues: [
        {
          ...queue,
          verdict: 'reading',
          reason: undefined,
          sinceLastPullMs: 7_000,
          sinceProgressMs: 7_000,
          inFlight: 0,
          oldestUnacknowledged: undefined,
          lag: 8,
          receiptsExpired: 0,
        },
      ],
    });
    broker.script = ({ command }) => (command.code === RequestCode.PULL_MESSAGE ? answerOf(1, {}, 'no') : undefined);
    const fail = () => expect(consumer.pull(queue, '*', 32)).rejects.toMatchObject({ responseCode: 1 });
    await fail();
    await clock.advance(40_000);
    expect(consumer.health().verdict).toBe('healthy');
    await fail();
    expect(consumer.health().reasons).toEqual([
      'queue 0 of topic orders at broker-a is failing: its pulls have failed for 40 s',
    ]);
    broker.script = undefined;
    await consumer.pull(queue, '*', 32);
    expect(consumer.health()).toMatchObject({ verdict: 'healthy', queues: [{ lag: 0, sinceProgressMs: 0 }] });
  });
});

test('a client puts its consumers together', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const mq = closeAfterTest(await connect({ nameServers: server.nameServers }));
  expect(mq.health()).toEqual({ verdict: 'healthy', reasons: [], consumers: [] });
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: '1' });
  const got: string[] = [];
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  await consumer.run((message) => void got.push(message.body.toString()));
  await waitFor(() => got.length === 1);
  const { verdict, consumers } = mq.health();
  expect(verdict).toBe('healthy');
  expect(consumers).toMatchObject([{ group: 'billing', state: 'running', verdict: 'healthy' }]);
  expect(consumers[0]?.queues.filter(({ topic }) => topic === 'orders')).toHaveLength(4);
  const away = closeAfterTest(await connect({ nameServers: '127.0.0.1:1', connectTimeoutMs: 500 }));
  const failed = await away.consumer({ group: 'lost', subscribe: { orders: '*' } });
  await expect(failed.run(() => undefined)).rejects.toThrow();
  expect(away.health()).toMatchObject({
    verdict: 'unhealthy',
    reasons: [expect.stringContaining('group lost: its start failed')],
  });
  await consumer.close();
  const lite = await mq.litePullConsumer({ group: 'polling', subscribe: { orders: '*' } });
  const plain = await mq.pullConsumer({ group: 'pulling' });
  expect(mq.health().consumers.map(({ group }) => group)).toEqual(['polling', 'pulling']);
  await Promise.all([lite.close(), plain.close()]);
  expect(mq.health().consumers).toEqual([]);
});
