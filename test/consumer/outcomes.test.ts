/** What becomes of a message after its handler: acknowledged, sent back, tried here, a dead letter. */
import { describe, expect, test } from 'vitest';
import type { ConsumedMessage } from '../../core/consumer/delivery/consumed-message.js';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { json } from '../../core/message/json-codec.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { topic } from '../../core/message/typed-topic.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { waitFor } from '../kit/wait-for.js';
import { answerOf, FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup(options: Partial<ConsumerOptions> = {}, messages = 1) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 1);
  broker.createTopic('%RETRY%billing', 1);
  broker.setOffset('billing', 'orders', 0, 0);
  for (let index = 0; index < messages; index++) broker.put('orders', 0);
  const client = fakeClient(broker, clock);
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options });
  const sendBacks = () =>
    broker.requests.filter(({ command }) => command.code === RequestCode.CONSUMER_SEND_MSG_BACK).map(({ ext }) => ext);
  return { clock, broker, client, consumer, events: eventsOf(consumer), sendBacks };
}

describe('a message whose handler failed', () => {
  test('is sent back, its offset goes on, and it comes again under its topic and id with its tries counted', async () => {
    const { broker, client, clock, consumer, events, sendBacks } = setup();
    const seen: { topic: string; msgId: string; reconsumeTimes: number; attempt: number }[] = [];
    await consumer.run(({ topic: name, msgId, reconsumeTimes }, { attempt }) => {
      seen.push({ topic: name, msgId, reconsumeTimes, attempt });
      if (seen.length < 3) throw new Error('no bank today');
    });
    await waitFor(() => broker.delayed.length === 1);
    expect(sendBacks()).toEqual([
      {
        offset: '0',
        group: 'billing',
        delayLevel: '0',
        originMsgId: 'orders/0/0',
        originTopic: 'orders',
        unitMode: 'false',
        maxReconsumeTimes: '16',
        bname: 'broker-a',
      },
    ]);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
    broker.deliverDelayed();
    await waitFor(() => broker.delayed.length === 1);
    expect(broker.delayed).toMatchObject([{ delayLevel: 4 }]);
    broker.deliverDelayed();
    await waitFor(() => seen.length === 3);
    const message = { topic: 'orders', msgId: 'orders/0/0' };
    expect(seen).toEqual([0, 1, 2].map((times) => ({ ...message, reconsumeTimes: times, attempt: times })));
    expect(sendBacks()[1]).toMatchObject({ originTopic: 'orders', originMsgId: 'orders/0/0' });
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', '%RETRY%billing', 0)).toBe(2);
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([
      { attempt: 0, next: 'broker', retryInMs: undefined, error: new Error('no bank today') },
      { attempt: 1, next: 'broker', msgId: 'orders/0/0' },
    ]);
    expect(events.filter(({ type }) => type === 'sentBack')).toMatchObject([{ delayLevel: 0 }, { delayLevel: 0 }]);
    // The log is for people: the broker decides when it comes again, so nothing is said of that.
    expect(client.log.find(({ message }) => message === 'a message could not be handled')?.fields).toStrictEqual({
      ...{ group: 'billing', topic: 'orders', brokerName: 'broker-a', queueId: 0, queueOffset: 0 },
      ...{ msgId: 'orders/0/0', attempt: 0, error: new Error('no bank today'), next: 'broker' },
    });
    expect(consumer.assignment().map(({ topic: name }) => name)).toEqual(['orders']);
  });

  test('is a dead letter after its last try', async () => {
    const { broker, consumer } = setup({ maxReconsumeTimes: 1 });
    await consumer.run(() => {
      throw new Error('never');
    });
    await waitFor(() => broker.delayed.length === 1);
    broker.deliverDelayed();
    await waitFor(() => broker.queuesOf('%DLQ%billing') !== undefined);
    expect(broker.messagesOf('%DLQ%billing')).toMatchObject([{ msgId: 'orders/0/0', reconsumeTimes: 2 }]);
  });

  test('is handled again here every 5 seconds while the broker does not take it back, and holds its offset', async () => {
    const { broker, clock, consumer, events } = setup();
    let refused = 0;
    broker.script = ({ command }) => {
      if (command.code !== RequestCode.CONSUMER_SEND_MSG_BACK || refused === 2) return undefined;
      refused++;
      return refused === 1
        ? answerOf(1, {}, 'no room')
        : rocketMQError('RMQ_CONNECTION_LOST', 'lost', { address: 'a', sent: 'maybe' });
    };
    const attempts: number[] = [];
    await consumer.run((_message, { attempt }) => {
      attempts.push(attempt);
      throw new Error('no bank today');
    });
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(0);
    await clock.advance(5_000);
    await clock.advance(5_000);
    expect(attempts).toEqual([0, 1, 2]);
    expect(events.filter(({ type }) => type === 'sendBackFailed')).toMatchObject([
      { retryInMs: 5_000, error: { code: 'RMQ_BROKER_ERROR', responseCode: 1 } },
      { retryInMs: 5_000, error: { code: 'RMQ_CONNECTION_LOST' } },
    ]);
    expect(broker.delayed).toHaveLength(1);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
  });

  test('is tried here as often as handlerRetry says before it is sent back', async () => {
    const { broker, clock, consumer, events } = setup({ handlerRetry: { attempts: 2, initialDelayMs: 10 } });
    await consumer.run(() => {
      throw new Error('no bank today');
    });
    await clock.advance(30);
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([
      { next: 'here', retryInMs: 10, attempt: 0 },
      { next: 'here', retryInMs: 20, attempt: 1 },
      { next: 'broker', attempt: 2 },
    ]);
    expect(broker.delayed).toHaveLength(1);
  });

  test('waits as long as the application’s own back-off says, rounded up to a delay level', async () => {
    const asked: number[] = [];
    const { broker, consumer } = setup({
      backOff: (failedTries) => {
        asked.push(failedTries);
        return failedTries === 1 ? '45s' : 7_200_001;
      },
    });
    await consumer.run(() => {
      throw new Error('no bank today');
    });
    await waitFor(() => broker.delayed.length === 1);
    expect(broker.delayed).toMatchObject([{ delayLevel: 5 }]);
    broker.deliverDelayed();
    await waitFor(() => broker.delayed.length === 1);
    expect(broker.delayed).toMatchObject([{ delayLevel: 18 }]);
    expect(asked).toEqual([1, 2]);
  });

  test('is sent back all the same when the back-off throws: after 5 seconds, by then it may not', async () => {
    let broken = true;
    const { broker, clock, consumer, events } = setup({
      backOff: () => {
        if (broken) throw new Error('no table');
        return '1s';
      },
    });
    await consumer.run(() => {
      throw new Error('no bank today');
    });
    await waitFor(() => events.some(({ type }) => type === 'sendBackFailed'));
    broken = false;
    await clock.advance(5_000);
    expect(broker.delayed).toMatchObject([{ delayLevel: 1 }]);
  });
});

