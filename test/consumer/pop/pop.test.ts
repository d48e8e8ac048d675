/** Pop as a mode of the push consumer, on a fake broker and a clock that stands still. */
import { map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { DeliveryInterceptor } from '../../../core/consumer/delivery/delivery.js';
import type { ConsumerOptions } from '../../../core/consumer/options/consumer-options.js';
import { on } from '../../../core/consumer/shapes/topic-handler.js';
import { rocketMQError } from '../../../core/errors/rocketmq-error.js';
import {
  decodeQueryAssignmentRequest,
  encodeQueryAssignmentResponse,
} from '../../../core/remoting/protocol/query-assignment.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { answerOf, FakeBroker } from '../kit/fake-broker.js';
import { eventsOf, fakeClient } from '../kit/fake-client.js';
import { FakePop } from '../kit/fake-pop.js';

function setup(options: Partial<ConsumerOptions> = {}, messages = 0) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 2);
  broker.createTopic('%RETRY%billing', 1);
  const pop = new FakePop(broker, clock);
  for (let index = 0; index < messages; index++) pop.put('orders', index % 2, { body: `order ${index}` });
  const client = fakeClient(broker, clock);
  const consumerOf = (one: typeof client, more: Partial<ConsumerOptions> = {}) =>
    one.consumer({ group: 'billing', subscribe: { orders: '*' }, messageRequestMode: 'pop', ...options, ...more });
  const consumer = consumerOf(client);
  return { clock, broker, pop, client, consumer, consumerOf, events: eventsOf(consumer) };
}

const place = { topic: 'orders', brokerName: 'broker-a', queueId: -1 };
const never = () => new Promise<never>(() => undefined);

