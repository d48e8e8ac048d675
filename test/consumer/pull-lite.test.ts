import { of, tap } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../core/client/client.js';
import type { DeliveryInterceptor } from '../../core/consumer/delivery/delivery.js';
import { QueueWatch } from '../../core/consumer/pull/queue-watch.js';
import { connect } from '../../core/container/connect.js';
import { json } from '../../core/message/json-codec.js';
import type { MessageQueue, ReceivedMessage } from '../../core/message/message.js';
import { topic } from '../../core/message/typed-topic.js';
import type { Plugin } from '../../core/plugin/plugin.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { Scheduler } from '../../core/runtime/scheduler.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

async function cluster(plugins: readonly Plugin<unknown>[] = []) {
  const running = await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => running.close());
  const client = async (): Promise<Client> => {
    const mq = await connect({ nameServers: running.nameServers, plugins });
    onTestFinished(() => mq.close());
    return mq;
  };
  const mq = await client();
  const producer = await mq.producer({ group: 'shop' });
  const send = async (from: number, to: number, more: { tag?: string; topic?: string } = {}) => {
    for (let id = from; id <= to; id++) await producer.send({ topic: 'orders', body: String(id), ...more });
  };
  return { running, client, mq, producer, send };
}

const ids = (messages: readonly ReceivedMessage[]): number[] => messages.map(({ body }) => Number(body.toString()));
const sorted = (all: readonly number[]): number[] => [...all].sort((a, b) => a - b);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** Polls until there are so many. */
async function pollAll(
  consumer: { poll(options: { timeoutMs: number }): Promise<readonly ReceivedMessage[]> },
  count: number,
): Promise<number[]> {
  const got: number[] = [];
  while (got.length < count) {
    const messages = await consumer.poll({ timeoutMs: 30_000 });
    if (messages.length === 0) break;
    got.push(...ids(messages));
  }
  return got;
}

/** The queue that holds messages, when one does. */
async function fullQueue(mq: Client, queues: readonly MessageQueue[]): Promise<MessageQueue> {
  for (const queue of queues) if ((await mq.admin.maxOffset(queue)) > 0) return queue;
  throw new Error('no queue holds a message');
}

test('members that subscribe share the queues, and a poll that begins commits what the one before gave', async () => {
  const { mq, client, send } = await cluster();
  await send(1, 20);
  const first = await mq.litePullConsumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  expect(sorted(await pollAll(first, 20))).toEqual(upTo(20));
  expect(await first.poll({ timeoutMs: 0 })).toEqual([]);
  await first.close();
  expect(first.state).toBe('shut down');

  const second = await mq.litePullConsumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const third = await (await client()).litePullConsumer({ group: 'billing', subscribe: { orders: '*' } });
  await waitFor(() => second.assignment().length === 2 && third.assignment().length === 2, { what: 'two and two' });
  await send(21, 40);
  const got = [await pollAll(second, 10), await pollAll(third, 10)];
  expect(got.map(({ length }) => length)).toEqual([10, 10]);
  expect(sorted(got.flat())).toEqual(upTo(40).slice(20));
});

test('what a poll gave comes again when nobody polled or committed after it, and does not after a commit', async () => {
  const { mq, send } = await cluster();
  await send(1, 1);
  const read = async (commit: boolean, timeoutMs = 30_000): Promise<number[]> => {
    await using consumer = await mq.litePullConsumer({ group: 'g', subscribe: { orders: '*' }, from: 'first' });
    const got = ids(await consumer.poll({ timeoutMs }));
    if (commit) await consumer.commit();
    return got;
  };
  expect(await read(false)).toEqual([1]);
  expect(await read(true)).toEqual([1]);
  expect(await read(false, 300)).toEqual([]);
});