describe('what a message says of itself', () => {
  test.each<[string, (message: ConsumedMessage) => boolean, number]>([
    ['retry()', (message) => message.retry(), 3],
    ["retry({ after: '10s' })", (message) => message.retry({ after: '10s' }), 3],
    ["retry({ after: '11s' })", (message) => message.retry({ after: '11s' }), 4],
    ['retry({ after: 0 })', (message) => message.retry({ after: 0 }), 1],
    ['retry({ delayLevel: 7 })', (message) => message.retry({ delayLevel: 7 }), 7],
  ])('%s sends it back though the handler returns', async (_name, say, delayLevel) => {
    const { broker, consumer, client } = setup();
    const counted: boolean[] = [];
    await consumer.run((message) => void counted.push(say(message)));
    await waitFor(() => broker.delayed.length === 1);
    expect(broker.delayed).toMatchObject([{ delayLevel }]);
    expect(counted).toEqual([true]);
    expect(client.log.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  test('deadLetter(reason) makes it a dead letter at once', async () => {
    const { broker, consumer, events } = setup();
    await consumer.run((message) => message.deadLetter('no such customer'));
    await waitFor(() => events.some(({ type }) => type === 'sentBack'));
    expect(broker.messagesOf('%DLQ%billing')).toHaveLength(1);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      next: 'deadLetter',
      reason: 'no such customer',
    });
  });

  test('ack() counts more than a handler that throws later, and the first word counts', async () => {
    const { clock, broker, consumer, sendBacks } = setup();
    const counted: boolean[] = [];
    const kept: ConsumedMessage[] = [];
    await consumer.run((message) => {
      kept.push(message);
      counted.push(message.ack(), message.retry(), message.deadLetter('no'));
      throw new Error('too late');
    });
    await clock.advance(5_000);
    expect(counted).toEqual([true, false, false]);
    expect(kept[0]?.retry()).toBe(false);
    expect([sendBacks(), broker.offsetOf('billing', 'orders', 0)]).toEqual([[], 1]);
  });

  test.each<[string, object]>([
    ['after', { after: 'soon' }],
    ['after', { after: -1 }],
    ['delayLevel', { delayLevel: 0 }],
    ['delayLevel', { delayLevel: 3, after: '1s' }],
  ])('a retry with a wrong %s is refused by name', async (option, wrong) => {
    const { consumer, events } = setup();
    await consumer.run((message) => message.retry(wrong));
    await waitFor(() => events.some(({ type }) => type === 'failed'));
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      error: { code: 'RMQ_OPTIONS_INVALID', option },
    });
  });
});