describe('a consumer that pops', () => {
  test('gets the messages of all queues and acknowledges each, together where several are done at once', async () => {
    const { clock, broker, pop, consumer, events } = setup({}, 5);
    const bodies: string[] = [];
    await consumer.run(({ body, topic }) => void bodies.push(`${topic}: ${body}`));
    await clock.settle();
    expect(bodies.sort()).toEqual([0, 1, 2, 3, 4].map((index) => `orders: order ${index}`));
    expect(pop.invisible.size).toBe(0);
    expect(pop.requests(RequestCode.BATCH_ACK_MESSAGE)).toHaveLength(1);
    expect(pop.requests(RequestCode.POP_MESSAGE)[1]).toEqual({
      consumerGroup: 'billing',
      topic: 'orders',
      queueId: '-1',
      maxMsgNums: '32',
      invisibleTime: '60000',
      pollTime: '15000',
      bornTime: String(clock.now()),
      initMode: '1',
      expType: 'TAG',
      exp: '*',
      order: 'false',
      bname: 'broker-a',
    });
    pop.put('orders', 1);
    await clock.settle();
    expect(bodies).toHaveLength(6);
    expect(pop.requests(RequestCode.ACK_MESSAGE)).toMatchObject([{ topic: 'orders', queueId: '1', offset: '2' }]);
    expect(pop.invisible.size).toBe(0);
    expect(events).toContainEqual(expect.objectContaining({ type: 'queueAssigned', queue: place, reason: 'broker' }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'popped', queue: place, messages: 5, restCount: 0 }));
    expect(consumer.assignment()).toEqual([
      { ...place, pullOffset: -1, committableOffset: -1, unacknowledged: 0, paused: false },
    ]);
    await clock.advance(10_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBeUndefined();
    expect(consumer.describe()).toContain('all queues of orders broker-a: popped 6, done 6, expired 0');
    await expect(consumer.seek(place, 'first')).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'seek' });
  });

  test('acknowledges one by one where the broker knows nothing else', async () => {
    const { clock, pop, consumer } = setup({}, 3);
    pop.knowsBatches = false;
    await consumer.run(() => undefined);
    await clock.settle();
    expect(pop.requests(RequestCode.ACK_MESSAGE)).toHaveLength(3);
    pop.put('orders', 0);
    pop.put('orders', 0);
    await clock.settle();
    expect(pop.requests(RequestCode.BATCH_ACK_MESSAGE)).toHaveLength(1);
    expect(pop.invisible.size).toBe(0);
  });

  test('has what failed come again after Java’s times, later with each try, under its topic and id', async () => {
    const { clock, pop, consumer, events } = setup({}, 1);
    const seen: { topic: string; msgId: string; attempt: number; atMs: number }[] = [];
    await consumer.run(({ topic, msgId }, { attempt }) => {
      seen.push({ topic, msgId, attempt, atMs: clock.monotonic() });
      if (seen.length < 3) throw new Error('no bank today');
    });
    await clock.advance('50s');
    const message = { topic: 'orders', msgId: 'orders/0/0' };
    expect(seen).toEqual([
      { ...message, attempt: 0, atMs: 0 },
      { ...message, attempt: 1, atMs: 10_000 },
      { ...message, attempt: 2, atMs: 40_000 },
    ]);
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([
      { next: 'broker', retryInMs: 10_000, queue: place },
      { next: 'broker', retryInMs: 30_000 },
    ]);
    const changes = pop.requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME);
    expect(changes).toMatchObject([
      { topic: 'orders', queueId: '0', offset: '0', invisibleTime: '10000' },
      { topic: '%RETRY%billing_orders', queueId: '0', offset: '0', invisibleTime: '30000' },
    ]);
    expect(pop.requests(RequestCode.ACK_MESSAGE)).toMatchObject([{ topic: '%RETRY%billing_orders', offset: '1' }]);
    expect([pop.invisible.size, pop.expired]).toEqual([0, 0]);
  });

  test.each<[string, Partial<ConsumerOptions>, { after?: string; delayLevel?: number } | undefined, number]>([
    ['after what the handler says', {}, { after: '3s' }, 3_000],
    ['after the level that the handler says', {}, { delayLevel: 2 }, 5_000],
    ['after the group’s own back-off', { backOff: (tries) => `${tries * 7}s` }, undefined, 7_000],
  ])('has what is retried come again %s', async (_name, options, retry, expectedMs) => {
    const { clock, pop, consumer } = setup(options, 1);
    const seen: number[] = [];
    await consumer.run((message) => {
      seen.push(clock.monotonic());
      if (seen.length === 1) message.retry(retry);
    });
    await clock.advance(expectedMs);
    expect(seen).toEqual([0, expectedMs]);
    expect(pop.invisible.size).toBe(0);
  });

  test('tries here first as often as handlerRetry says, and keeps the message meanwhile', async () => {
    const { clock, pop, consumer } = setup(
      { handlerRetry: { attempts: 2, initialDelayMs: 50_000, maxDelayMs: 50_000 } },
      1,
    );
    const attempts: number[] = [];
    await consumer.run((_message, { attempt }) => {
      attempts.push(attempt);
      if (attempts.length < 3) throw new Error('no bank today');
    });
    await clock.advance('101s');
    expect(attempts).toEqual([0, 1, 2]);
    expect([pop.invisible.size, pop.expired]).toEqual([0, 0]);
  });

  test('sends what failed for the last time to the dead letters, and acknowledges it', async () => {
    const { clock, broker, pop, consumer, events } = setup({ maxReconsumeTimes: 1 }, 1);
    await consumer.run(() => {
      throw new Error('never');
    });
    await clock.advance('10s');
    expect(broker.messagesOf('%DLQ%billing')).toMatchObject([{ msgId: 'orders/0/0' }]);
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([{ next: 'broker' }, { next: 'deadLetter' }]);
    expect(pop.invisible.size).toBe(0);
  });

  test('does so after as many tries as its handler’s own policies say', async () => {
    const { clock, broker, consumer } = setup({}, 1);
    const failing = () => Promise.reject(new Error('never'));
    await consumer.run([on('orders', failing, { maxReconsumeTimes: 0 })]);
    await clock.settle();
    expect(broker.messagesOf('%DLQ%billing')).toMatchObject([{ msgId: 'orders/0/0' }]);
  });

  test('does not acknowledge a dead letter that its broker did not take', async () => {
    const { clock, broker, pop, consumer, events } = setup({}, 1);
    let refused = 0;
    broker.script = ({ command }) =>
      command.code === RequestCode.CONSUMER_SEND_MSG_BACK && refused++ === 0 ? answerOf(1, {}, 'no room') : undefined;
    await consumer.run((message) => message.deadLetter('broken'));
    await clock.settle();
    expect(pop.invisible.size).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ type: 'sendBackFailed', retryInMs: 60_000 }));
    await clock.advance('60s');
    expect(broker.messagesOf('%DLQ%billing')).toHaveLength(1);
    expect(pop.invisible.size).toBe(0);
  });

  test('acknowledges what is none of its business: another tag of the same hash', async () => {
    const { clock, pop, consumer } = setup({ subscribe: { orders: 'Aa' } });
    const tags: (string | undefined)[] = [];
    await consumer.run(({ tag }) => void tags.push(tag));
    pop.put('orders', 0, { tag: 'BB' });
    pop.put('orders', 0, { tag: 'Aa' });
    await clock.settle();
    expect(tags).toEqual(['Aa']);
    expect(pop.invisible.size).toBe(0);
  });

  test('ignores the receipt of another pop that a producer copied into its message', async () => {
    const { clock, pop, consumer } = setup();
    await consumer.run(() => undefined);
    pop.put('orders', 1, { properties: { POP_CK: '7 1 60000 0 1 broker-a 0 7' } });
    await clock.settle();
    expect(pop.requests(RequestCode.ACK_MESSAGE)).toMatchObject([{ topic: 'orders', queueId: '1', offset: '0' }]);
    expect(pop.invisible.size).toBe(0);
  });
});

