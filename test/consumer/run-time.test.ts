/** What can be done to a consumer that runs: pausing, seeking, other subscriptions; and what bounds it. */
import { describe, expect, test } from 'vitest';
import type { ConsumerServices } from '../../core/consumer/consumer.js';
import type { ConsumedMessage } from '../../core/consumer/delivery/consumed-message.js';
import { RateLimit } from '../../core/consumer/delivery/rate-limit.js';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { flowLimits } from '../../core/consumer/queues/flow-limits.js';
import { on } from '../../core/consumer/shapes/topic-handler.js';
import { sql } from '../../core/consumer/subscription/sql.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { answerOf, FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup(options: Partial<ConsumerOptions> = {}, services: Partial<ConsumerServices> = {}) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 2);
  for (const name of ['audit', '%RETRY%billing']) broker.createTopic(name, 1);
  for (const queueId of [0, 1]) broker.setOffset('billing', 'orders', queueId, 0);
  broker.setOffset('billing', 'audit', 0, 0);
  const client = fakeClient(broker, clock, { services });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options });
  const got: string[] = [];
  const handler = ({ queueId, queueOffset }: ConsumedMessage): void => void got.push(`${queueId}/${queueOffset}`);
  return { clock, broker, client, consumer, got, handler, events: eventsOf(consumer) };
}

const place = (queueId: number, topic = 'orders') => ({ topic, brokerName: 'broker-a', queueId });

describe('a queue', () => {
  test('that is paused is neither pulled nor delivered until it is resumed; others go on', async () => {
    const { broker, consumer, got, handler, clock } = setup();
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    consumer.pause();
    await consumer.run(handler);
    consumer.pause([place(0)]);
    consumer.resume();
    broker.put('orders', 1);
    await waitFor(() => got.length === 1);
    await clock.advance(60_000);
    expect(got).toEqual(['1/0']);
    expect(consumer.assignment()).toMatchObject([{ paused: true }, { paused: false }]);
    expect(consumer.describe()).toContain('queue orders broker-a 0: pulled to 0, done to 0, paused');
    consumer.resume([place(0)]);
    await waitFor(() => got.length === 4);
  });

  test('that is paused while messages of it wait delivers none of them', async () => {
    const { broker, consumer, clock } = setup({ concurrency: 1 });
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    const ends: (() => void)[] = [];
    await consumer.run(() => new Promise<void>((resolve) => ends.push(resolve)));
    await waitFor(() => ends.length === 1);
    consumer.pause([place(0)]);
    ends[0]?.();
    await clock.advance(1_000);
    expect(ends).toHaveLength(1);
    consumer.resume([place(0)]);
    await waitFor(() => ends.length === 2);
    ends[1]?.();
    await waitFor(() => ends.length === 3);
    ends[2]?.();
  });

  test('that went to another member is not paused when it comes back', async () => {
    const { broker, consumer, got, handler, client } = setup();
    await consumer.run(handler);
    consumer.pause([place(1)]);
    broker.createTopic('orders', 1);
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 1);
    broker.createTopic('orders', 2);
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 2);
    broker.put('orders', 1);
    await waitFor(() => got.length === 1);
  });

  test.each([
    [2, 2],
    ['first' as const, 0],
    ['last' as const, 5],
    [{ timestamp: 3 }, 3],
  ])('goes on at %s, stored at once, and what ran on it no longer counts', async (to, offset) => {
    const { broker, consumer, clock, events } = setup();
    for (let index = 0; index < 5; index++) broker.put('orders', 0);
    const held: ConsumedMessage[] = [];
    const ends: (() => void)[] = [];
    await consumer.run((message) => {
      held.push(message);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    await waitFor(() => held.length === 5);
    expect(await consumer.seek(place(0), to)).toBe(offset);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(offset);
    expect(held[0]?.ack()).toBe(false);
    await waitFor(() => held.length === 10 - offset);
    expect(held.slice(5).map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2, 3, 4].slice(offset));
    expect(events.filter(({ type }) => type === 'offsetReset')).toMatchObject([{ from: 5, to: offset, why: 'seek' }]);
    for (const end of ends) end();
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(5);
  });

  test('that was paused and moved stays paused', async () => {
    const { broker, consumer, got, handler } = setup();
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    await consumer.run(handler);
    await waitFor(() => got.length === 3);
    consumer.pause([place(0)]);
    await consumer.seek(place(0), 1);
    await nextTurn();
    expect(got).toHaveLength(3);
    expect(consumer.assignment().find(({ queueId }) => queueId === 0)).toMatchObject({ paused: true, pullOffset: 1 });
    consumer.resume([place(0)]);
    await waitFor(() => got.length === 5);
  });

  test('that is not ours, and a consumer that does not run, are refused', async () => {
    const { consumer, handler } = setup();
    const notRunning = { code: 'RMQ_NOT_RUNNING', state: 'created' };
    expect(() => consumer.pause([place(0)])).toThrow(expect.objectContaining(notRunning));
    await expect(consumer.seek(place(0), 0)).rejects.toMatchObject(notRunning);
    await consumer.run(handler);
    const notMine = { code: 'RMQ_QUEUE_NOT_FOUND', topic: 'orders', queueId: 9 };
    expect(() => consumer.resume([place(9)])).toThrow(expect.objectContaining(notMine));
    await expect(consumer.seek(place(9), 'first')).rejects.toMatchObject(notMine);
    for (const to of [-1, 1.5, 'middle', null, { timestamp: '1' }]) {
      await expect(consumer.seek(place(0), to as never)).rejects.toMatchObject({ option: 'seek' });
    }
  });
});

