/**
 * A process whose only work was a consumer ended with exit code 0, and without a word, the moment its broker went away:
 * the pulls in flight had kept it alive, and the timer until the next try did not. A member without any queue, or one
 * that was paused, did not live either. A running consumer now keeps its process alive until it is closed.
 */
import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';

function setup() {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic('orders', 1);
  return { clock, broker, client: fakeClient(broker, clock) };
}

test('a running consumer keeps its process alive between two tries to pull, for days, until it is closed', async () => {
  const { clock, client } = setup();
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  expect(clock.refTimers).toBe(0);
  await consumer.run(() => {});
  consumer.pause();
  expect(clock.refTimers).toBe(1);
  client.services.scheduler.close();
  await clock.advance(2 * 86_400_000);
  expect(clock.refTimers).toBe(1);
  await consumer.close();
  expect(clock.refTimers).toBe(0);
});

test('a consumer that could not start keeps no process alive', async () => {
  const { clock, broker } = setup();
  const away = rocketMQError('RMQ_NAME_SERVER_UNREACHABLE', 'nobody answers', { failures: [] });
  const { routes } = fakeClient(broker, clock).services;
  const client = fakeClient(broker, clock, {
    services: {
      routes: { ...routes, subscribeQueues: () => undefined, loadSubscribeQueues: () => Promise.reject(away) },
    },
  });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  await expect(consumer.run(() => {})).rejects.toBe(away);
  expect(clock.refTimers).toBe(0);
});
