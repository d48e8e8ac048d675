/** What brokers ask of consumers for operators: other offsets, how far they are, what they do, one message now. */
import { describe, expect, test } from 'vitest';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { createLitePullConsumer } from '../../core/consumer/pull/create-lite-pull-consumer.js';
import { createPullConsumer } from '../../core/consumer/pull/create-pull-consumer.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { mapEntries, parseJsonDialect } from '../../core/remoting/protocol/json-dialect.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import {
  decodeConsumerStatus,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
} from '../../core/remoting/protocol/reset-offset-body.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { FakeBroker } from './kit/fake-broker.js';
import { eventsOf, type FakeClient, fakeClient } from './kit/fake-client.js';
import { grantLocks } from './kit/fake-locks.js';

function setup(options: Partial<ConsumerOptions> = {}) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 2);
  broker.createTopic('%RETRY%billing', 1);
  for (const queueId of [0, 1]) broker.setOffset('billing', 'orders', queueId, 0);
  for (let index = 0; index < 6; index++) broker.put('orders', 0);
  const client = fakeClient(broker, clock);
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options });
  const got: number[] = [];
  return { clock, broker, client, consumer, got, events: eventsOf(consumer) };
}

const queue = (queueId: number) => ({ topic: 'orders', brokerName: 'broker-a', queueId });

/** An operator's tool wants the first queue to go on elsewhere. */
async function reset(client: FakeClient, offset: number): Promise<void> {
  const ext = { topic: 'orders', group: 'billing', timestamp: '1', isForce: 'true' };
  const body = encodeResetOffsetBody(new Map([[queue(0), offset]]));
  expect(await client.call(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ext, body)).toBeUndefined();
}