describe('the invisible time', () => {
  test('is prolonged while a handler is at work, and what it says counts afterwards', async () => {
    const { clock, pop, consumer, events } = setup({ popInvisibleTimeMs: 6_000 }, 2);
    const ends: (() => void)[] = [];
    await consumer.run(({ queueId }) =>
      new Promise<void>((resolve) => ends.push(resolve)).then(() => {
        if (queueId === 1) throw new Error('no bank today');
      }),
    );
    await clock.advance('50s');
    expect(ends).toHaveLength(2);
    for (const end of ends) end();
    await clock.settle();
    expect([pop.invisible.size, pop.expired]).toEqual([1, 0]);
    expect(events.some(({ type }) => type === 'receiptExpired')).toBe(false);
    await clock.advance('10s');
    expect(ends).toHaveLength(3);
  });

  test('waits for the prolongation under way before it says that a message is done', async () => {
    const { clock, broker, pop, consumer } = setup({ popInvisibleTimeMs: 6_000 }, 1);
    let end: () => void = () => undefined;
    await consumer.run(() => new Promise<void>((resolve) => (end = resolve)));
    const answer = { held: undefined as (() => void) | undefined };
    const handle = broker.extension;
    broker.extension = (request, respond) =>
      handle?.(request, (response) => {
        if (request.command.code !== RequestCode.CHANGE_MESSAGE_INVISIBLETIME) respond(response);
        else answer.held = () => respond(response);
      }) ?? false;
    await clock.advance('3s');
    end();
    await clock.settle();
    expect(pop.requests(RequestCode.ACK_MESSAGE)).toHaveLength(0);
    answer.held?.();
    await clock.settle();
    expect([pop.invisible.size, pop.expired]).toEqual([0, 0]);
  });

  test('that is over is counted and no error: the message comes again', async () => {
    const { clock, broker, pop, consumer, events } = setup({ popInvisibleTimeMs: 6_000 }, 1);
    broker.script = ({ command }) =>
      command.code === RequestCode.CHANGE_MESSAGE_INVISIBLETIME
        ? rocketMQError('RMQ_CONNECTION_LOST', 'lost', { address: 'a', sent: 'maybe' })
        : undefined;
    const ends: (() => void)[] = [];
    await consumer.run(() => new Promise<void>((resolve) => ends.push(resolve)));
    await clock.advance('7s');
    expect(ends).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'receiptExpired')).toMatchObject([
      { queue: place, queueOffset: 0, msgId: 'orders/0/0' },
    ]);
    for (const end of ends) end();
    await clock.settle();
    expect([pop.invisible.size, pop.expired]).toEqual([0, 1]);
    expect(consumer.health()).toMatchObject({ verdict: 'healthy' });
    expect(consumer.health().queues.find(({ topic }) => topic === 'orders')).toMatchObject({ receiptsExpired: 1 });
  });

  test('of what waits is prolonged too, but not while the consumer is paused: others have room for it', async () => {
    const { clock, pop, consumer, events } = setup(
      { popInvisibleTimeMs: 6_000, concurrency: 1, popThresholdForQueue: 3 },
      3,
    );
    let end: () => void = () => undefined;
    await consumer.run(() => new Promise<void>((resolve) => (end = resolve)));
    await clock.advance('20s');
    expect(pop.invisible.size).toBe(3);
    expect(events.some(({ type }) => type === 'receiptExpired')).toBe(false);
    consumer.pause();
    await clock.advance('12s');
    expect(pop.invisible.size).toBe(1);
    expect(events.filter(({ type }) => type === 'receiptExpired')).toHaveLength(2);
    end();
    consumer.resume();
    await clock.settle();
    expect(pop.invisible.size).toBe(2);
  });
});

