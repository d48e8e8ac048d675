import { tap } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { createPullConsumer } from '../../core/consumer/pull/create-pull-consumer.js';
import { sql } from '../../core/consumer/subscription/sql.js';
import { connect } from '../../core/container/connect.js';
import type { Plugin } from '../../core/plugin/plugin.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { FakeBroker } from './kit/fake-broker.js';
import { fakeClient } from './kit/fake-client.js';

async function cluster(plugins: readonly Plugin<unknown>[] = []) {
  const running = await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => running.close());
  const mq = await connect({ nameServers: running.nameServers, plugins });
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: 'shop' });
  await mq.admin.createTopic('orders', { queueNum: 1 });
  const send = (body: string, more: { tag?: string; properties?: Record<string, string> } = {}) =>
    producer.send({ topic: 'orders', body, ...more });
  const consumer = await mq.pullConsumer({ group: 'g', suspendTimeoutMs: 1_000 });
  const [queue] = await consumer.fetchMessageQueues('orders');
  return { mq, send, consumer, queue: queue! };
}

const bodies = (messages: readonly { body: Buffer }[]): string[] => messages.map(({ body }) => body.toString());

test('a pull answers at once: found, nothing new, nothing that matches, an offset that is not there', async () => {
  const { consumer, queue, send } = await cluster();
  expect(await consumer.pull(queue, '*', 0)).toMatchObject({ status: 'NO_NEW_MSG', messages: [], nextBeginOffset: 0 });
  for (const [index, tag] of ['a', 'b', 'a', 'c'].entries()) await send(String(index), { tag });
  const first = await consumer.pull(queue, '*', 0, { maxMessages: 2 });
  expect(first).toMatchObject({ status: 'FOUND', nextBeginOffset: 2, minOffset: 0, maxOffset: 4 });
  expect(bodies(first.messages)).toEqual(['0', '1']);
  const tagged = await consumer.pull(queue, 'a || c', 0);
  expect(bodies(tagged.messages)).toEqual(['0', '2', '3']);
  expect(await consumer.pull(queue, 'd', 0)).toMatchObject({ status: 'NO_MATCHED_MSG', nextBeginOffset: 4 });
  expect(await consumer.pull(queue, '*', 9)).toMatchObject({ status: 'OFFSET_ILLEGAL', nextBeginOffset: 4 });
  await send('sold', { properties: { price: '12' } });
  expect(bodies((await consumer.pull(queue, sql('price > 10'), 0)).messages)).toEqual(['sold']);
  await expect(consumer.pull(queue, '*', -1)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'offset' });
  await expect(consumer.pull({ ...queue, queueId: 7 }, '*', 0)).rejects.toMatchObject({ code: 'RMQ_BROKER_ERROR' });
  expect([await consumer.minOffset(queue), await consumer.maxOffset(queue)]).toEqual([0, 5]);
  expect(await consumer.searchOffset(queue, first.messages[0]!.storeTimestamp - 60_000)).toBe(0);
});

test('pullBlockIfNotFound waits for a message, for its time, its signal, or the end of the consumer', async () => {
  const { consumer, queue, send } = await cluster();
  const waiting = consumer.pullBlockIfNotFound(queue, '*', 0);
  await send('here');
  expect(await waiting.then(({ messages }) => bodies(messages))).toEqual(['here']);
  const controller = new AbortController();
  const given = consumer.pullBlockIfNotFound(queue, '*', 1, { signal: controller.signal });
  controller.abort();
  await expect(given).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
  const last = consumer.pullBlockIfNotFound(queue, '*', 1);
  const ended = expect(last).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
  await consumer.close();
  await ended;
  await expect(consumer.pull(queue, '*', 0)).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});

test('a signal that is given to many pulls keeps nothing of them', async () => {
  const { consumer, queue, send } = await cluster();
  await send('here');
  const { signal } = new AbortController();
  const kept = () =>
    Object.getOwnPropertySymbols(signal)
      .map((name) => (Reflect.get(signal, name) as { readonly size?: number } | undefined)?.size ?? 0)
      .reduce((sum, size) => sum + size, 0);
  const before = kept();
  for (let pulls = 0; pulls < 20; pulls++) await consumer.pull(queue, '*', 0, { signal });
  expect(kept()).toBe(before);
});

