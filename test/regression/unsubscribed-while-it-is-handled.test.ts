/**
 * A member unsubscribed from a topic that it read in order while a handler was at work on a message of it. The lock of the queue
 * was given back at once, so that another member could handle that message, and those behind it, at the same time.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';
import { grantLocks } from '../consumer/kit/fake-locks.js';

test('a queue in order that is given back stays locked until its handler has ended', async () => {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', 'audit', '%RETRY%billing']) broker.createTopic(name, 1);
  for (const name of ['orders', 'audit']) broker.setOffset('billing', name, 0, 0);
  broker.put('orders', 0);
  grantLocks(broker);
  const consumer = fakeClient(broker, clock).consumer({
    ...{ group: 'billing', subscribe: { orders: '*', audit: '*' }, ordered: true },
  });
  let end = (): void => {};
  await consumer.run(() => new Promise<void>((resolve) => (end = resolve)));
  await clock.settle();
  const unlocked = () => broker.requests.filter(({ command }) => command.code === RequestCode.UNLOCK_BATCH_MQ).length;
  await consumer.unsubscribe('orders');
  await clock.advance('30s');
  expect(unlocked()).toBe(0);
  end();
  await clock.settle();
  expect(unlocked()).toBe(1);
  await consumer.unsubscribe('audit');
  expect(unlocked()).toBe(2);
});
