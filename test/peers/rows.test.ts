/**
 * What users of other RocketMQ clients complained about, as far as consumers go: the complaint is the test's sentence, its
 * number and thread stand before it. Each holds that it does not happen here; the details are tested where they are built.
 */
import { describe, expect, test } from 'vitest';
import type { HandlerContext } from '../../core/consumer/delivery/handler-context.js';
import type { ReceivedMessage } from '../../core/message/message.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { answerOf, FakeBroker } from '../consumer/kit/fake-broker.js';
import { eventsOf, fakeClient } from '../consumer/kit/fake-client.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';

function setup({ queues = 1, messages = 0 }: { queues?: number; messages?: number } = {}) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', queues);
  for (let index = 0; index < messages; index++) broker.put('orders', 0);
  return { clock, broker, client: fakeClient(broker, clock) };
}

/** A handler whose every call waits until the test lets it go. */
function gate() {
  const calls: { readonly message: ReceivedMessage; readonly context: HandlerContext; readonly release: () => void }[] =
    [];
  const handler = (message: ReceivedMessage, context: HandlerContext): Promise<void> =>
    new Promise((release) => calls.push({ message, context, release }));
  return { calls, handler };
}

const orders = { group: 'billing', subscribe: { orders: '*' }, from: 'first' } as const;

describe('a consumer in Node', () => {
  test('12 (ali-sdk/ali-ons#23): "30 messages a second, because pulled messages run one after another": 20 run at once, of one queue too', async () => {
    const { client } = setup({ messages: 64 });
    const { calls, handler } = gate();
    await client.consumer(orders).run(handler);
    await waitFor(() => calls.length === 20);
    await nextTurn();
    expect(calls).toHaveLength(20);
    for (const { release } of calls.splice(0)) release();
    await waitFor(() => calls.length === 20, { what: 'the next twenty' });
  });

  test('17 (ali-ons, close): "offsets are stored, then running handlers abandoned": first they end, then offsets are stored, then the group is left', async () => {
    const { client, broker } = setup({ messages: 1 });
    const { calls, handler } = gate();
    const order: string[] = [];
    broker.script = ({ command, ext }) => {
      if (command.code === RequestCode.UPDATE_CONSUMER_OFFSET && ext.commitOffset === '1') order.push('stored');
      return undefined;
    };
    const leave = broker.leave.bind(broker);
    broker.leave = (...member) => {
      order.push('left');
      leave(...member);
    };
    const consumer = client.consumer(orders);
    await consumer.run(async (message, context) => {
      await handler(message, context);
      order.push('handled');
    });
    await waitFor(() => calls.length === 1);
    const closing = consumer.close();
    await nextTurn();
    expect(order).toEqual([]);
    calls[0]?.release();
    await closing;
    expect(order).toEqual(['handled', 'stored', 'left']);
  });
});

describe('19 (apache/rocketmq#1918, client-go#1085, #1071, #1057): "one queue silently stops"', () => {
  test('after a network cut that loses an answer: it is seen, told, and read anew', async () => {
    const { client, broker, clock } = setup({ queues: 2 });
    broker.script = ({ command, ext }) =>
      command.code === RequestCode.PULL_MESSAGE && ext.queueId === '1' ? 'silence' : undefined;
    const got: number[] = [];
    const consumer = client.consumer(orders);
    const events = eventsOf(consumer);
    await consumer.run((message) => void got.push(message.queueId));
    broker.script = undefined;
    broker.put('orders', 1);
    await clock.advance('2m');
    expect(got).toEqual([]);
    await clock.advance('5s');
    expect(got).toEqual([1]);
    expect(events.find((event) => event.type === 'queueHealthChanged' && event.queue.queueId === 1)).toMatchObject({
      verdict: 'stalled',
    });
  });

  test('after a broker restart that forgets its members: they say that they are there, and it goes on', async () => {
    const { client, broker, clock } = setup();
    const got: number[] = [];
    const consumer = client.consumer(orders);
    await consumer.run((message) => void got.push(message.queueOffset));
    broker.forgetMembers();
    broker.put('orders', 0);
    broker.put('orders', 0);
    await clock.advance('20s');
    expect(got).toEqual([0, 1]);
    expect(consumer.health().verdict).toBe('healthy');
  });

  test('when a new broker brings new queues: they are read as soon as the route has them', async () => {
    const { client, broker } = setup();
    const got: number[] = [];
    const consumer = client.consumer(orders);
    await consumer.run((message) => void got.push(message.queueId));
    broker.createTopic('orders', 3);
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 3);
    broker.put('orders', 2);
    await waitFor(() => got.length === 1);
    expect(got).toEqual([2]);
  });
});