describe('subscriptions that change while it runs', () => {
  test('another expression counts for what waits already, the broker hears of it before the next pull', async () => {
    const { broker, consumer, client } = setup({ subscribe: { orders: 'a' } });
    const tags: (string | undefined)[] = [];
    await consumer.run((message) => void tags.push(message.tag));
    const heartbeat = client.services.membership.heartbeat.bind(client.services.membership);
    const versions: number[] = [];
    client.services.membership.heartbeat = () => {
      versions.push(broker.requests.filter(({ command }) => command.code === RequestCode.PULL_MESSAGE).length);
      return heartbeat();
    };
    await consumer.subscribe('orders', 'b');
    broker.put('orders', 0, { tag: 'a' });
    broker.put('orders', 0, { tag: 'b' });
    await waitFor(() => tags.length === 1);
    expect(tags).toEqual(['b']);
    const pulls = broker.requests.filter(({ command }) => command.code === RequestCode.PULL_MESSAGE);
    const [first, last] = [pulls[0], pulls[pulls.length - 1]];
    expect(Number(last?.ext.subVersion)).toBeGreaterThan(Number(first?.ext.subVersion));
    const newer = pulls.findIndex(({ ext }) => ext.subVersion === last?.ext.subVersion);
    expect(newer).toBeGreaterThanOrEqual(versions[0] as number);
    expect(consumer.describe()).toContain('topic orders: b');
  });

  test('a topic more is read, and one less is given back with its offset', async () => {
    const { broker, consumer, client, got, handler, events } = setup();
    await consumer.run(handler);
    broker.put('audit', 0);
    await consumer.subscribe('audit');
    await waitFor(() => got.length === 1);
    expect(consumer.assignment().map(({ topic }) => topic)).toEqual(['orders', 'orders', 'audit']);
    await consumer.unsubscribe('audit');
    expect(broker.offsetOf('billing', 'audit', 0)).toBe(1);
    broker.put('audit', 0);
    client.changeRoute('audit');
    await nextTurn();
    expect([got.length, consumer.assignment().length]).toEqual([1, 2]);
    expect(events.filter(({ type }) => type === 'queueLost')).toMatchObject([{ why: 'unsubscribed' }]);
  });

  test('with handlers by topic a new one needs its own', async () => {
    const { broker, consumer, got, handler } = setup();
    await consumer.run([on('orders', handler)]);
    await expect(consumer.subscribe('audit')).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'handler',
    });
    const lines: string[] = [];
    await consumer.subscribe('audit', '*', (message) => void lines.push(message.body.toString()));
    broker.put('audit', 0, { body: 'line' });
    broker.put('orders', 0);
    await waitFor(() => lines.length === 1 && got.length === 1);
    await expect(consumer.subscribe('bills', '*', 'a function' as never)).rejects.toMatchObject({ option: 'handler' });
  });

  test('a handler for one topic is refused where messages are taken otherwise: nobody would call it', async () => {
    const { consumer } = setup();
    await consumer.runBatch(() => undefined);
    const refused = { code: 'RMQ_OPTIONS_INVALID', option: 'handler' };
    await expect(consumer.subscribe('audit', '*', () => undefined)).rejects.toMatchObject(refused);
    await consumer.subscribe('audit');
  });
});