test('offsets are the application’s: remembered, stored when it says so and on close', async () => {
  const { mq, consumer, queue, send } = await cluster();
  for (let id = 0; id < 5; id++) await send(String(id));
  consumer.updateConsumeOffset(queue, 3);
  expect(await consumer.fetchConsumeOffset(queue)).toBe(3);
  expect(await consumer.fetchConsumeOffset(queue, { fromStore: true })).toBe(0);
  await consumer.persistConsumeOffsets();
  expect(await consumer.fetchConsumeOffset(queue, { fromStore: true })).toBe(3);
  consumer.updateConsumeOffset(queue, 4);
  await consumer.close();
  await using again = await mq.pullConsumer({ group: 'g' });
  expect(await again.fetchConsumeOffset(queue)).toBe(4);
});

test('a message that is sent back comes again from the retry topic, or is a dead letter', async () => {
  const { mq, consumer, queue, send } = await cluster();
  await send('again');
  await send('never');
  const { messages } = await consumer.pull(queue, '*', 0);
  await consumer.sendMessageBack(messages[0]!, { delayLevel: 1 });
  await consumer.sendMessageBack(messages[1]!, { deadLetter: true });
  const dead = { topic: '%DLQ%g', brokerName: queue.brokerName, queueId: 0 };
  await waitFor(async () => (await mq.admin.maxOffset(dead)) === 1, { what: 'the dead letter' });
  const retry = { ...dead, topic: '%RETRY%g' };
  await waitFor(async () => (await consumer.pull(retry, '*', 0)).messages.length === 1, { what: 'the retry' });
  const [back] = (await consumer.pull(retry, '*', 0)).messages;
  expect([back?.body.toString(), back?.reconsumeTimes]).toEqual(['again', 1]);
  await expect(consumer.sendMessageBack(messages[0]!, { delayLevel: 0 })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
  });
});

test('interceptors see each pull as a delivery that is done at once; filters take messages out', async () => {
  const seen: string[] = [];
  const watcher: Plugin<void> = {
    name: 'watcher',
    setup(host) {
      host.interceptDelivery({
        create: () => (context, next) => {
          seen.push(`gets ${bodies(context.messages)}`);
          return next(context).pipe(tap(({ kind }) => seen.push(kind)));
        },
      });
      host.filterDelivery({ create: () => (message) => message.tag !== 'secret' });
    },
  };
  const { consumer, queue, send } = await cluster([watcher]);
  await send('1');
  await send('2', { tag: 'secret' });
  await send('3');
  const { messages, nextBeginOffset } = await consumer.pull(queue, '*', 0);
  expect([bodies(messages), nextBeginOffset]).toEqual([['1', '3'], 3]);
  expect(seen).toEqual(['gets 1,3', 'ack']);
});

test('a queue is pulled from the broker that its last answer suggested, each queue for itself', async () => {
  const broker = new FakeBroker();
  broker.createTopic('orders', 2);
  for (const queueId of [0, 1]) broker.put('orders', queueId);
  const { onClosed: _none, ...services } = fakeClient(broker, virtualClock()).services;
  const slave = '127.0.0.1:10921';
  const pulls: string[] = [];
  const { routes, remoting } = services;
  const brokerAddress = routes.brokerAddress.bind(routes);
  routes.brokerAddress = (name, brokerId = 0) => (brokerId === 1 ? slave : brokerAddress(name, brokerId));
  const invoke = remoting.invoke.bind(remoting);
  remoting.invoke = (address, request, options) => {
    if (request.code === RequestCode.PULL_MESSAGE) pulls.push(`${request.ext?.queueId} at ${address}`);
    return invoke(address, request, options);
  };
  const consumer = closeAfterTest(await createPullConsumer({ group: 'g' }, services));
  const queueOf = (queueId: number) => ({ topic: 'orders', brokerName: broker.name, queueId });
  broker.suggestedBrokerId = 1;
  await consumer.pull(queueOf(0), '*', 0);
  broker.suggestedBrokerId = 0;
  await consumer.pull(queueOf(1), '*', 0);
  await consumer.pull(queueOf(0), '*', 0);
  await consumer.pull(queueOf(0), '*', 0);
  const master = broker.address;
  expect(pulls).toEqual([`0 at ${master}`, `1 at ${master}`, `0 at ${slave}`, `0 at ${master}`]);
});
