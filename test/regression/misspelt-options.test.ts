/**
 * `createTopic('orders', { queues: 16 })` made a topic of eight queues and said nothing: the option is called `queueNum`. The
 * calls of the admin, of close and of the test kit did not look at names, nor at a `signal`; `kit.createTopic('a b')` made a
 * topic that nobody could send to, and `kit.restart()` after `kit.close()` left a server running. Consumers were the last that
 * did not: `consumer.close({ timeout: 500 })` waited for 30 seconds, `poll({ max: 5 })` gave ten messages. Then plugins were
 * found: `namespace({ namespace: 'staging', vesion: 2 })` kept nobody apart by the fields that were asked for.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { ConsumedMessage } from '../../core/consumer/delivery/consumed-message.js';
import { type TestKit, testKit } from '../../core/testing/index.js';
import { forbidden } from '../../plugins/forbidden/index.js';
import { namespace } from '../../plugins/namespace/index.js';
import { tracing } from '../../plugins/tracing/index.js';
import { waitFor } from '../kit/wait-for.js';

async function openKit(): Promise<TestKit> {
  const kit = await testKit();
  onTestFinished(() => kit.close());
  return kit;
}

const refused = (option: string) => ({ code: 'RMQ_OPTIONS_INVALID', option });
const none = (options: object | null) => options as never;

test('the admin refuses options that it does not have', async () => {
  const kit = await openKit();
  const { admin } = await kit.connect();
  await expect(admin.createTopic('orders', none({ queues: 16 }))).rejects.toMatchObject(refused('queues'));
  await expect(admin.queryMessage('orders', '42', none({ maxnum: 5 }))).rejects.toMatchObject(refused('maxnum'));
  await expect(admin.queryMessage('orders', '42', none({ signal: 5 }))).rejects.toMatchObject(refused('signal'));
  await expect(admin.trace('id', none({ topic: 'traces' }))).rejects.toMatchObject(refused('topic'));
  await expect(admin.viewMessage('orders', 'id', none(null))).rejects.toMatchObject(refused('options'));
  const [queue] = [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }];
  await expect(admin.searchOffset(queue!, 0, none({ bound: 'lower' }))).rejects.toMatchObject(refused('bound'));
});

test('close refuses what it cannot wait by, and closes nothing then', async () => {
  const kit = await openKit();
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await expect(producer.close(none({ signal: 5 }))).rejects.toMatchObject(refused('signal'));
  await expect(producer.close(none({ timeoutMs: '1s' }))).rejects.toMatchObject(refused('timeoutMs'));
  await expect(mq.close(none({ timeout: 500 }))).rejects.toMatchObject(refused('timeout'));
  await expect(producer.recall('orders', 'x', none({ signal: {} }))).rejects.toMatchObject(refused('signal'));
  expect(await producer.send({ topic: 'orders', body: 'one' })).toMatchObject({ status: 'SEND_OK' });
});

test('plugins refuse options that they do not have, with the one that was meant', () => {
  const meant = (option: string, name: string) =>
    expect.objectContaining({ ...refused(option), message: expect.stringContaining(`did you mean ${name}?`) });
  expect(() => namespace(none({ namespace: 'staging', vesion: 2 }))).toThrow(meant('vesion', 'version'));
  expect(() => forbidden(none({ rules: [], nam: 'mine' }))).toThrow(meant('nam', 'name'));
  expect(() => tracing(none({ bachMax: 5 }))).toThrow(meant('bachMax', 'batchMax'));
});

test('consumers refuse options that their calls do not have, and go on', async () => {
  const kit = await openKit();
  await kit.createTopic('orders');
  const mq = await kit.connect();
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const said: unknown[] = [];
  const say = (message: ConsumedMessage): void => {
    try {
      message.retry(none({ later: '10s' }));
    } catch (error) {
      said.push(error);
    }
  };
  await expect(consumer.run(say, none({ sginal: 5 }))).rejects.toMatchObject(refused('sginal'));
  await expect(consumer.runBatch(say as never, none({ signal: 5 }))).rejects.toMatchObject(refused('signal'));
  expect(() => consumer.messages(none({ acks: 'onNext' }))).toThrow(expect.objectContaining(refused('acks')));
  await consumer.run(say);
  await expect(consumer.close(none({ timeout: 500 }))).rejects.toMatchObject(refused('timeout'));
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'one' });
  await waitFor(() => said.length === 1, { what: 'a message that is handled' });
  expect(said).toEqual([expect.objectContaining(refused('later'))]);
  await expect(mq.consumer(none(null))).rejects.toMatchObject(refused('options'));
});

test('and so do those that are asked for messages', async () => {
  const kit = await openKit();
  await kit.createTopic('orders');
  const mq = await kit.connect();
  const lite = await mq.litePullConsumer({ group: 'polling' });
  const queues = await lite.fetchMessageQueues('orders');
  await expect(lite.assign(queues, none({ expression: 'a' }))).rejects.toMatchObject(refused('expression'));
  await lite.assign(queues);
  await expect(lite.poll(none({ max: 5 }))).rejects.toMatchObject(refused('max'));
  await expect(lite.close(none({ timeout: 500 }))).rejects.toMatchObject(refused('timeout'));
  expect(await lite.poll({ timeoutMs: 0 })).toEqual([]);
  const plain = await mq.pullConsumer({ group: 'pulling' });
  const [queue] = queues;
  await expect(plain.pull(queue!, '*', 0, none({ max: 5 }))).rejects.toMatchObject(refused('max'));
  await expect(plain.fetchConsumeOffset(queue!, none({ stored: true }))).rejects.toMatchObject(refused('stored'));
  await expect(plain.close(none({ timeoutMs: -1 }))).rejects.toMatchObject(refused('timeoutMs'));
  expect(await plain.pull(queue!, '*', 0)).toMatchObject({ status: 'NO_NEW_MSG' });
  await expect(mq.pullConsumer(none({ group: 'g', signal: 5 }))).rejects.toMatchObject(refused('signal'));
});

test('the kit refuses faults, topics and waits that cannot be', async () => {
  const kit = await openKit();
  expect(() => kit.refuse('SEND_MESSAGE', none({ cod: 'SYSTEM_BUSY' }))).toThrow(
    expect.objectContaining(refused('cod')),
  );
  expect(() => kit.refuse('SEND_MESSAGE', { times: 0 })).toThrow(expect.objectContaining(refused('times')));
  expect(() => kit.delay('SEND_MESSAGE', undefined as never)).toThrow(expect.objectContaining(refused('by')));
  expect(() => kit.drop('SEND_MESSAGE', none({ what: 'all' }))).toThrow(expect.objectContaining(refused('what')));
  await expect(kit.createTopic('orders of today')).rejects.toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL' });
  await expect(kit.createTopic('orders', { queues: 0 })).rejects.toMatchObject(refused('queues'));
  await expect(kit.messages('orders', none({ count: 'all' }))).rejects.toMatchObject(refused('count'));
  await expect(testKit({ server: none({ dir: './data' }) })).rejects.toMatchObject(refused('server.dir'));
  await expect(testKit(none(null))).rejects.toMatchObject(refused('options'));
});

test('a kit that is closed stays closed', async () => {
  const kit = await openKit();
  await kit.close();
  await expect(kit.restart()).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  await expect(kit.reset()).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});