describe('an SQL92 subscription', () => {
  const refusal = (code: number, remark: string) => ({
    options: { subscribe: { orders: sql('price >') } },
    script: ({ command }: { command: { code: number } }) =>
      command.code === RequestCode.CHECK_CLIENT_CONFIG ? answerOf(code, {}, remark) : undefined,
  });

  test('is shown to a broker before anything is pulled, and goes with heartbeat and pulls', async () => {
    const { broker, consumer, handler } = setup({ subscribe: { orders: sql('price > 10') } });
    broker.script = ({ command }) => (command.code === RequestCode.CHECK_CLIENT_CONFIG ? answerOf(0) : undefined);
    await consumer.run(handler);
    const check = broker.requests.find(({ command }) => command.code === RequestCode.CHECK_CLIENT_CONFIG);
    expect(JSON.parse(String(check?.command.body))).toMatchObject({
      clientId: 'c1',
      group: 'billing',
      subscriptionData: { topic: 'orders', subString: 'price > 10', expressionType: 'SQL92', tagsSet: [], codeSet: [] },
    });
    const pulls = broker.requests.filter(({ command }) => command.code === RequestCode.PULL_MESSAGE);
    expect(new Set(pulls.map(({ ext }) => `${ext.topic} ${ext.expressionType}`))).toEqual(
      new Set(['orders SQL92', '%RETRY%billing TAG']),
    );
  });

  test.each([
    [1, 'The broker does not support consumer to filter message by SQL92'],
    [23, 'Encountered "<EOF>" at line 1, column 7.'],
  ])('that the broker refuses with code %i fails the start by its name', async (responseCode, remark) => {
    const { options, script } = refusal(responseCode, remark);
    const { broker, consumer, handler } = setup(options);
    broker.script = script;
    await expect(consumer.run(handler)).rejects.toMatchObject({
      code: 'RMQ_SUBSCRIPTION_INVALID',
      topic: 'orders',
      expression: 'price >',
      responseCode,
      remark,
    });
    expect([consumer.state, broker.membersOf('billing')]).toEqual(['start failed', []]);
  });

  test('that is refused while it runs changes nothing', async () => {
    const { broker, consumer, got, handler } = setup();
    broker.script = refusal(23, 'no').script;
    await consumer.run(handler);
    const other = (): void => void got.push('other');
    await expect(consumer.subscribe('orders', sql('price >'), other)).rejects.toMatchObject({ responseCode: 23 });
    broker.put('orders', 0);
    await waitFor(() => got.length === 1);
    expect(got).toEqual(['0/0']);
    expect(consumer.describe()).toContain('topic orders: *');
  });

  test('starts though no broker could be asked, with a warning', async () => {
    const { broker, consumer, client, handler } = setup({ subscribe: { orders: sql('price > 10') } });
    broker.script = ({ command }) =>
      command.code === RequestCode.CHECK_CLIENT_CONFIG
        ? rocketMQError('RMQ_CONNECT_FAILED', 'nobody there', { address: 'a' })
        : undefined;
    await consumer.run(handler);
    expect(client.log.map(({ message }) => message)).toContain('a broker could not be asked about a subscription');
  });
});

describe('filters of plugins', () => {
  const filter = (plugin: string, accepts: (tag: string | undefined) => boolean, before?: string) => ({
    plugin,
    order: before === undefined ? undefined : { before: [before] },
    create: () => (message: { readonly tag: string | undefined }) => accepts(message.tag),
  });

  test('keep messages from handlers and interceptors, in their order, and those count as done', async () => {
    const asked: string[] = [];
    const { broker, consumer, clock } = setup(
      {},
      {
        deliveryFilters: [
          filter('second', (tag) => asked.push(`second ${tag}`) > 0 && tag !== 'b'),
          filter('first', (tag) => asked.push(`first ${tag}`) > 0 && tag !== 'a', 'second'),
          { plugin: 'absent', order: undefined, create: () => undefined },
        ],
      },
    );
    for (const tag of ['a', 'b', 'c']) broker.put('orders', 0, { tag });
    const tags: (string | undefined)[] = [];
    await consumer.run((message) => void tags.push(message.tag));
    await clock.advance(5_000);
    expect(tags).toEqual(['c']);
    expect(asked).toEqual(['first a', 'first b', 'second b', 'first c', 'second c']);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(3);
    expect(consumer.describe()).toContain('delivery: first (filter) → second (filter) → handler');
  });

  test('that throw have the message come again, under their name', async () => {
    const { broker, consumer, got, handler, events } = setup(
      {},
      {
        deliveryFilters: [
          filter('broken', () => {
            throw new Error('no rules');
          }),
        ],
      },
    );
    broker.put('orders', 0);
    await consumer.run(handler);
    await waitFor(() => broker.delayed.length === 1);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      error: { code: 'RMQ_PLUGIN_FAILED', plugin: 'broken', cause: new Error('no rules') },
    });
    expect(got).toEqual([]);
  });
});

