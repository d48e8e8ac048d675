/**
 * A lite pull consumer whose signal was aborted while it looked its topics up joined its group all the same, behind its own end.
 * Nobody took it out again: for as long as its client lived it had its share of the queues, and nobody read them.
 */
import { expect, test } from 'vitest';
import { createLitePullConsumer } from '../../core/consumer/pull/create-lite-pull-consumer.js';
import type { MessageQueue } from '../../core/message/message.js';
import { Scheduler } from '../../core/runtime/scheduler.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';

test('a lite pull consumer that is closed while it starts joins no group', async () => {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', '%RETRY%billing']) broker.createTopic(name, 1);
  const { onClosed: _none, ...services } = fakeClient(broker, clock).services;
  let answer = (): void => {};
  const routes = {
    ...services.routes,
    loadSubscribeQueues: (topic: string) =>
      new Promise<readonly MessageQueue[]>((resolve) => (answer = () => resolve(broker.queuesOf(topic) ?? []))),
  };
  const scheduler = new Scheduler(clock, services.logger);
  const controller = new AbortController();
  const starting = createLitePullConsumer(
    { group: 'billing', subscribe: { orders: '*' }, signal: controller.signal },
    { ...services, routes, scheduler },
  );
  const refused = expect(starting).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  controller.abort();
  await clock.settle();
  answer();
  await refused;
  expect(broker.membersOf('billing')).toEqual([]);
  expect(scheduler.names).toEqual([]);
});
