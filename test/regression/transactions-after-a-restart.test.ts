/**
 * A process that was started again was not asked about the transactions that it had left open, until it sent something:
 * before that its client knew no broker, and so no broker knew it. A service that sends once a day left its half messages
 * undecided for a day, or lost them to `transactionCheckMax`. A transactional producer asks for routes when it is made now.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { ServerOptions } from '../../core/server/index.js';
import { type TestKit, testKit } from '../../core/testing/index.js';
import { namespace } from '../../plugins/namespace/index.js';
import { type TransactionProducerOptions, transaction } from '../../plugins/transaction/index.js';

async function openKit(server: Pick<ServerOptions, 'autoCreateTopicEnable'> = {}): Promise<TestKit> {
  const kit = await testKit({ server });
  onTestFinished(() => kit.close());
  await kit.createTopic('orders');
  await kit.createTopic('NS%orders');
  return kit;
}

/** What a process does when it starts. */
async function open(kit: TestKit, options: Partial<TransactionProducerOptions> = {}, inNamespace = false) {
  const transactions = transaction();
  const mq = await kit.connect({ plugins: [...(inNamespace ? [namespace({ namespace: 'NS' })] : []), transactions] });
  const producer = await mq
    .plugin(transactions)
    .producer({ group: 'payers', execute: () => 'unknown', check: () => 'commit', ...options });
  return { mq, producer };
}

/** A process that dies with a transaction open. */
async function leaveOneOpen(kit: TestKit, inNamespace = false): Promise<void> {
  const { mq, producer } = await open(kit, { check: () => 'unknown' }, inNamespace);
  await producer.send({ topic: 'orders', body: 'order 42' });
  await mq.close();
}

test.each([false, true])('a producer that has sent nothing is asked (in a namespace: %s)', async (inNamespace) => {
  const kit = await openKit();
  await leaveOneOpen(kit, inNamespace);
  await open(kit, {}, inNamespace);
  await kit.clock.advance('90s');
  expect(await kit.messages(inNamespace ? 'NS%orders' : 'orders', { count: 1 })).toHaveLength(1);
});

test('where brokers create no topics it names its own', async () => {
  const kit = await openKit({ autoCreateTopicEnable: false });
  await leaveOneOpen(kit);
  const { mq } = await open(kit);
  await kit.clock.advance('90s');
  expect(await kit.messages('orders')).toEqual([]);
  await mq.close();
  await open(kit, { topics: ['orders'] });
  await kit.clock.advance('60s');
  expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
});

test('a name server that was away when it started is asked again', async () => {
  const kit = await openKit();
  await leaveOneOpen(kit);
  const away = kit.refuse('GET_ROUTEINFO_BY_TOPIC', { times: Number.POSITIVE_INFINITY });
  await open(kit);
  await kit.clock.advance('10s');
  expect(away.hits).toBeGreaterThan(0);
  away.remove();
  await kit.clock.advance('110s');
  expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
});

test('its topics are names', async () => {
  const kit = await openKit();
  await expect(open(kit, { topics: 'orders' as never })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'topics',
  });
});
