/** The consumer that pops, on the embedded server: a kit whose time is moved by hand. */
import { expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../../core/client/client.js';
import type { ConsumerOptions } from '../../../core/consumer/options/consumer-options.js';
import { sql } from '../../../core/consumer/subscription/sql.js';
import { testKit } from '../../../core/testing/index.js';
import { namespace } from '../../../plugins/namespace/index.js';

async function setup(count: number, plugins: Parameters<Awaited<ReturnType<typeof testKit>>['connect']>[0] = {}) {
  const kit = await testKit();
  onTestFinished(() => kit.close());
  const mq = await kit.connect(plugins);
  const producer = await mq.producer({ group: 'shop' });
  const send = async (from: number, to: number): Promise<void> => {
    for (let id = from; id < to; id++) await producer.send({ topic: 'orders', body: `${id}`, tag: 't' });
  };
  await send(0, count);
  const consumerOf = (one: Client, options: Partial<ConsumerOptions> = {}) =>
    one.consumer({
      ...{ group: 'billing', subscribe: { orders: 't' }, from: 'first', messageRequestMode: 'pop', ...options },
    });
  return { kit, mq, send, consumerOf };
}

test('what fails comes again when it should, and is a dead letter in the end; what succeeds never comes again', async () => {
  const { kit, mq, consumerOf } = await setup(6);
  const consumer = await consumerOf(mq, { maxReconsumeTimes: 2 });
  const tries = new Map<string, number[]>();
  const startMs = kit.clock.monotonic();
  await consumer.run(({ body, topic, reconsumeTimes }) => {
    const seen = tries.get(`${topic} ${body}`) ?? [];
    tries.set(`${topic} ${body}`, [...seen, Math.round((kit.clock.monotonic() - startMs) / 1_000)]);
    expect(reconsumeTimes).toBe(seen.length);
    if (`${body}` === '3' || (`${body}` === '4' && seen.length === 0)) throw new Error('no bank today');
  });
  await kit.clock.advance('5m');
  expect([0, 1, 2, 5].map((id) => tries.get(`orders ${id}`)?.length)).toEqual([1, 1, 1, 1]);
  const [again, dead] = [tries.get('orders 4') ?? [], tries.get('orders 3') ?? []];
  expect([again.length, dead.length]).toEqual([2, 3]);
  expect(again[1]! - again[0]!).toBeGreaterThanOrEqual(9);
  expect(dead[2]! - dead[1]!).toBeGreaterThanOrEqual(29);
  expect((await kit.messages('%DLQ%billing')).map(({ body }) => `${body}`)).toEqual(['3']);
  expect(consumer.health()).toMatchObject({ verdict: 'healthy' });
});

test('nothing is lost while members join, leave and die, under a namespace too', async () => {
  const { kit, mq, send, consumerOf } = await setup(40, { plugins: [namespace({ namespace: 'blue' })] });
  const got = new Map<string, number>();
  const handle = ({ body }: { body: Buffer }): void => void got.set(`${body}`, (got.get(`${body}`) ?? 0) + 1);
  const dying = await consumerOf(mq);
  // It takes what it can and says nothing of it.
  await dying.run(() => new Promise(() => undefined));
  await kit.clock.settle();
  const other = await kit.connect({ plugins: [namespace({ namespace: 'blue' })] });
  const second = await consumerOf(other);
  await second.run(handle);
  await dying.close({ timeoutMs: 0, signal: AbortSignal.abort() });
  await send(40, 60);
  await kit.clock.advance('2m');
  expect(got.size).toBe(60);
  await second.close();
  await send(60, 80);
  const third = await consumerOf(other);
  await third.run(handle);
  await kit.clock.advance('10s');
  expect(got.size).toBe(80);
  expect([...got.values()].filter((times) => times > 1)).toEqual([]);
});

test('members whose broker shares queues out pull or pop as an operator says, and lose nothing when that changes', async () => {
  const { kit, mq, send, consumerOf } = await setup(8);
  const options = { messageRequestMode: 'assigned', popInvisibleTimeMs: 5_000 } as const;
  const got: string[] = [];
  const places = (of: Awaited<ReturnType<typeof consumerOf>>) => of.assignment().map(({ queueId }) => queueId);
  const first = await consumerOf(mq, options);
  await first.run(({ body, topic }, { attempt }) => {
    // Popped, it waits in the pop retry topic when the group pulls again.
    if (`${body}` === '8' && attempt === 0) throw new Error('no bank today');
    got.push(`${topic} ${body}`);
  });
  await kit.clock.settle();
  expect(places(first).sort()).toEqual([0, 1, 2, 3]);
  const second = await consumerOf(await kit.connect(), options);
  await second.run(({ body, topic }) => void got.push(`${topic} ${body}`));
  await kit.clock.settle();
  expect([places(first).length, places(second).length]).toEqual([2, 2]);

  await mq.admin.setMessageRequestMode('orders', 'billing', 'pop');
  await second.close();
  await kit.clock.advance('20s');
  expect(places(first)).toEqual([-1]);
  await send(8, 12);
  await kit.clock.settle();
  await mq.admin.setMessageRequestMode('orders', 'billing', 'pull');
  await kit.clock.advance('1m');
  expect(places(first).sort()).toEqual([0, 1, 2, 3]);
  await send(12, 16);
  await kit.clock.settle();
  const all = Array.from({ length: 16 }, (_, id) => `orders ${id}`);
  expect([...new Set(got)].sort()).toEqual(all.sort());
});

test('an expression over properties is the broker’s to evaluate, and of what comes again too', async () => {
  const { kit, mq, consumerOf } = await setup(0);
  const producer = await mq.producer({ group: 'sizes' });
  for (let size = 1; size <= 6; size++) {
    await producer.send({ topic: 'orders', body: `${size}`, properties: { size: `${size}` } });
  }
  const got: string[] = [];
  const consumer = await consumerOf(mq, { subscribe: { orders: sql('size > 3') } });
  await consumer.run(({ body }, { attempt }) => {
    got.push(`${body}`);
    if (`${body}` === '5' && attempt === 0) throw new Error('no bank today');
  });
  await kit.clock.advance('30s');
  expect(got.sort()).toEqual(['4', '5', '5', '6']);
});

test('a request mode that cannot be set is refused by name', async () => {
  const { mq } = await setup(1);
  const { admin } = mq;
  await expect(admin.setMessageRequestMode('never', 'billing', 'pop')).rejects.toMatchObject({
    code: 'RMQ_ROUTE_NOT_FOUND',
  });
  const wrong = { mode: 'push' as 'pop', options: { popShareQueueNum: -1 } };
  await expect(admin.setMessageRequestMode('orders', 'billing', wrong.mode)).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'mode',
  });
  await expect(admin.setMessageRequestMode('orders', 'billing', 'pop', wrong.options)).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'popShareQueueNum',
  });
});
