/** What operators ask of a cluster of several brokers. */
import { expect, onTestFinished, test } from 'vitest';
import { type ConnectOptions, connect, type MessageQueue } from '../../core/index.js';
import { type RunningServer, type ServerOptions, startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';

async function server(options: ServerOptions): Promise<RunningServer> {
  const running = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0, ...options });
  onTestFinished(() => running.close());
  return running;
}

async function setup(second: ServerOptions = {}, options: ConnectOptions = {}) {
  const a = await server({ brokerName: 'broker-a' });
  const b = await server({ brokerName: 'broker-b', nameServers: a.nameServers, ...second });
  const mq = closeAfterTest(await connect({ nameServers: a.nameServers, ...options }));
  return { a, b, admin: mq.admin, producer: await mq.producer({ group: 'g' }) };
}

const queue = (brokerName: string, queueId = 0): MessageQueue => ({ topic: 'orders', brokerName, queueId });

test('a topic is created on every broker, and a key is asked of all of them', async () => {
  const { admin, producer } = await setup();
  await admin.createTopic('orders', { queueNum: 2 });
  const queues = [queue('broker-a', 0), queue('broker-a', 1), queue('broker-b', 0), queue('broker-b', 1)];
  expect(await admin.fetchPublishMessageQueues('orders')).toEqual(queues);
  for (const [index, to] of [...queues, ...queues].entries()) {
    await producer.send({ topic: 'orders', body: `${index}`, keys: ['42', `only-${index}`] }, { queue: to });
  }
  const { messages, failures } = await admin.queryMessage('orders', '42');
  expect(messages.map(({ body }) => body.toString()).sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  const times = messages.map(({ storeTimestamp }) => storeTimestamp);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect(messages.map(({ brokerName }) => brokerName).sort()).toEqual([
    ...Array(4).fill('broker-a'),
    ...Array(4).fill('broker-b'),
  ]);
  expect(failures).toEqual([]);
  expect((await admin.queryMessage('orders', '42', { maxNum: 3 })).messages).toHaveLength(3);
  expect(await admin.viewMessage('orders', messages[7]!.msgId)).toEqual(messages[7]);
  expect(await admin.viewMessage(messages[0]!.offsetMsgId)).toEqual(messages[0]);
});

test('a topic is deleted on every broker, and again where one was away', async () => {
  const { admin, producer, a, b } = await setup();
  await admin.createTopic('orders', { queueNum: 1 });
  for (const brokerName of ['broker-a', 'broker-b']) {
    await producer.send({ topic: 'orders', body: 'x' }, { queue: queue(brokerName) });
  }
  await admin.deleteTopic('orders');
  for (const { statistics } of [a, b]) expect(statistics.store).toMatchObject({ queues: 0, messagesPut: 1 });
  await expect(admin.fetchSubscribeMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  await admin.createTopic('orders', { queueNum: 1 });
  expect(await admin.maxOffset(queue('broker-b'))).toBe(0);
});

test('what a broker has that does not answer is missing, and said to be', async () => {
  const { admin, producer, b } = await setup();
  await admin.createTopic('orders', { queueNum: 1 });
  const first = await producer.send({ topic: 'orders', body: 'a', keys: '42' }, { queue: queue('broker-a') });
  const second = await producer.send({ topic: 'orders', body: 'b', keys: '42' }, { queue: queue('broker-b') });
  await b.close();
  const { messages, failures } = await admin.queryMessage('orders', '42');
  expect(messages.map(({ body }) => body.toString())).toEqual(['a']);
  expect(failures).toMatchObject([{ brokerName: 'broker-b', error: { code: 'RMQ_CONNECT_FAILED' } }]);
  expect((await admin.viewMessage('orders', first.msgId)).body.toString()).toBe('a');
  // Nobody can say that it is nowhere.
  await expect(admin.viewMessage('orders', second.msgId)).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
});

test('a call that no broker answers is the failure of one', async () => {
  const { admin, producer, a, b } = await setup();
  await admin.createTopic('orders', { queueNum: 1 });
  await producer.send({ topic: 'orders', body: 'a', keys: '42' });
  await b.close();
  await a.close();
  await expect(admin.queryMessage('orders', '42')).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
});

test('of several clusters one has to be named', async () => {
  const { admin } = await setup({ cluster: 'Other' });
  await expect(admin.createTopic('orders')).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'cluster',
    message: expect.stringContaining('DefaultCluster, Other'),
  });
  await admin.createTopic('orders', { cluster: 'Other', queueNum: 1 });
  expect(await admin.fetchSubscribeMessageQueues('orders')).toEqual([queue('broker-b')]);
});

test('addresses that brokers advertise go through resolveAddress, those inside ids too', async () => {
  const { admin, producer } = await setup(
    { advertisedHost: '192.0.2.7', cluster: 'Far' },
    { resolveAddress: { '192.0.2.7': '127.0.0.1' } },
  );
  await admin.createTopic('orders', { cluster: 'Far', queueNum: 1 });
  const { msgId, offsetMsgId } = await producer.send({ topic: 'orders', body: 'x', keys: '42' });
  expect(offsetMsgId).toMatch(/^C0000207/);
  const message = await admin.viewMessage(offsetMsgId!);
  expect(message).toMatchObject({ msgId, brokerName: 'broker-b' });
  expect(await admin.viewMessage('orders', offsetMsgId!)).toEqual(message);
  expect(await admin.viewMessage('orders', msgId)).toEqual(message);
  expect((await admin.queryMessage('orders', '42')).messages).toEqual([message]);
});
