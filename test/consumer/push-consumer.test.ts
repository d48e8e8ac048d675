import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { HandlerContext } from '../../core/consumer/delivery/handler-context.js';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { json } from '../../core/message/json-codec.js';
import type { ReceivedMessage } from '../../core/message/message.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { topic } from '../../core/message/typed-topic.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../core/remoting/protocol/response-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { answerOf, FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup({ queues = 1, clientId = 'c1' }: { queues?: number; clientId?: string } = {}) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', queues);
  return { clock, broker, client: fakeClient(broker, clock, { clientId }) };
}

/** A handler whose every call waits until the test lets it go. */
function gate() {
  const calls: {
    message: ReceivedMessage;
    context: HandlerContext;
    release: () => void;
    fail: (error: unknown) => void;
  }[] = [];
  const handler = (message: ReceivedMessage, context: HandlerContext): Promise<void> =>
    new Promise((release, fail) => calls.push({ message, context, release, fail }));
  return { calls, handler };
}

describe('delivery', () => {
  test('what is there and what comes is handled, and its offset is committed', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    broker.put('orders', 0, { body: 'one', tag: 'paid', properties: { KEYS: 'a b', colour: 'red' } });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const got: ReceivedMessage[] = [];
    await consumer.run((message) => void got.push(message));
    await waitFor(() => got.length === 1);
    broker.put('orders', 0, { body: 'two' });
    await waitFor(() => got.length === 2);
    expect(got.map(({ body }) => body.toString())).toEqual(['one', 'two']);
    expect(got[0]).toMatchObject({
      topic: 'orders',
      brokerName: 'broker-a',
      queueId: 0,
      queueOffset: 0,
      tag: 'paid',
      keys: ['a', 'b'],
      msgId: 'orders/0/0',
      value: undefined,
    });
    expect(got[0]?.properties.colour).toBe('red');
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(2);
  });

  test('no more handlers run at one time than concurrency allows, over all queues, and queues take turns', async () => {
    const { broker, client } = setup({ queues: 3 });
    for (let queueId = 0; queueId < 3; queueId++) {
      broker.setOffset('billing', 'orders', queueId, 0);
      for (let index = 0; index < 10; index++) broker.put('orders', queueId);
    }
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, concurrency: 4 });
    consumer.pause();
    await consumer.run(handler);
    consumer.resume();
    await waitFor(() => calls.length === 4);
    const open = new Set(calls);
    for (let done = 0; done < 30; done++) {
      await waitFor(() => calls.length >= Math.min(30, done + 4));
      expect(open.size).toBeLessThanOrEqual(4);
      const [first] = open;
      open.delete(first!);
      first!.release();
      await nextTurn();
      for (const call of calls.slice(done + 4)) open.add(call);
    }
    expect(calls).toHaveLength(30);
    const early = calls.slice(4, 16).map(({ message }) => message.queueId);
    expect(new Set(early)).toEqual(new Set([0, 1, 2]));
  });

  test('messages acknowledged out of order never move the committed offset past one that is not', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    await client.consumer({ group: 'billing', subscribe: { orders: '*' } }).run(handler);
    await waitFor(() => calls.length === 3);
    calls[2]!.release();
    calls[1]!.release();
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(0);
    calls[0]!.release();
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(3);
  });

  test('a handler that fails is called again here as often as handlerRetry says, with growing pauses, while its offset is held and the others go on', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    const consumer = client.consumer({
      group: 'billing',
      subscribe: { orders: '*' },
      handlerRetry: { attempts: Number.POSITIVE_INFINITY },
    });
    const events = eventsOf(consumer);
    const tries: number[] = [];
    let heal = false;
    await consumer.run((message, context) => {
      if (message.queueOffset !== 1) return;
      tries.push(clock.monotonic());
      expect(context.attempt).toBe(tries.length - 1);
      if (!heal) throw new Error('no bank today');
    });
    await clock.advance(70_000);
    const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      queueOffset: 1,
      msgId: 'orders/0/1',
      attempt: 0,
      retryInMs: 1_000,
      error: new Error('no bank today'),
    });
    heal = true;
    await clock.advance(30_000);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(3);
  });

  test('a rejecting handler waits outside of the bound: others run meanwhile', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 5; index++) broker.put('orders', 0);
    const handled: number[] = [];
    const options = { concurrency: 1, handlerRetry: { attempts: 9 } };
    await client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options }).run(async (message) => {
      if (message.queueOffset === 0 && handled.length < 4) throw new Error('later');
      handled.push(message.queueOffset);
    });
    await waitFor(() => handled.length === 4);
    await clock.advance(1_000);
    expect(handled).toEqual([1, 2, 3, 4, 0]);
  });

  test('only messages whose tag is really one of the expression reach the handler; the others count as done', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    // 'Aa' and 'BB' have one hash in Java, so a broker delivers both.
    for (const tag of ['Aa', 'BB', 'paid', undefined]) broker.put('orders', 0, tag === undefined ? {} : { tag });
    const tags: (string | undefined)[] = [];
    await client
      .consumer({ group: 'billing', subscribe: { orders: 'Aa || paid' } })
      .run((message) => void tags.push(message.tag));
    await clock.advance(5_000);
    expect(tags).toEqual(['Aa', 'paid']);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(4);
  });

  test('values of a typed topic are decoded; one that cannot be is sent back, never skipped', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    broker.put('orders', 0, { body: '{"id":1}' });
    broker.put('orders', 0, { body: 'not json' });
    broker.put('orders', 0, { body: '{"id":3}' });
    const orders = topic('orders', json<{ id: number }>());
    const consumer = client.consumer({ group: 'billing', subscribe: [orders] });
    const events = eventsOf(consumer);
    const ids: number[] = [];
    await consumer.run((message) => void ids.push(message.value.id));
    await clock.advance(5_000);
    expect(ids).toEqual([1, 3]);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(3);
    expect(broker.delayed).toMatchObject([{ delayLevel: 3 }]);
    const failed = events.filter(({ type }) => type === 'failed');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ queueOffset: 1, error: { code: 'RMQ_VALUE_INVALID', topic: 'orders' } });
  });

  test('compressed bodies arrive as they were, small and large; a damaged one is sent back', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    const large = Buffer.alloc(300_000, 'multistage ');
    broker.put('orders', 0, { body: deflateSync('small'), sysFlag: SysFlag.COMPRESSED });
    broker.put('orders', 0, { body: deflateSync(large), sysFlag: SysFlag.COMPRESSED });
    broker.put('orders', 0, { body: 'no zlib', sysFlag: SysFlag.COMPRESSED });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    const bodies: Buffer[] = [];
    await consumer.run((message) => void bodies.push(message.body));
    await waitFor(() => bodies.length === 2);
    expect(bodies.map(String).sort((a, b) => a.length - b.length)).toEqual(['small', large.toString()]);
    await waitFor(() => events.some(({ type }) => type === 'failed'));
    await clock.advance(5_000);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({ error: { code: 'RMQ_DECOMPRESS_FAILED' } });
    expect(broker.delayed).toHaveLength(1);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(3);
  });
});