test('without autoCommit nothing is stored but what is committed, now, later, or as it is given', async () => {
  const { mq, send, client } = await cluster();
  await send(1, 12);
  const options = { group: 'g', subscribe: { orders: '*' }, from: 'first', autoCommit: false } as const;
  const consumer = await mq.litePullConsumer(options);
  expect(await pollAll(consumer, 12)).toHaveLength(12);
  expect(await consumer.poll({ timeoutMs: 0 })).toEqual([]);
  const [queue] = consumer.assignment();
  const stored = (of: MessageQueue) => mq.admin.maxOffset(of).then(() => consumer.committed(of));
  // A young topic's broker says 0 itself.
  expect(await stored(queue!)).toBe(0);
  await consumer.commit(new Map([[queue!, 2]]));
  expect(await stored(queue!)).toBe(2);
  await consumer.commit([queue!]);
  expect(await stored(queue!)).toBe(3);
  await expect(consumer.commit(new Map([[queue!, -1]]))).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
  const queues = consumer.assignment();
  const ends = await Promise.all(queues.map((one) => mq.admin.maxOffset(one)));
  consumer.commitAsync();
  await consumer.close();
  await using next = await (await client()).litePullConsumer(options);
  // Every queue's, those that no `commit` named too.
  expect(await Promise.all(queues.map((one) => next.committed(one)))).toEqual(ends);
  expect(await next.poll({ timeoutMs: 200 })).toEqual([]);
});

test('a queue that is assigned is read alone; subscribing then is refused, and the other way round', async () => {
  const { mq, producer, send } = await cluster();
  await send(1, 8, { tag: 'paid' });
  await send(9, 16, { tag: 'created' });
  const consumer = await mq.litePullConsumer({ group: 'g', from: 'first' });
  const queues = await consumer.fetchMessageQueues('orders');
  expect(queues).toHaveLength(4);
  await consumer.assign([queues[1]!], { expressions: { orders: 'paid' } });
  expect(consumer.assignment()).toMatchObject([{ topic: 'orders', queueId: queues[1]!.queueId, paused: false }]);
  const got = await pollAll(consumer, 2);
  expect(got).toHaveLength(2);
  expect(got.every((id) => id <= 8)).toBe(true);
  await consumer.assign([queues[2]!]);
  expect(await pollAll(consumer, 4)).toHaveLength(4);
  const misuse = { code: 'RMQ_PULL_MISUSE', rule: 'Subscribe and assign are mutually exclusive.' };
  await expect(consumer.subscribe('orders')).rejects.toMatchObject(misuse);
  const other = await mq.litePullConsumer({ group: 'h' });
  await expect(other.assign([{ ...queues[0]!, topic: 'a b' }])).rejects.toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL' });
  await other.subscribe('orders');
  await expect(other.assign(queues)).rejects.toMatchObject(misuse);
  await other.unsubscribe('orders');
  expect(other.assignment()).toEqual([]);
  await producer.send({ topic: 'invoices', body: '1', tag: 'b' });
  await other.subscribe('invoices', 'a || b');
  expect(other.assignment()).toHaveLength(4);
  expect(other.describe()).toContain('topic invoices: a || b');
});