describe('a group', () => {
  test('20 (apache/rocketmq#5473, client-go#592): "same group, different subscriptions, messages vanish": an error in the log and an event name both', async () => {
    const { client, broker, clock } = setup();
    const subscriptionTable = { orders: { topic: 'orders', subString: 'paid', tagsSet: ['paid'] } };
    broker.script = ({ command }) =>
      command.code === RequestCode.GET_CONSUMER_CONNECTION_LIST
        ? { ...answerOf(0), body: Buffer.from(JSON.stringify({ subscriptionTable })) }
        : undefined;
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: 'created' } });
    const events = eventsOf(consumer);
    await consumer.run(() => undefined);
    broker.join('billing', 'c2', () => undefined);
    await clock.advance('20s');
    expect(events.filter(({ type }) => type === 'subscriptionConflict')).toMatchObject([
      { topic: 'orders', ours: 'created', theirs: 'paid' },
    ]);
    expect(client.log.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('21 (apache/rocketmq#1135, #9083, #2311): "the start-from option seems ignored": the log says for each queue where it begins and why', async () => {
    const { client, broker } = setup({ queues: 2, messages: 5 });
    broker.setOffset('billing', 'orders', 0, 3);
    const consumer = client.consumer(orders);
    const events = eventsOf(consumer);
    await consumer.run(() => undefined);
    const decisions = client.log.filter(({ message }) => message === 'a queue is read from an offset');
    expect(decisions.map(({ level, fields }) => [level, fields.queueId, fields.offset, fields.reason])).toEqual([
      ['info', 0, 3, 'stored'],
      ['info', 1, 0, 'first'],
    ]);
    expect(events.filter(({ type }) => type === 'queueAssigned')).toMatchObject([
      { offset: 3, reason: 'stored' },
      { offset: 0, reason: 'first' },
    ]);
  });

  test('23 (apache/rocketmq#2085, client-go#672): "shutdown kills running work, duplicates follow": close waits for it, and nothing comes twice', async () => {
    const { client, broker, clock } = setup({ messages: 3 });
    const { calls, handler } = gate();
    const consumer = client.consumer(orders);
    await consumer.run(handler);
    await waitFor(() => calls.length === 3);
    const closing = consumer.close();
    await clock.advance('10s');
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([false, false, false]);
    for (const { release } of calls) release();
    await closing;
    const again: number[] = [];
    const next = fakeClient(broker, clock, { clientId: 'c2' }).consumer(orders);
    await next.run((message) => void again.push(message.queueOffset));
    await clock.advance('1s');
    expect(again).toEqual([]);
  });

  test('24 (apache/rocketmq#2737, client-go#611): "a stopped client cannot start again, unsubscribe leaves queues orphaned": it is one-shot and says so, queues are given back, pause keeps them', async () => {
    const { client, broker, clock } = setup({ messages: 1 });
    const consumer = client.consumer(orders);
    const got: number[] = [];
    await consumer.run((message) => void got.push(message.queueOffset));
    await waitFor(() => got.length === 1);
    consumer.pause();
    await clock.advance('1m');
    expect(consumer.assignment()).toHaveLength(1);
    consumer.resume();
    await consumer.unsubscribe('orders');
    expect([consumer.assignment(), broker.offsetOf('billing', 'orders', 0)]).toEqual([[], 1]);
    await consumer.close();
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
      message: 'consumer billing cannot run: it is closed; make a new one',
    });
    broker.put('orders', 0);
    await client.consumer(orders).run((message) => void got.push(message.queueOffset));
    await waitFor(() => got.length === 2);
    expect(got).toEqual([0, 1]);
  });
});
