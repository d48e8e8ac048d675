/** A test that fakes all timers of its runner is the first thing many try: the kit goes on, in its own time. */
import { afterEach, expect, test, vi } from 'vitest';
import { testKit } from '../../core/testing/index.js';

afterEach(() => void vi.useRealTimers());

test('sends, handlers and retries go on while every timer of the runner is faked', async () => {
  vi.useFakeTimers({
    toFake: ['queueMicrotask', 'setImmediate', 'setInterval', 'setTimeout', 'Date', 'performance'],
    now: new Date('2026-01-01T09:00:00Z'),
  });
  const kit = await testKit();
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await kit.createTopic('orders');
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const attempts: number[] = [];
  await consumer.run((_message, { attempt }) => {
    attempts.push(attempt);
    if (attempt === 0) throw new Error('the bank is closed');
  });
  await producer.send({ topic: 'orders', body: 'order 42' });
  await kit.clock.settle();
  expect(attempts).toEqual([0]);
  await kit.clock.advance('1m');
  expect(attempts).toEqual([0, 1]);
  expect(await kit.messages('orders', { count: 1 })).toMatchObject([{ value: 'order 42' }]);
  await kit.close();
});