describe('nothing is lost', () => {
  test('when a member goes without a word: another gets what it held', async () => {
    const { clock, broker, pop, consumer, consumerOf } = setup({}, 3);
    await consumer.run(never);
    await clock.settle();
    const other = fakeClient(broker, clock, { clientId: 'c2' });
    const got: number[] = [];
    consumer.pause();
    broker.script = ({ clientId, command }) => (clientId === 'c1' && command.code > 200_000 ? 'silence' : undefined);
    await consumerOf(other).run((_message, { attempt }) => void got.push(attempt));
    await clock.advance('61s');
    expect(got).toEqual([1, 1, 1]);
    expect(pop.invisible.size).toBe(0);
  });

  test('when an acknowledgement does not arrive: it is sent again while there is time', async () => {
    const { clock, broker, pop, consumer, events } = setup({}, 1);
    let lost = 0;
    broker.script = ({ command }) =>
      command.code === RequestCode.ACK_MESSAGE && lost++ < 3
        ? rocketMQError('RMQ_CONNECTION_LOST', 'lost', { address: 'a', sent: 'maybe' })
        : undefined;
    await consumer.run(() => undefined);
    await clock.advance('4s');
    expect(pop.invisible.size).toBe(0);
    expect(events.some(({ type }) => type === 'ackFailed')).toBe(false);
  });

  test('when an acknowledgement is refused: that is told, and the message comes again', async () => {
    const { clock, broker, consumer, events } = setup({}, 1);
    broker.script = ({ command }) => (command.code === RequestCode.ACK_MESSAGE ? answerOf(208) : undefined);
    await consumer.run(() => undefined);
    await clock.settle();
    expect(events.find(({ type }) => type === 'ackFailed')).toMatchObject({
      msgId: 'orders/0/0',
      error: { responseCode: 208 },
    });
  });

  test('by closing: what runs is waited for and acknowledged, what waits and what comes late is given to others', async () => {
    const { clock, pop, consumer, client, consumerOf } = setup({ concurrency: 1 }, 3);
    let end: () => void = () => undefined;
    await consumer.run(() => new Promise<void>((resolve) => (end = resolve)));
    await clock.settle();
    expect(pop.heldPops).toBe(1);
    const closing = consumer.close();
    await clock.settle();
    end();
    await closing;
    pop.put('orders', 0);
    await clock.settle();
    expect(pop.invisible.size).toBe(3);
    const got: string[] = [];
    await consumerOf(client).run(({ msgId }) => void got.push(msgId));
    await clock.advance('1s');
    expect(got.sort()).toEqual(['orders/0/1', 'orders/0/2', 'orders/1/0']);
    expect([pop.invisible.size, pop.expired]).toEqual([0, 0]);
  });
});