describe('bounds', () => {
  test('a limit of a topic is shared by the queues that this member reads, anew with each rebalance', async () => {
    const { broker, consumer, client } = setup({ pullThresholdForTopic: 64, concurrency: 1_000 });
    for (const queueId of [0, 1]) {
      for (let index = 0; index < 200; index++) broker.put('orders', queueId);
    }
    await consumer.run(() => new Promise(() => undefined));
    const pulled = () => consumer.assignment().map(({ pullOffset }) => pullOffset);
    await waitFor(() => pulled().every((offset) => offset === 32));
    await nextTurn();
    expect(pulled()).toEqual([32, 32]);
    broker.createTopic('orders', 1);
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 1);
    // All of it is for the one that is left, though nothing of it was acknowledged.
    await waitFor(() => pulled()[0]! > 32);
    await nextTurn();
    expect(pulled()).toEqual([64]);
    broker.createTopic('orders', 2);
    client.changeRoute('orders');
    await waitFor(() => pulled()[1] === 32);
    await nextTurn();
    expect(pulled()).toEqual([64, 32]);
    await consumer.close({ timeoutMs: 0, signal: AbortSignal.abort() });
  });

  test('limits of a topic take the place of those of its queues, and are never less than one', () => {
    const options = {
      pullThresholdForQueue: 1_000,
      pullThresholdSizeForQueueBytes: 500,
      pullThresholdForTopic: 10,
      pullThresholdSizeForTopicBytes: undefined,
      consumeConcurrentlyMaxSpan: 2_000,
    };
    expect(flowLimits(options, 3)).toEqual({ messages: 3, sizeBytes: 500, span: 2_000 });
    expect(flowLimits(options, 20)).toMatchObject({ messages: 1 });
    expect(flowLimits({ ...options, pullThresholdSizeForTopicBytes: 2_048 }, 2)).toMatchObject({ sizeBytes: 1_024 });
  });

  test('handlers get no more than messagesPerSecond', async () => {
    const { broker, consumer, got, handler, clock } = setup({ messagesPerSecond: 20 });
    for (let index = 0; index < 100; index++) broker.put('orders', 0);
    await consumer.run(handler);
    await clock.advance(1_000);
    expect(got.length).toBeGreaterThanOrEqual(20);
    expect(got.length).toBeLessThanOrEqual(22);
    await clock.advance(2_000);
    expect(got.length).toBeGreaterThanOrEqual(60);
    expect(got.length).toBeLessThanOrEqual(62);
  });

  test('a rate is kept with batches too: a large one is paid for before the next', () => {
    const limit = new RateLimit(100);
    expect(limit.waitMs(0)).toBe(0);
    limit.take(50, 0);
    expect(limit.waitMs(0)).toBe(450);
    expect(limit.waitMs(450)).toBe(0);
    limit.take(1, 1_000);
    expect(limit.waitMs(1_000)).toBe(0);
  });

  test('pulls go to the slave that the broker suggests, and store no offset anywhere', async () => {
    const { broker, consumer, client, got, handler } = setup();
    const slave = '127.0.0.1:10921';
    const addresses: string[] = [];
    const { routes, remoting } = client.services;
    const brokerAddress = routes.brokerAddress.bind(routes);
    routes.brokerAddress = (name, brokerId = 0) => (brokerId === 1 ? slave : brokerAddress(name, brokerId));
    const start = remoting.start.bind(remoting);
    remoting.start = (address, request, options, observer) => {
      if (request.code === RequestCode.PULL_MESSAGE && request.ext?.topic === 'orders' && request.ext.queueId === 0) {
        addresses.push(address);
      }
      return start(address, request, options, observer);
    };
    broker.suggestedBrokerId = 1;
    broker.put('orders', 0);
    await consumer.run(handler);
    await waitFor(() => got.length === 1);
    broker.suggestedBrokerId = 0;
    broker.put('orders', 0);
    await waitFor(() => got.length === 2);
    await waitFor(() => addresses.length === 3);
    expect(addresses).toEqual([broker.address, slave, broker.address]);
    const pulls = broker.requests.filter(
      ({ command, ext }) => command.code === RequestCode.PULL_MESSAGE && ext.topic === 'orders' && ext.queueId === '0',
    );
    expect(pulls.map(({ ext }) => Number(ext.sysFlag) & 1)).toEqual([0, 0, 0]);
  });
});