describe('starting', () => {
  test.each([
    ['first', { from: 'first' as const }, 4],
    ['last', {}, 10],
    ['a timestamp', { from: { timestamp: 7 } }, 7],
  ])(
    'without a stored offset a queue begins at %s, the decision is logged and becomes the group’s own',
    async (_name, options, offset) => {
      const { broker, client, clock } = setup();
      for (let index = 0; index < 10; index++) broker.put('orders', 0);
      broker.expire('orders', 0, 4);
      const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options });
      const events = eventsOf(consumer);
      consumer.pause();
      await consumer.run(() => undefined);
      expect(consumer.assignment()).toMatchObject([{ queueId: 0, pullOffset: offset }]);
      expect(events.find(({ type }) => type === 'queueAssigned')).toMatchObject({ offset });
      expect(client.log.find(({ message }) => message.includes('read from an offset'))?.fields).toMatchObject({
        offset,
      });
      await clock.advance(5_000);
      expect(broker.offsetOf('billing', 'orders', 0)).toBe(offset);
    },
  );

  test('a stored offset wins over the option', async () => {
    const { broker, client } = setup();
    for (let index = 0; index < 10; index++) broker.put('orders', 0);
    broker.setOffset('billing', 'orders', 0, 8);
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
    await consumer.run((message) => void got.push(message.queueOffset));
    await waitFor(() => got.length === 2);
    expect(got).toEqual([8, 9]);
  });

  test('a queue whose stored offset cannot be asked is left out and tried again soon, not guessed', async () => {
    const { broker, client, clock } = setup({ queues: 2 });
    broker.script = ({ command, ext }) =>
      command.code === RequestCode.QUERY_CONSUMER_OFFSET && ext.queueId === '1'
        ? rocketMQError('RMQ_REQUEST_TIMEOUT', 'slow', { address: 'a', timeoutMs: 1, sent: 'maybe' })
        : undefined;
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run(() => undefined);
    expect(consumer.assignment().map(({ queueId }) => queueId)).toEqual([0]);
    broker.script = undefined;
    await clock.advance(1_000);
    expect(consumer.assignment().map(({ queueId }) => queueId)).toEqual([0, 1]);
  });

  test('a topic that does not exist yet is read as soon as it does', async () => {
    const { broker, client, clock } = setup();
    const got: string[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { later: '*' } });
    await consumer.run((message) => void got.push(message.body.toString()));
    expect(consumer.state).toBe('running');
    broker.createTopic('later', 1);
    broker.setOffset('billing', 'later', 0, 0);
    broker.put('later', 0, { body: 'first of its kind' });
    await clock.advance(2_000);
    expect(got).toEqual(['first of its kind']);
    const told = client.log.filter(({ level }) => level === 'warn' || level === 'error');
    expect(told.map(({ message }) => message)).toEqual(['a topic does not exist yet; it is read as soon as it does']);
  });

  test('servers that cannot be asked fail the start, once and for all, with their error as the cause', async () => {
    const { client } = setup();
    const unreachable = rocketMQError('RMQ_NAME_SERVER_UNREACHABLE', 'nobody there', { failures: [] });
    const routes = {
      ...client.services.routes,
      subscribeQueues: () => undefined,
      loadSubscribeQueues: () => Promise.reject(unreachable),
    };
    const lonely = fakeClient(new FakeBroker(), virtualClock(), { services: { routes } });
    const consumer = lonely.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await expect(consumer.run(() => undefined)).rejects.toBe(unreachable);
    expect(consumer.state).toBe('start failed');
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
      state: 'start failed',
      cause: unreachable,
    });
    await consumer.close();
    expect(consumer.state).toBe('shut down');
  });

  test('a second consumer of the group in one client is refused and does not disturb the first', async () => {
    const { client, broker } = setup();
    await client.consumer({ group: 'billing', subscribe: { orders: '*' } }).run(() => undefined);
    const second = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await expect(second.run(() => undefined)).rejects.toMatchObject({ code: 'RMQ_GROUP_DUPLICATE' });
    await second.close();
    expect(broker.membersOf('billing')).toEqual(['c1']);
  });

  test('run without a function, twice, or after close is refused', async () => {
    const { client } = setup();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await expect(consumer.run('no function' as never)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
    await consumer.run(() => undefined);
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
      state: 'running',
      hint: 'Take the messages in one way, once: it gets those of all topics.',
    });
    await consumer.close();
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING', state: 'shut down' });
  });
});