test('a topic that is read no longer: what waits goes to others, what a handler has counts to its end', async () => {
  const { clock, broker, pop, consumer } = setup(
    { concurrency: 1, popInvisibleTimeMs: 6_000, popThresholdForQueue: 3 },
    3,
  );
  broker.createTopic('audit', 1);
  let end: () => void = () => undefined;
  const seen: string[] = [];
  await consumer.run(({ msgId }, { signal }) => {
    seen.push(msgId);
    return new Promise<void>((resolve) => {
      end = () => {
        expect(signal.aborted).toBe(false);
        resolve();
      };
    });
  });
  await consumer.subscribe('audit');
  await consumer.unsubscribe('orders');
  await clock.advance('20s');
  expect(consumer.assignment().map(({ topic }) => topic)).toEqual(['audit']);
  expect(
    pop.requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME).filter((ext) => ext.invisibleTime === '1000'),
  ).toHaveLength(2);
  expect(pop.invisible.size).toBe(1);
  end();
  await clock.settle();
  expect([pop.invisible.size, pop.expired, seen.length]).toEqual([0, 0, 1]);
});

test('a consumer that closes without waiting keeps nothing from others, and what ends later still counts', async () => {
  const { clock, pop, consumer } = setup({ popInvisibleTimeMs: 6_000, popThresholdForQueue: 2 }, 2);
  const ends: (() => void)[] = [];
  await consumer.run(() => new Promise<void>((resolve) => ends.push(resolve)));
  await clock.advance('7s');
  await consumer.close({ timeoutMs: 0, signal: AbortSignal.abort() });
  ends[0]?.();
  await clock.settle();
  expect([pop.invisible.size, pop.expired]).toEqual([1, 0]);
  const before = pop.requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME).length;
  await clock.advance('1m');
  expect(pop.requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME)).toHaveLength(before);
  expect(pop.invisible.size).toBe(0);
});

