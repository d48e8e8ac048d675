/** What a consumer gives back, is asked and is told, on the server of this package, over sockets. */
import { expect, onTestFinished, test } from 'vitest';
import type { ConsumedMessage } from '../../core/consumer/delivery/consumed-message.js';
import { sql } from '../../core/consumer/subscription/sql.js';
import { connect } from '../../core/container/connect.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { startServer } from '../../core/server/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { eventsOf } from './kit/fake-client.js';

const OPTIONS = { from: 'first', persistOffsetIntervalMs: 100 } as const;

async function setup() {
  const server = await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => server.close());
  const mq = await connect({ nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: 'shop' });
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, ...OPTIONS });
  const remoting = createRemotingClient({ transport: tcpTransport });
  onTestFinished(() => remoting.close());
  const ask = (code: number, ext: Record<string, string | number | boolean>) =>
    remoting.invoke(server.brokerAddress, { code, ext }, { timeoutMs: 5_000 });
  return { mq, producer, consumer, ask };
}

test('a message that is retried comes again under its topic and id; after its last word it is a dead letter', async () => {
  const { mq, producer, consumer } = await setup();
  const { msgId } = await producer.send({ topic: 'orders', body: 'poison', tag: 'paid' });
  const seen: unknown[] = [];
  const events = eventsOf(consumer);
  await consumer.run((message, { attempt }) => {
    seen.push([message.topic, message.msgId, message.tag, message.reconsumeTimes, attempt]);
    if (attempt === 0) message.retry({ after: '1s' });
    else message.deadLetter('poison');
  });
  await waitFor(() => events.filter(({ type }) => type === 'sentBack').length === 2);
  const office = await mq.consumer({ group: 'office', subscribe: { '%DLQ%billing': '*' }, from: 'first' });
  for await (const dead of office.messages()) {
    expect(dead).toMatchObject({ msgId, properties: { RETRY_TOPIC: 'orders' } });
    expect(dead.body.toString()).toBe('poison');
    dead.ack();
    break;
  }
  expect(seen).toEqual([
    ['orders', msgId, 'paid', 0, 0],
    ['orders', msgId, 'paid', 1, 1],
  ]);
});

test('an operator resets its offsets, asks how it is, and has it handle one message now', async () => {
  const { mq, producer, consumer, ask } = await setup();
  for (const body of ['0', '1', '2']) await producer.send({ topic: 'orders', body, shardingKey: 'one' });
  const got: ConsumedMessage[] = [];
  const events = eventsOf(consumer);
  await consumer.run((message) => void got.push(message));
  await waitFor(() => got.length === 3);
  const { clientId } = mq;
  const direct = { consumerGroup: 'billing', clientId, msgId: got[1]?.offsetMsgId ?? '', brokerName: 'broker-a' };
  const result = await ask(RequestCode.CONSUME_MESSAGE_DIRECTLY, direct);
  expect(JSON.parse(result.body.toString())).toMatchObject({ consumeResult: 'CR_SUCCESS' });
  const info = await ask(RequestCode.GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'billing', clientId });
  expect(info.body.toString()).toContain('"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY"');
  await waitFor(() => events.filter(({ type }) => type === 'committed').length >= 4);
  const ext = { topic: 'orders', group: 'billing', timestamp: 0, isForce: true };
  expect((await ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, ext)).code).toBe(0);
  await waitFor(() => got.length === 7);
  expect(got.map(({ body }) => body.toString())).toEqual(['0', '1', '2', '1', '0', '1', '2']);
});

test('the broker filters by SQL92, and says where an expression is wrong', async () => {
  const { mq, producer } = await setup();
  await producer.send({ topic: 'orders', body: 'cheap', properties: { price: '3' } });
  await producer.send({ topic: 'orders', body: 'dear', properties: { price: '300' } });
  const wrong = await mq.consumer({ group: 'wrong', subscribe: { orders: sql('price >') } });
  await expect(wrong.run(() => undefined)).rejects.toMatchObject({
    code: 'RMQ_SUBSCRIPTION_INVALID',
    responseCode: 23,
  });
  const right = await mq.consumer({ group: 'right', subscribe: { orders: sql('price > 10') }, from: 'first' });
  for await (const message of right.messages({ ack: 'onNext' })) {
    expect(message.body.toString()).toBe('dear');
    break;
  }
});