describe('other offsets, pushed by the broker', () => {
  test.each([
    ['as Java reads them', encodeResetOffsetBody],
    ['as C++ reads them', encodeResetOffsetBodyForC],
  ])(
    '%s make our queues begin anew there, and stay stored; others of the table are none of ours',
    async (_name, encode) => {
      const { broker, client, consumer, got, events } = setup();
      await consumer.run(({ queueId, queueOffset }) => void got.push(queueId * 100 + queueOffset));
      await waitFor(() => got.length === 6);
      const body = encode(
        new Map([
          [queue(0), 4],
          [queue(7), 2],
        ]),
      );
      const ext = { topic: 'orders', group: 'billing', timestamp: '1', isForce: 'true' };
      expect(await client.call(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ext, body)).toBeUndefined();
      await waitFor(() => got.length === 8);
      expect(got.slice(6)).toEqual([4, 5]);
      expect(events.filter(({ type }) => type === 'offsetReset')).toMatchObject([{ to: 4, why: 'administrator' }]);
      expect(events.filter(({ type }) => type === 'queueAssigned').at(-1)).toMatchObject({
        offset: 4,
        reason: 'reset',
      });
      await consumer.close();
      expect(broker.offsetOf('billing', 'orders', 0)).toBe(6);
    },
  );

  test('make a queue that is read in order begin anew there when the handler that runs has ended', async () => {
    const { broker, client, consumer, got, clock } = setup({ ordered: true });
    grantLocks(broker);
    let end = (): void => undefined;
    await consumer.run(({ queueOffset }) => {
      got.push(queueOffset);
      if (got.length !== 6) return undefined;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    await waitFor(() => got.length === 6);
    await reset(client, 2);
    await waitFor(() => broker.offsetOf('billing', 'orders', 0) === 2);
    await nextTurn();
    expect(got).toEqual([0, 1, 2, 3, 4, 5]);
    end();
    await clock.advance(1_000);
    expect(got.slice(6)).toEqual([2, 3, 4, 5]);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(6);
  });

  test.each(['subscribed', 'assigned'])(
    'make a lite pull consumer with %s queues give out again what it gave out',
    async (how) => {
      const { broker, client, clock } = setup();
      const { onClosed: _, ...services } = client.services;
      const subscribe = how === 'subscribed' ? { subscribe: { orders: '*' } } : {};
      const consumer = closeAfterTest(await createLitePullConsumer({ group: 'billing', ...subscribe }, services));
      if (how === 'assigned') await consumer.assign([queue(0)]);
      const poll = async (timeoutMs?: number) =>
        (await consumer.poll({ timeoutMs })).map(({ queueOffset }) => queueOffset);
      expect(await poll()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await poll(0)).toEqual([]);
      await reset(client, 0);
      await waitFor(() => broker.offsetOf('billing', 'orders', 0) === 0);
      expect(await poll()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await poll(0)).toEqual([]);
      await clock.advance(5_000);
      expect(broker.offsetOf('billing', 'orders', 0)).toBe(6);
    },
  );

  test('are the position of a pull consumer from then on, and stored', async () => {
    const { broker, client, clock } = setup();
    const { onClosed: _, ...services } = client.services;
    const consumer = closeAfterTest(await createPullConsumer({ group: 'billing' }, services));
    const { nextBeginOffset } = await consumer.pull(queue(0), '*', 0);
    consumer.updateConsumeOffset(queue(0), nextBeginOffset);
    await consumer.persistConsumeOffsets();
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(6);
    await reset(client, 2);
    expect(await consumer.fetchConsumeOffset(queue(0))).toBe(2);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(2);
  });

  test('of a group that is not here change nothing', async () => {
    const { client, consumer, events } = setup();
    await consumer.run(() => undefined);
    const ext = { topic: 'orders', group: 'others', timestamp: '1' };
    await client.call(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ext, encodeResetOffsetBody(new Map([[queue(0), 4]])));
    expect(events.filter(({ type }) => type === 'offsetReset')).toEqual([]);
  });
});

test('how far it is in the queues of a topic', async () => {
  const { client, consumer, got } = setup();
  await consumer.run(({ queueOffset }) => {
    got.push(queueOffset);
    return queueOffset === 3 ? new Promise(() => undefined) : undefined;
  });
  await waitFor(() => got.length === 6);
  const ask = async (group: string) => {
    const answer = await client.call(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, { topic: 'orders', group });
    return [...decodeConsumerStatus(answer?.body as Buffer)];
  };
  expect(await ask('billing')).toEqual([
    [queue(0), 3],
    [queue(1), 0],
  ]);
  expect(await ask('others')).toEqual([]);
  await consumer.close({ timeoutMs: 0, signal: AbortSignal.abort() });
});

describe('what it does', () => {
  test('is told with settings, subscriptions, queues, rates and, when asked, lines for people', async () => {
    const { client, consumer, clock, broker } = setup({ subscribe: { orders: 'a || b' }, concurrency: 3 });
    for (let index = 0; index < 3; index++) broker.put('orders', 1, { tag: 'a' });
    await consumer.run(async (message) => {
      if (message.queueOffset === 2) throw new Error('no bank today');
    });
    await waitFor(() => broker.delayed.length === 1);
    await clock.advance(1_000);
    const ext = { consumerGroup: 'billing', clientId: 'c1', jstackEnable: 'true' };
    const answer = await client.call(RequestCode.GET_CONSUMER_RUNNING_INFO, ext);
    const info = parseJsonDialect(answer?.body as Buffer) as Record<string, unknown>;
    expect(info.properties).toMatchObject({
      consumerGroup: 'billing',
      PROP_THREADPOOL_CORE_SIZE: '3',
      PROP_CONSUMEORDERLY: 'false',
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CLIENT_VERSION: 'V4_9_7',
      PROP_CONSUMER_START_TIMESTAMP: expect.stringMatching(/^\d+$/),
    });
    expect(info.subscriptionSet).toMatchObject([
      { topic: 'orders', subString: 'a || b', expressionType: 'TAG', classFilterMode: false },
      { topic: '%RETRY%billing', subString: '*' },
    ]);
    const queues = [...mapEntries(info.mqTable)];
    expect(queues.map(([key]) => key)).toMatchObject([queue(0), queue(1), { topic: '%RETRY%billing' }]);
    expect(queues[1]?.[1]).toMatchObject({ commitOffset: 3, cachedMsgCount: 0, droped: false, locked: false });
    const secondAgo = clock.now() - 1_000;
    expect(queues[1]?.[1]).toMatchObject({ lastConsumeTimestamp: secondAgo, lastPullTimestamp: secondAgo });
    expect((info.statusTable as Record<string, object>).orders).toMatchObject({
      consumeOKTPS: 2 / 60,
      consumeFailedTPS: 1 / 60,
      consumeFailedMsgs: 1,
      pullTPS: 9 / 60,
    });
    expect(info.jstack).toContain('consumer billing: running');
  });

  test('of a group that is not here is an error in Apache’s words', async () => {
    const { client } = setup();
    expect(await client.call(RequestCode.GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'others' })).toEqual({
      code: 1,
      remark: 'The Consumer Group <others> not exist in this consumer',
    });
  });
});

describe('one message now', () => {
  const ask = async ({ client, broker }: Pick<ReturnType<typeof setup>, 'client' | 'broker'>, topic = 'orders') => {
    const record = broker.recordsOf(topic)[0] as Buffer;
    const ext = { consumerGroup: 'billing', clientId: 'c1', msgId: 'x', brokerName: 'broker-a' };
    const answer = await client.call(RequestCode.CONSUME_MESSAGE_DIRECTLY, ext, record);
    return parseJsonDialect(answer?.body as Buffer);
  };

  test.each<[string, (message: { retry(): boolean; deadLetter(reason: string): boolean }) => unknown, object]>([
    ['returns', () => 'anything', { consumeResult: 'CR_SUCCESS' }],
    ['wants it again', (message) => message.retry(), { consumeResult: 'CR_LATER' }],
    [
      'makes it a dead letter',
      (message) => message.deadLetter('no such customer'),
      { consumeResult: 'CR_LATER', remark: 'dead letter: no such customer' },
    ],
    [
      'throws',
      () => Promise.reject(new Error('no bank today')),
      { consumeResult: 'CR_THROW_EXCEPTION', remark: 'Error: no bank today' },
    ],
  ])(
    'is handled, and the result told, when the handler %s; no offset moves and nothing is sent back',
    async (_name, handle, result) => {
      const all = setup();
      all.broker.setOffset('billing', 'orders', 0, 6);
      await all.consumer.run((message) => handle(message));
      expect(await ask(all)).toEqual({ order: false, autoCommit: true, spentTimeMills: 0, ...result });
      await all.clock.advance(5_000);
      expect([all.broker.delayed, all.broker.offsetOf('billing', 'orders', 0)]).toEqual([[], 6]);
    },
  );

  test('is said to be handled in order where the consumer is ordered', async () => {
    const all = setup({ ordered: true });
    await all.consumer.run(() => undefined);
    expect(await ask(all)).toMatchObject({ order: true, consumeResult: 'CR_SUCCESS' });
  });

  test('of the retry topic has the topic and id it was sent with', async () => {
    const all = setup();
    all.broker.setOffset('billing', 'orders', 0, 6);
    all.broker.setOffset('billing', '%RETRY%billing', 0, 1);
    const properties = { RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: 'ABC', UNIQ_KEY: 'U1' };
    all.broker.put('%RETRY%billing', 0, { properties, reconsumeTimes: 2 });
    const seen: unknown[] = [];
    await all.consumer.run(({ topic, msgId }, { attempt }) => void seen.push(topic, msgId, attempt));
    await ask(all, '%RETRY%billing');
    expect(seen).toEqual(['orders', 'U1', 2]);
  });

  test('is refused where no handler can be called, and where the record cannot be read', async () => {
    const all = setup();
    const iterator = all.consumer.messages();
    await iterator.next();
    await expect(ask(all)).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
    await iterator.return?.();
    const other = setup();
    other.broker.setOffset('billing', 'orders', 0, 6);
    other.broker.put('orders', 1, { body: 'no zlib', sysFlag: SysFlag.COMPRESSED });
    other.broker.setOffset('billing', 'orders', 1, 1);
    await other.consumer.run(() => undefined);
    const ext = { consumerGroup: 'billing', brokerName: 'broker-a' };
    const record = other.broker.recordsOf('orders', 1)[0];
    await expect(other.client.call(RequestCode.CONSUME_MESSAGE_DIRECTLY, ext, record)).rejects.toMatchObject({
      code: 'RMQ_DECOMPRESS_FAILED',
    });
  });
});
