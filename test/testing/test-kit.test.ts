import { expect, onTestFinished, test } from 'vitest';
import { connect, json, topic } from '../../core/index.js';
import { type TestKit, type TestKitOptions, testKit } from '../../core/testing/index.js';

async function setup(options?: TestKitOptions): Promise<TestKit> {
  const kit = await testKit(options);
  onTestFinished(() => kit.close());
  return kit;
}

test('a client sends, the kit tells what the topic holds', async () => {
  const kit = await setup();
  const orders = topic('orders', json<{ id: number }>());
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({
    topic: orders,
    value: { id: 1 },
    tag: 'created',
    keys: ['1', 'a'],
    properties: { who: 'ada' },
  });
  await producer.send({ topic: orders, value: { id: 2 } });
  const [first, second] = await kit.messages(orders);
  expect(first).toMatchObject({
    topic: 'orders',
    tag: 'created',
    keys: ['1', 'a'],
    value: { id: 1 },
    brokerName: 'broker-a',
  });
  expect(first?.properties.who).toBe('ada');
  expect(second?.value.id).toBe(2);
  expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['{"id":1}', '{"id":2}']);
});

test('reading what a consumer reads, a handler that fails is tried again when time moves', async () => {
  const kit = await setup();
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'x' });
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const attempts: number[] = [];
  await consumer.run((_message, { attempt }) => {
    attempts.push(attempt);
    if (attempts.length < 3) throw new Error('not yet');
  });
  await kit.clock.settle();
  expect(attempts).toEqual([0]);
  await kit.clock.advance('1h');
  expect(attempts.length).toBe(3);
  expect(kit.offsets('billing')).toContainEqual({
    topic: 'orders',
    queueId: expect.any(Number),
    offset: 1,
    maxOffset: 1,
    lag: 0,
  });
});