describe('closing', () => {
  test('takes nothing new, waits for what runs, commits, then leaves the group', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 40; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, concurrency: 2 });
    const events = eventsOf(consumer);
    await consumer.run(handler);
    await waitFor(() => calls.length === 2);
    let closed = false;
    const closing = consumer.close().then(() => {
      closed = true;
    });
    await clock.advance(10);
    expect([closed, consumer.state, broker.membersOf('billing')]).toEqual([false, 'closing', ['c1']]);
    calls[0]!.release();
    await clock.advance(10);
    expect(closed).toBe(false);
    calls[1]!.release();
    await closing;
    expect(calls).toHaveLength(2);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(2);
    expect(broker.membersOf('billing')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'closed', unfinished: 0 });
    expect(consumer.state).toBe('shut down');
    await consumer.close();
    expect(clock.timers).toBe(0);
  });

  test('waits no longer than its bound: handlers that asked are told to stop, and their messages stay uncommitted', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 2; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run(handler);
    await waitFor(() => calls.length === 2);
    calls[0]!.release();
    const { signal } = calls[1]!.context;
    const closing = consumer.close({ timeoutMs: 500 });
    await clock.advance(499);
    expect([signal.aborted, clock.refTimers > 0]).toEqual([false, true]);
    await clock.advance(1);
    await closing;
    expect(signal.aborted).toBe(true);
    calls[1]!.release();
    await nextTurn();
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: 'closed', unfinished: 1 });
  });

  test('an abort signal ends the wait earlier', async () => {
    const { broker, client } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run(handler);
    await waitFor(() => calls.length === 1);
    const controller = new AbortController();
    const closing = consumer.close({ signal: controller.signal });
    controller.abort();
    await closing;
    expect(consumer.state).toBe('shut down');
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(0);
  });

  test('while starting makes run reject and leaves nothing behind', async () => {
    const { broker, client, clock } = setup();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const running = consumer.run(() => undefined);
    const closing = consumer.close();
    await expect(running).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
    await closing;
    expect([broker.membersOf('billing'), clock.timers, consumer.state]).toEqual([[], 0, 'shut down']);
  });

  test('await using closes', async () => {
    const { client, broker } = setup();
    {
      await using consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
      await consumer.run(() => undefined);
      expect(broker.membersOf('billing')).toEqual(['c1']);
    }
    expect(broker.membersOf('billing')).toEqual([]);
  });
});