describe('popping', () => {
  test('waits while too much is unacknowledged, and goes on', async () => {
    const { clock, pop, consumer } = setup({ popThresholdForQueue: 4, popBatchSize: 2, concurrency: 10 }, 8);
    const ends: (() => void)[] = [];
    await consumer.run(() => new Promise<void>((resolve) => ends.push(resolve)));
    await clock.settle();
    expect([ends.length, pop.heldPops]).toEqual([4, 0]);
    const health = () => consumer.health().queues.find(({ topic }) => topic === 'orders');
    expect(health()).toMatchObject({ inFlight: 4, lag: 8, verdict: 'reading' });
    await clock.advance('120s');
    expect(health()).toMatchObject({ verdict: 'reading' });
    await clock.advance('10s');
    expect(health()).toMatchObject({ verdict: 'blocked' });
    ends.shift()?.();
    await clock.settle();
    expect(ends).toHaveLength(5);
  });

  test('goes on after failures, and is unhealthy while they last', async () => {
    const { clock, broker, pop, consumer, events } = setup();
    await consumer.run(() => undefined);
    broker.script = ({ command }) =>
      command.code === RequestCode.POP_MESSAGE ? answerOf(1, {}, 'not today') : undefined;
    await clock.advance('60s');
    expect(consumer.health().reasons).toEqual([
      'queue -1 of topic orders at broker-a is failing: its pulls have failed for 45 s',
    ]);
    expect(events.find(({ type }) => type === 'pullFailed')).toMatchObject({ queue: place, retryInMs: 1_000 });
    broker.script = undefined;
    pop.put('orders', 0);
    await clock.advance('1s');
    expect(consumer.health().verdict).toBe('healthy');
    expect(pop.invisible.size).toBe(0);
  });

  test('tells what is done once more while it closes, where the broker could not be told before', async () => {
    const { clock, broker, pop, consumer, events } = setup({}, 1);
    const acks = () => pop.requests(RequestCode.ACK_MESSAGE).length;
    broker.script = ({ command }) =>
      command.code === RequestCode.ACK_MESSAGE
        ? rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: broker.address, sent: 'no' })
        : undefined;
    await consumer.run(() => undefined);
    await clock.settle();
    expect([acks(), pop.invisible.size]).toEqual([1, 1]);
    broker.script = undefined;
    const closing = consumer.close();
    await clock.settle();
    expect([acks(), pop.invisible.size]).toEqual([2, 0]);
    await closing;
    await clock.advance('5s');
    expect(acks()).toBe(2);
    expect(events.some(({ type }) => type === 'ackFailed')).toBe(false);
  });

  test('asks again later where a broker holds as many pops as it may', async () => {
    const { clock, broker, pop, consumer, events } = setup();
    broker.script = ({ command, ext }) =>
      command.code === RequestCode.POP_MESSAGE && ext.maxMsgNums === '32' ? answerOf(209) : undefined;
    await consumer.run(() => undefined);
    await clock.advance('3s');
    const pops = pop.requests(RequestCode.POP_MESSAGE).filter(({ maxMsgNums }) => maxMsgNums === '32');
    expect(pops).toHaveLength(4);
    expect(events.some(({ type }) => type === 'pullFailed')).toBe(false);
  });

  test('pauses and resumes one broker', async () => {
    const { clock, pop, consumer } = setup();
    const got: number[] = [];
    await consumer.run(({ queueOffset }) => void got.push(queueOffset));
    consumer.pause([place]);
    pop.put('orders', 0);
    await clock.advance('20s');
    expect([got, pop.heldPops]).toEqual([[], 0]);
    consumer.resume([place]);
    await clock.settle();
    expect(got).toEqual([0]);
    expect(pop.heldPops).toBe(1);
  });

  test('fails to start where a broker does not know pop, and says what to do', async () => {
    const { broker, consumer } = setup();
    broker.script = ({ command }) =>
      command.code === RequestCode.POP_MESSAGE ? answerOf(3, {}, 'request type 200050 not supported') : undefined;
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 3,
      message: expect.stringContaining('does not know pop'),
      hint: expect.stringContaining("messageRequestMode: 'pull'"),
    });
    expect(consumer.state).toBe('start failed');
  });

  test('or sharing out by brokers fails to start where a broker does not know that', async () => {
    const { broker, consumer } = setup({ messageRequestMode: 'assigned' });
    broker.script = ({ command }) =>
      command.code === RequestCode.QUERY_ASSIGNMENT ? answerOf(3, {}, 'request type 400 not supported') : undefined;
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 3 });
  });

  test('pulls what is left of its pops in retry topics of either version, once it pulls again', async () => {
    const { clock, broker, consumer } = setup({ messageRequestMode: 'assigned' });
    let mode: 'PULL' | 'POP' = 'PULL';
    const queues = (topic: string) => broker.queuesOf(topic) ?? [];
    broker.script = ({ command }) => {
      if (command.code !== RequestCode.QUERY_ASSIGNMENT) return undefined;
      const { topic } = decodeQueryAssignmentRequest(command.body as Buffer);
      const all = topic === 'orders' && mode === 'POP' ? [place] : queues(topic);
      const body = encodeQueryAssignmentResponse(
        all.map((messageQueue) => ({ messageQueue, mode: topic === 'orders' ? mode : 'PULL' })),
      );
      return { ...answerOf(0), body };
    };
    const got: string[] = [];
    await consumer.run(({ topic, body }) => void got.push(`${topic}: ${body}`));
    for (const [version, topic] of ['%RETRY%billing_orders', '%RETRY%billing+orders'].entries()) {
      broker.createTopic(topic, 1);
      broker.put(topic, 0, { body: `${version + 1}`, reconsumeTimes: 1 });
    }
    await clock.advance('41s');
    expect(got.sort()).toEqual(['orders: 1', 'orders: 2']);
    mode = 'POP';
    await clock.advance('41s');
    expect(consumer.assignment()).toMatchObject([place]);
    const pulled = (topic: string) =>
      broker.requests.filter(({ command, ext }) => command.code === RequestCode.PULL_MESSAGE && ext.topic === topic);
    const before = ['%RETRY%billing_orders', '%RETRY%billing+orders'].map((topic) => pulled(topic).length);
    await clock.advance('41s');
    expect(['%RETRY%billing_orders', '%RETRY%billing+orders'].map((topic) => pulled(topic).length)).toEqual(before);
  });

  test('shows an operator what is popped, beside what is pulled', async () => {
    const { clock, client, consumer } = setup({}, 2);
    await consumer.run(never);
    await clock.settle();
    const answer = await client.call(RequestCode.GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'billing' });
    const text = String(answer?.body);
    expect(text).toContain(
      `"mqPopTable":{{"brokerName":"broker-a","queueId":-1,"topic":"orders"}:{"waitAckCount":2,"droped":false,"lastPopTimestamp":${clock.now()}}}`,
    );
    expect(text).toMatch(/"mqTable":\{\{"brokerName":"broker-a","queueId":0,"topic":"%RETRY%billing"\}:[^}]*\}\}/);
  });

  test('still pulls what members that pulled had sent back', async () => {
    const { clock, broker, consumer } = setup();
    const got: string[] = [];
    await consumer.run(({ topic, body }) => void got.push(`${topic}: ${body}`));
    broker.put('%RETRY%billing', 0, { body: 'old', properties: { RETRY_TOPIC: 'orders' }, reconsumeTimes: 1 });
    await clock.advance('5s');
    expect(got).toEqual(['orders: old']);
    expect(broker.offsetOf('billing', '%RETRY%billing', 0)).toBe(1);
  });
});