describe('a handler that does not end', () => {
  test('is not waited for after consumeTimeoutMs: told, its slot freed, its message sent back, its late end ignored', async () => {
    const { broker, clock, consumer, events } = setup({ concurrency: 1, consumeTimeoutMs: 10_000 }, 2);
    const ends: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const counted: boolean[] = [];
    await consumer.run((message, { signal }) => {
      signals.push(signal);
      return new Promise<void>((resolve) =>
        ends.push(() => {
          counted.push(message.ack());
          resolve();
        }),
      );
    });
    await clock.advance(9_999);
    expect(ends).toHaveLength(1);
    await clock.advance(1);
    expect(ends).toHaveLength(2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(broker.delayed).toMatchObject([{ delayLevel: 3 }]);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      queueOffset: 0,
      error: { code: 'RMQ_CONSUME_TIMEOUT', timeoutMs: 10_000 },
    });
    for (const end of ends) end();
    await clock.advance(5_000);
    expect(counted).toEqual([false, true]);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(2);
  });
});

describe.each([
  ['is no value of its topic', { body: 'no JSON' }],
  ['cannot be decompressed', { body: 'no zlib', sysFlag: SysFlag.COMPRESSED }],
])('a body that %s', (_name, message) => {
  const orders = topic('orders', json<{ id: number }>());

  test.each([
    ['retry', 1, undefined],
    ['deadLetter', 0, 1],
    ['skip', 0, undefined],
  ] as const)('is treated by the policy %s', async (undecodable, delayed, dead) => {
    const { broker, clock, consumer, client, events } = setup({ subscribe: [orders], undecodable }, 0);
    broker.put('orders', 0, message);
    let handled = 0;
    await consumer.run(() => void handled++);
    await clock.advance(5_000);
    expect(broker.delayed).toHaveLength(delayed);
    expect(broker.queuesOf('%DLQ%billing')?.length).toBe(dead);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
    expect(handled).toBe(0);
    expect(client.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
    const next = events.filter((event) => event.type === 'failed').map((event) => event.next);
    expect(next).toEqual({ retry: ['broker'], deadLetter: ['deadLetter'], skip: [] }[undecodable]);
  });
});

test('a plugin’s filter that fails says nothing of the body: the message comes again whatever the policy', async () => {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', '%RETRY%billing']) broker.createTopic(name, 1);
  broker.setOffset('billing', 'orders', 0, 0);
  broker.put('orders', 0);
  const accepts = () => {
    throw new Error('no list');
  };
  const deliveryFilters = [{ plugin: 'picky', order: undefined, create: () => accepts }];
  const client = fakeClient(broker, clock, { services: { deliveryFilters } });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, undecodable: 'skip' });
  let handled = 0;
  await consumer.run(() => void handled++);
  await waitFor(() => broker.delayed.length === 1);
  expect(handled).toBe(0);
});

test('closing waits for what is being sent back', async () => {
  const { broker, consumer, clock } = setup();
  let answer: (() => void) | undefined;
  const handle = broker.handle.bind(broker);
  broker.handle = (request, respond) => {
    if (request.command.code === RequestCode.CONSUMER_SEND_MSG_BACK) answer = () => handle(request, respond);
    else handle(request, respond);
  };
  await consumer.run(() => {
    throw new Error('no bank today');
  });
  await waitFor(() => answer !== undefined);
  const closing = consumer.close();
  await clock.advance(1_000);
  expect(consumer.state).toBe('closing');
  answer?.();
  await closing;
  expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
});