test('seek goes where it is told, within the queue only', async () => {
  const { mq, send } = await cluster();
  await send(1, 8);
  const consumer = await mq.litePullConsumer({ group: 'g', from: 'last' });
  const queues = await consumer.fetchMessageQueues('orders');
  const queue = await fullQueue(mq, queues);
  await consumer.assign([queue]);
  expect(await consumer.seek(queue, 'first')).toBe(0);
  const [one, two] = await consumer.poll();
  expect([one?.queueOffset, two?.queueOffset]).toEqual([0, 1]);
  expect(await consumer.seek(queue, 1)).toBe(1);
  expect((await consumer.poll()).map(({ queueOffset }) => queueOffset)).toEqual([1]);
  expect(await consumer.seek(queue, 'last')).toBe(2);
  expect(await consumer.poll({ timeoutMs: 0 })).toEqual([]);
  expect(await consumer.seek(queue, { timestamp: two!.storeTimestamp })).toBeLessThanOrEqual(1);
  expect(await consumer.offsetForTimestamp(queue, one!.storeTimestamp - 1_000)).toBe(0);
  await expect(consumer.seek(queue, 3)).rejects.toMatchObject({
    code: 'RMQ_OFFSET_ILLEGAL',
    message: 'Seek offset illegal, seek offset = 3, min offset = 0, max offset = 2',
    offset: 3,
    maxOffset: 2,
  });
  await expect(consumer.seek(queue, 1.5)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
  const [other] = queues.filter(({ queueId }) => queueId !== queue.queueId);
  await expect(consumer.seek(other!, 0)).rejects.toMatchObject({ code: 'RMQ_QUEUE_NOT_FOUND' });
});

test('a paused queue gives nothing out until it is resumed', async () => {
  const { mq, send } = await cluster();
  await send(1, 4);
  const consumer = await mq.litePullConsumer({ group: 'g', subscribe: { orders: '*' }, from: 'first' });
  consumer.pause(consumer.assignment());
  expect(await consumer.poll({ timeoutMs: 50 })).toEqual([]);
  expect(consumer.assignment().every(({ paused }) => paused)).toBe(true);
  consumer.resume(consumer.assignment());
  expect(sorted(await pollAll(consumer, 4))).toEqual(upTo(4));
});

test('pulling stops at the limits, for all queues together too, and goes on when messages are done', async () => {
  const { mq, send } = await cluster();
  await send(1, 60);
  const consumer = await mq.litePullConsumer({
    ...{ group: 'g', subscribe: { orders: '*' }, from: 'first' },
    ...{ pullThresholdForAll: 20, pullBatchSize: 5 },
  });
  const here = () => consumer.assignment().reduce((sum, { unacknowledged }) => sum + unacknowledged, 0);
  await waitFor(() => here() >= 20, { what: 'a full consumer' });
  // Each queue may have had one pull on its way when there was room last.
  expect(here()).toBeLessThanOrEqual(20 + 4 * 5);
  expect(sorted(await pollAll(consumer, 60))).toEqual(upTo(60));
});

test('a poll that waits ends with its signal, and with the consumer; two at one time are refused', async () => {
  const { mq, send } = await cluster();
  const closing = new AbortController();
  const consumer = await mq.litePullConsumer({ group: 'g', subscribe: { orders: '*' }, signal: closing.signal });
  const controller = new AbortController();
  const waiting = consumer.poll({ signal: controller.signal });
  await expect(consumer.poll()).rejects.toMatchObject({ code: 'RMQ_PULL_MISUSE' });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
  await expect(consumer.poll({ signal: controller.signal })).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
  const next = consumer.poll();
  await send(1, 1);
  expect(ids(await next)).toEqual([1]);
  const last = consumer.poll();
  closing.abort();
  expect(await last).toEqual([]);
  await consumer.close();
  expect(consumer.state).toBe('shut down');
  await expect(consumer.poll()).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  const again = await mq.litePullConsumer({ group: 'g' });
  expect(again.state).toBe('running');
});

test('listeners hear of new queues of a topic, and of fewer', async () => {
  const { mq, send } = await cluster();
  await send(1, 1);
  const consumer = await mq.litePullConsumer({ group: 'g', topicMetadataCheckIntervalMs: 100 });
  const heard: number[] = [];
  const stop = await consumer.onQueuesChanged('orders', (queues) => heard.push(queues.length));
  await mq.admin.createTopic('orders', { queueNum: 6 });
  await waitFor(() => heard.length === 1, { what: 'the change' });
  await mq.admin.createTopic('orders', { queueNum: 2 });
  await waitFor(() => heard.length === 2, { what: 'the change back' });
  expect(heard).toEqual([6, 2]);
  stop();
});

test('interceptors and filters see what is polled; a delivery lasts until the next poll', async () => {
  const seen: string[] = [];
  const watch: DeliveryInterceptor = (context, next) => {
    const bodies = context.messages.map(({ body }) => body.toString()).join();
    seen.push(`${context.group} gets ${bodies}`);
    const messages = context.messages.map((message) => ({ ...message, body: Buffer.from(`${message.body}0`) }));
    return next(context.with({ messages })).pipe(tap(({ kind }) => seen.push(`${bodies} ${kind}`)));
  };
  const watcher: Plugin<void> = {
    name: 'watcher',
    setup(host) {
      host.interceptDelivery({ create: () => watch });
      host.filterDelivery({ create: () => (message) => message.body.toString() !== '2' });
    },
  };
  const { mq, send } = await cluster([watcher]);
  await send(1, 1);
  const consumer = await mq.litePullConsumer({ group: 'g', subscribe: { orders: '*' }, from: 'first' });
  expect(ids(await consumer.poll())).toEqual([10]);
  expect(seen).toEqual(['g gets 1']);
  await send(2, 3);
  expect(ids(await consumer.poll())).toEqual([30]);
  expect(seen).toEqual(['g gets 1', '1 ack', 'g gets 3']);
  await consumer.close();
  expect(seen.at(-1)).toBe('3 retry');
});

test('a message that cannot be given out fails its poll, holds its own queue only, and can be passed by a seek', async () => {
  const orders = topic('orders', json<{ id: number }>());
  const { mq, producer } = await cluster();
  await producer.send({ topic: 'orders', body: 'no json' });
  const consumer = await mq.litePullConsumer({
    ...{ group: 'g', subscribe: [orders], from: 'first', pullRetryDelayMs: 20 },
  });
  const failure = await consumer.poll().then(
    () => undefined,
    (error: unknown) => error as { queueOffset: number; topic: string; broker: string; queueId: number },
  );
  expect(failure).toMatchObject({ code: 'RMQ_POLL_FAILED', topic: 'orders', queueOffset: 0 });
  await expect(consumer.poll()).rejects.toMatchObject({
    code: 'RMQ_POLL_FAILED',
    cause: { code: 'RMQ_VALUE_INVALID' },
  });
  const { topic: name, broker: brokerName, queueId, queueOffset } = failure!;
  await consumer.seek({ topic: name, brokerName, queueId }, queueOffset + 1);
  await producer.send({ topic: orders, value: { id: 7 } });
  const [message] = await consumer.poll();
  expect(message?.value).toEqual({ id: 7 });
});

test('an interceptor that takes messages itself skips them, and one that refuses them fails the poll', async () => {
  let refuse = false;
  const taker: Plugin<void> = {
    name: 'taker',
    setup: (host) =>
      host.interceptDelivery({
        create: () => (context, next) => {
          if (context.messages[0]?.tag !== 'mine') return next(context);
          return of(refuse ? { kind: 'retry', error: new Error('not now') } : { kind: 'ack' });
        },
      }),
  };
  const { mq, send } = await cluster([taker]);
  const consumer = await mq.litePullConsumer({ group: 'g', subscribe: { orders: '*' }, from: 'first' });
  await send(1, 1, { tag: 'mine' });
  await send(2, 2);
  expect(ids(await consumer.poll())).toEqual([2]);
  refuse = true;
  await send(3, 3, { tag: 'mine' });
  await expect(consumer.poll()).rejects.toMatchObject({ code: 'RMQ_POLL_FAILED', cause: { message: 'not now' } });
});

test('in broadcasting every member gets every message, and goes on where its own file says', async () => {
  const { running, send, mq } = await cluster();
  const localOffsetStoreDir = tempDir();
  const read = async (instanceName: string, count: number): Promise<number[]> => {
    await using client = await connect({ nameServers: running.nameServers, instanceName });
    await using consumer = await client.litePullConsumer({
      ...{ group: 'g', subscribe: { orders: '*' }, from: 'first', messageModel: 'broadcasting', localOffsetStoreDir },
    });
    const got = await pollAll(consumer, count);
    await consumer.commit();
    return sorted(got);
  };
  await send(1, 6);
  expect(await read('one', 6)).toEqual(upTo(6));
  await send(7, 8);
  expect(await read('two', 8)).toEqual(upTo(8));
  expect(await read('one', 2)).toEqual([7, 8]);
  expect(mq.state).toBe('running');
});

test('a consumer that closes while a listener is being added watches nothing afterwards', async () => {
  const scheduler = new Scheduler(virtualClock(), silentLogger);
  let answer = (_queues: readonly MessageQueue[]): void => {};
  const queuesOf = () => new Promise<readonly MessageQueue[]>((resolve) => (answer = resolve));
  const watch = new QueueWatch({ group: 'g', intervalMs: 1_000, queuesOf, scheduler, logger: silentLogger });
  const listening = watch.listen('orders', () => undefined);
  watch.stop();
  answer([]);
  (await listening)();
  expect(scheduler.names).toEqual([]);
});

test('options are checked by name', async () => {
  const { mq } = await cluster();
  const refused = (options: object, option: string) =>
    expect(mq.litePullConsumer({ group: 'g', ...options })).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option,
    });
  await refused({ autoCommitIntervalMs: 10 }, 'autoCommitIntervalMs');
  await refused({ autocommit: true }, 'autocommit');
  await refused({ autoCommit: 'yes' }, 'autoCommit');
  await refused({ suspendTimeoutMs: 20_000, pullTimeoutMs: 20_000 }, 'pullTimeoutMs');
});