describe('every shape', () => {
  test('batches: what is said of one counts for it alone', async () => {
    const { clock, pop, consumer } = setup({ batchSize: 4 }, 4);
    const sizes: number[] = [];
    await consumer.runBatch((messages) => {
      sizes.push(messages.length);
      if (sizes.length === 1) messages[1]?.retry({ after: '5s' });
    });
    await clock.settle();
    expect([sizes, pop.invisible.size]).toEqual([[4], 1]);
    await clock.advance('5s');
    expect([sizes, pop.invisible.size]).toEqual([[4, 1], 0]);
  });

  test('an iterator: left with a message in hand, that one comes again', async () => {
    const { clock, pop, consumer } = setup({}, 2);
    const iterator = consumer.messages();
    const first = await iterator.next();
    expect(first.value?.ack()).toBe(true);
    await iterator.next();
    const leaving = iterator.return?.();
    await clock.settle();
    await leaving;
    expect(pop.invisible.size).toBe(1);
  });

  test('an Observable, with interceptors around each delivery, stopped by its subscriber', async () => {
    const clock = virtualClock();
    const broker = new FakeBroker();
    broker.createTopic('orders', 1);
    const pop = new FakePop(broker, clock);
    pop.put('orders', 0);
    const seen: unknown[] = [];
    const tracing: DeliveryInterceptor = (context, next) => {
      seen.push(context.queue, context.attempt);
      return next(context).pipe(
        map((outcome) => {
          seen.push(outcome.kind);
          return outcome;
        }),
      );
    };
    const deliveryAttachments = [{ plugin: 'tracing', order: undefined, create: () => tracing }];
    const { consumer: make } = fakeClient(broker, clock, { services: { deliveryAttachments } });
    const consumer = make({ group: 'billing', subscribe: ['orders'], messageRequestMode: 'pop' });
    const subscription = consumer.messages$.subscribe((message) => message.ack());
    await clock.settle();
    subscription.unsubscribe();
    await clock.settle();
    expect(seen).toEqual([place, 0, 'ack']);
    expect(consumer.state).toBe('shut down');
    expect(pop.invisible.size).toBe(0);
  });
});