describe('members', () => {
  test('queues are shared out anew when a member joins and when one leaves, without a loss', async () => {
    const clock = virtualClock();
    const broker = new FakeBroker();
    broker.createTopic('orders', 5);
    for (let queueId = 0; queueId < 5; queueId++) broker.setOffset('billing', 'orders', queueId, 0);
    const handled = new Map<string, string[]>();
    const handle = (who: string) => (message: ReceivedMessage) => {
      const key = `${message.queueId}/${message.queueOffset}`;
      handled.set(key, [...(handled.get(key) ?? []), who]);
    };
    const putAll = (): void => {
      for (let queueId = 0; queueId < 5; queueId++) broker.put('orders', queueId);
    };
    const first = fakeClient(broker, clock, { clientId: 'c1' }).consumer({
      group: 'billing',
      subscribe: { orders: '*' },
    });
    const second = fakeClient(broker, clock, { clientId: 'c2' }).consumer({
      group: 'billing',
      subscribe: { orders: '*' },
    });
    await first.run(handle('first'));
    putAll();
    await waitFor(() => handled.size === 5);
    expect(first.assignment()).toHaveLength(5);
    await second.run(handle('second'));
    await waitFor(() => first.assignment().length === 3 && second.assignment().length === 2);
    expect([...first.assignment(), ...second.assignment()].map(({ queueId }) => queueId).sort()).toEqual([
      0, 1, 2, 3, 4,
    ]);
    putAll();
    await waitFor(() => handled.size === 10);
    await first.close();
    await waitFor(() => second.assignment().length === 5);
    putAll();
    await waitFor(() => handled.size === 15);
    expect([...handled.values()].every((who) => who.length === 1)).toBe(true);
    expect(handled.get('4/2')).toEqual(['second']);
    expect(handled.get('4/1')).toEqual(['second']);
  });

  test('a lost queue’s running handlers are told, and what they end in commits nothing', async () => {
    const { broker, client, clock } = setup({ queues: 2 });
    for (let queueId = 0; queueId < 2; queueId++) {
      broker.setOffset('billing', 'orders', queueId, 0);
      broker.put('orders', queueId);
    }
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run(handler);
    await waitFor(() => calls.length === 2);
    const lost = calls.find(({ message }) => message.queueId === 1)!;
    const { signal } = lost.context;
    broker.join('billing', 'c2', () => undefined);
    await waitFor(() => consumer.assignment().length === 1);
    expect(signal.aborted).toBe(true);
    expect(events.find(({ type }) => type === 'queueLost')).toMatchObject({
      queue: { queueId: 1 },
      unacknowledged: 1,
      why: 'rebalance',
    });
    lost.release();
    await clock.advance(20_000);
    expect(broker.offsetOf('billing', 'orders', 1)).toBe(0);
    expect(client.cancelled).toBe(1);
  });

  test('members that cannot be asked for leave a member what it has', async () => {
    const { broker, client, clock } = setup({ queues: 2 });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run(() => undefined);
    broker.script = ({ command }) =>
      command.code === RequestCode.GET_CONSUMER_LIST_BY_GROUP
        ? answerOf(1, {}, 'no consumer for this group')
        : undefined;
    await clock.advance(60_000);
    expect(consumer.assignment()).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'rebalanceFailed').length).toBeGreaterThan(3);
    expect(client.log.filter(({ level, message }) => level === 'warn' && message.includes('shared out'))).toHaveLength(
      1,
    );
  });

  test('a broker that forgot its members hears of them before any queue is given up', async () => {
    const { broker, client, clock } = setup({ queues: 2 });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run(() => undefined);
    broker.forgetMembers();
    broker.join('billing', 'c0', () => undefined);
    broker.leave('billing', 'c0');
    broker.join('billing', 'c0', () => undefined);
    await clock.advance(20_000);
    expect(broker.membersOf('billing')).toEqual(['c0', 'c1']);
    expect(consumer.assignment()).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'queueLost')).toHaveLength(1);
  });

  test('queues that a route gains are taken at once', async () => {
    const { broker, client } = setup({ queues: 1 });
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run(() => undefined);
    broker.createTopic('orders', 4);
    client.changeRoute('other');
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 4);
    expect(consumer.describe()).toContain('queue orders broker-a 3');
  });
});

