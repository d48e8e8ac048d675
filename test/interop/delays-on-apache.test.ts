import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Client, connect, type Producer } from '../../core/index.js';
import { collect } from './kit/collect.js';
import { ANSWERED } from './kit/patience.js';

/** What Apache 4.9.7 makes of delays, retries and its second port, as our producer sends them. */
let mq: Client;
let producer: Producer;
const servers = () => ({ nameServers: inject('apache').nameServer });

beforeAll(async () => {
  mq = await connect(servers());
  producer = await mq.producer({ group: 'delays_on_apache', ...ANSWERED });
});

afterAll(() => mq.close());

test('a delay arrives after it, however it was asked for', async () => {
  const topic = 'delays_levels';
  const sentAt = Date.now();
  await producer.send({ topic, body: 'at once' });
  await producer.send({ topic, body: 'a second', delay: '1s' });
  await producer.send({ topic, body: 'level 1', delayLevel: 1 });
  const messages = await collect(servers(), topic, 3);
  const storedAfterMs = new Map(messages.map(({ body, storeTimestamp }) => [body.toString(), storeTimestamp - sentAt]));
  expect([...storedAfterMs.keys()].sort()).toEqual(['a second', 'at once', 'level 1']);
  for (const body of ['a second', 'level 1']) expect(storedAfterMs.get(body)).toBeGreaterThanOrEqual(990);
});

test('what 4.9.7 would deliver at once is refused before it is sent, the very first message included', async () => {
  const topic = 'delays_timers';
  const fresh = await connect(servers());
  try {
    const first = await fresh.producer({ group: 'delays_first', ...ANSWERED });
    for (const [field, message] of [
      ['delay', { delay: '90s' }],
      ['deliverAt', { deliverAt: Date.now() + 60_000 }],
    ] as const) {
      const error = await first.send({ topic, body: 'x', ...message }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field });
      expect((error as Error).message).toContain('version 407');
    }
    expect(await first.send({ topic, body: 'x' })).toMatchObject({ queueOffset: 0 });
  } finally {
    await fresh.close();
  }
});

test('a message that was tried often enough becomes a dead letter', async () => {
  const topic = 'delays_retried';
  await producer.send({ topic, body: 'x' });
  await collect(servers(), topic, 1);
  const group = `collect_${topic}`;
  const systemProperties = { RECONSUME_TIME: '3', MAX_RECONSUME_TIMES: '3' };
  await producer.send({ topic: `%RETRY%${group}`, body: 'given up', systemProperties });
  await producer.send({ topic: `%RETRY%${group}`, body: 'once more', systemProperties: { RECONSUME_TIME: '1' } });
  const [again] = await collect(servers(), `%RETRY%${group}`, 1);
  expect(again).toMatchObject({ reconsumeTimes: 1, topic: `%RETRY%${group}` });
  expect(again?.body.toString()).toBe('once more');
  const [dead] = await collect(servers(), `%DLQ%${group}`, 1);
  expect(dead).toMatchObject({ reconsumeTimes: 3 });
  expect(dead?.body.toString()).toBe('given up');
});

test('the VIP channel is Apache’s port for sends', async () => {
  const vip = await connect({ ...servers(), vipChannelEnabled: true });
  try {
    const quick = await vip.producer({ group: 'delays_vip', ...ANSWERED });
    expect(await quick.send({ topic: 'delays_vip', body: 'x' })).toMatchObject({ status: 'SEND_OK' });
    await expect(quick.send({ topic: 'delays_vip', body: 'x', delay: '90s' })).rejects.toMatchObject({
      field: 'delay',
    });
  } finally {
    await vip.close();
  }
  expect((await collect(servers(), 'delays_vip', 1))[0]?.body.toString()).toBe('x');
});