describe('pulling', () => {
  test('waits while a queue holds its threshold, and goes on as soon as there is room', async () => {
    const { broker, client } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 100; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({
      group: 'billing',
      subscribe: { orders: '*' },
      pullThresholdForQueue: 50,
      concurrency: 100,
    });
    await consumer.run(handler);
    await waitFor(() => calls.length === 64);
    await nextTurn();
    expect(consumer.assignment()[0]).toMatchObject({ pullOffset: 64, unacknowledged: 64 });
    for (const call of calls.slice(1, 16)) call.release();
    await waitFor(() => calls.length === 96);
    expect(consumer.assignment()[0]).toMatchObject({ committableOffset: 0 });
  });

  test.each<[string, number, Partial<ConsumerOptions>]>([
    ['the limit of a queue', 1, { pullThresholdSizeForQueueMiB: 1 }],
    ['its share of the limit of its topic', 2, { pullThresholdSizeForTopicMiB: 2 }],
  ])('waits while a queue holds its bytes, by %s, and goes on as soon as there is room', async (_by, queues, limit) => {
    const { broker, client } = setup({ queues });
    const body = Buffer.alloc(64 * 1024);
    for (let queueId = 0; queueId < queues; queueId++) {
      broker.setOffset('billing', 'orders', queueId, 0);
      for (let index = 0; index < 24; index++) broker.put('orders', queueId, { body });
    }
    const { calls, handler } = gate();
    const consumer = client.consumer({
      ...{ group: 'billing', subscribe: { orders: '*' }, pullBatchSize: 4, concurrency: 100 },
      ...limit,
    });
    await consumer.run(handler);
    await waitFor(() => calls.length >= 16 * queues);
    await nextTurn();
    // Twelve are less than 1 MiB, and the four of the next pull pass it: a record is larger than its body.
    const pulled = () => consumer.assignment().map(({ pullOffset }) => pullOffset);
    expect(pulled()).toEqual([16, 16].slice(0, queues));
    calls.find(({ message }) => message.queueId === 0)!.release();
    await waitFor(() => pulled()[0]! > 16);
    await nextTurn();
    expect(pulled()).toEqual([20, 16].slice(0, queues));
  });

  test('a queue that a hanging handler blocks for minutes is told about, and stays ours', async () => {
    const { broker, client, clock } = setup();
    broker.createTopic('%RETRY%billing', 1);
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 200; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, consumeConcurrentlyMaxSpan: 90 });
    const events = eventsOf(consumer);
    await consumer.run((message, context) => (message.queueOffset === 3 ? handler(message, context) : undefined));
    await clock.advance(120_000);
    expect(events.filter(({ type }) => type === 'queueBlocked')).toEqual([]);
    await clock.advance(20_000);
    expect(events.find(({ type }) => type === 'queueBlocked')).toMatchObject({
      queue: { queueId: 0 },
      queueOffset: 3,
      unacknowledged: 1,
      forMs: 125_000,
    });
    expect(consumer.assignment()).toHaveLength(1);
    calls[0]!.release();
    await waitFor(() => consumer.assignment()[0]?.committableOffset === 200);
  });

  test('waits while the oldest message is too far behind the newest', async () => {
    const { broker, client } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    for (let index = 0; index < 200; index++) broker.put('orders', 0);
    const { calls, handler } = gate();
    const consumer = client.consumer({
      group: 'billing',
      subscribe: { orders: '*' },
      consumeConcurrentlyMaxSpan: 90,
    });
    await consumer.run((message) =>
      message.queueOffset === 0 ? handler(message as never, undefined as never) : undefined,
    );
    await waitFor(() => consumer.assignment()[0]?.unacknowledged === 1);
    expect(consumer.assignment()[0]).toMatchObject({ pullOffset: 96, committableOffset: 0 });
    calls[0]!.release();
    await waitFor(() => consumer.assignment()[0]?.committableOffset === 200);
  });

  test.each([
    ['a refusal', answerOf(ResponseCode.NO_PERMISSION, {}, 'closed today'), 1_000],
    ['flow control', answerOf(ResponseCode.FLOW_CONTROL, {}, 'slow down'), 20],
    ['an answer without its fields', answerOf(0), 1_000],
    [
      'a body that breaks off',
      { ...answerOf(0, { nextBeginOffset: 5, suggestWhichBrokerId: 0 }), body: Buffer.alloc(95) },
      1_000,
    ],
    ['a cut connection', rocketMQError('RMQ_CONNECTION_LOST', 'gone', { address: 'a', sent: 'maybe' }), 1_000],
  ])('goes on after %s', async (_name, answer, pauseMs) => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    broker.put('orders', 0);
    let refusals = 3;
    broker.script = ({ command }) => (command.code === RequestCode.PULL_MESSAGE && refusals-- > 0 ? answer : undefined);
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    const got: number[] = [];
    await consumer.run((message) => void got.push(message.queueOffset));
    await clock.advance(3 * pauseMs - 1);
    expect(got).toEqual([]);
    await clock.advance(1);
    expect(got).toEqual([0]);
    expect(events.filter(({ type }) => type === 'pullFailed')).toHaveLength(3);
  });

  test('a broker that forgot the member is told by a heartbeat and the queue goes on', async () => {
    const { broker, client, clock } = setup();
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run((message) => void got.push(message.queueOffset));
    broker.forgetMembers();
    broker.put('orders', 0);
    await clock.advance(1_100);
    expect(got).toEqual([0]);
  });

  test('an offset that is gone is replaced by the broker’s, stored, and reading goes on there', async () => {
    const { broker, client, clock } = setup();
    for (let index = 0; index < 10; index++) broker.put('orders', 0);
    broker.expire('orders', 0, 6);
    broker.setOffset('billing', 'orders', 0, 2);
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    const got: number[] = [];
    await consumer.run((message) => void got.push(message.queueOffset));
    await waitFor(() => events.some(({ type }) => type === 'offsetReset'));
    await waitFor(() => broker.offsetOf('billing', 'orders', 0) === 6);
    await clock.advance(1_000);
    expect(got).toEqual([6, 7, 8, 9]);
    expect(events.find(({ type }) => type === 'offsetReset')).toMatchObject({ from: 2, to: 6 });
  });

  test('a broker that lost its newest messages is followed back', async () => {
    const { broker, client, clock } = setup();
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    broker.setOffset('billing', 'orders', 0, 9);
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run((message) => void got.push(message.queueOffset));
    await clock.advance(1_000);
    broker.put('orders', 0);
    await waitFor(() => got.length === 1);
    expect(got).toEqual([3]);
  });

  test('what the broker filtered away counts as done, and is committed', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    let first = true;
    broker.script = ({ command }) => {
      if (command.code !== RequestCode.PULL_MESSAGE || !first) return undefined;
      first = false;
      return answerOf(ResponseCode.PULL_RETRY_IMMEDIATELY, {
        nextBeginOffset: 8,
        suggestWhichBrokerId: 0,
        minOffset: 0,
        maxOffset: 0,
      });
    };
    for (let index = 0; index < 8; index++) broker.put('orders', 0, { tag: 'other' });
    await client.consumer({ group: 'billing', subscribe: { orders: 'paid' } }).run(() => undefined);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(8);
  });

  test('a pull carries what Java’s carries, but no position to commit', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 3);
    for (let index = 0; index < 3; index++) broker.put('orders', 0);
    await client.consumer({ group: 'billing', subscribe: { orders: 'paid' } }).run(() => undefined);
    const pull = broker.requests.find(({ command }) => command.code === RequestCode.PULL_MESSAGE)!;
    expect(pull.ext).toEqual({
      consumerGroup: 'billing',
      topic: 'orders',
      queueId: '0',
      queueOffset: '3',
      maxMsgNums: '32',
      sysFlag: '2',
      commitOffset: '0',
      suspendTimeoutMillis: '15000',
      subVersion: String(clock.now()),
      expressionType: 'TAG',
      bname: 'broker-a',
    });
  });

  test('pause keeps the queues and starts nothing; resume goes on', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    await consumer.run((message) => void got.push(message.queueOffset));
    consumer.pause();
    broker.put('orders', 0);
    await clock.advance(200_000);
    expect(got).toEqual([]);
    expect(consumer.assignment()).toHaveLength(1);
    consumer.resume();
    broker.put('orders', 0);
    await waitFor(() => got.length === 2);
  });

  test('a queue whose pulls are never answered is taken anew', async () => {
    const { broker, client, clock } = setup();
    broker.setOffset('billing', 'orders', 0, 0);
    broker.script = ({ command }) => (command.code === RequestCode.PULL_MESSAGE ? 'silence' : undefined);
    const got: number[] = [];
    const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const events = eventsOf(consumer);
    await consumer.run((message) => void got.push(message.queueOffset));
    broker.script = undefined;
    broker.put('orders', 0);
    await clock.advance(140_000);
    expect(events.find(({ type }) => type === 'queueLost')).toMatchObject({ why: 'stalled' });
    expect(got).toEqual([0]);
  });
});

test('offsets that could not be stored are stored at the next turn', async () => {
  const { broker, client, clock } = setup();
  broker.setOffset('billing', 'orders', 0, 0);
  broker.put('orders', 0);
  broker.script = ({ command }) =>
    command.code === RequestCode.UPDATE_CONSUMER_OFFSET ? answerOf(ResponseCode.SYSTEM_BUSY, {}, 'busy') : undefined;
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  const events = eventsOf(consumer);
  await consumer.run(() => undefined);
  await clock.advance(5_000);
  expect(events.filter(({ type }) => type === 'committed')).toEqual([]);
  broker.script = undefined;
  await clock.advance(5_000);
  expect(events.filter(({ type }) => type === 'committed')).toMatchObject([{ offset: 1, queue: { topic: 'orders' } }]);
});
