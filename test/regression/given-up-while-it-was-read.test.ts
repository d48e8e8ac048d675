/**
 * The value of a message was read by promise, and its queue went away meanwhile. The loop over `messages()` got the message all
 * the same, though nothing that was said of it counted; and the iterator held a place for it for ever, so that it took one message
 * more than were asked for, and sent that back to the broker. A handler was called with such a message, too.
 */
import { expect, test } from 'vitest';
import type { DecodableTopic } from '../../core/consumer/subscription/subscribe.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';

function setup() {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', 'audit', '%RETRY%billing']) broker.createTopic(name, 1);
  for (const name of ['orders', 'audit']) broker.setOffset('billing', name, 0, 0);
  const reading: (() => void)[] = [];
  const orders: DecodableTopic<string> = {
    name: 'orders',
    decode: (body) => new Promise((resolve) => reading.push(() => resolve(body.toString()))),
  };
  const consumer = fakeClient(broker, clock).consumer({ group: 'billing', subscribe: [orders, 'audit'] });
  return { clock, broker, reading, consumer };
}

test('a message whose queue went away while its value was read is given to no loop, and holds no place in it', async () => {
  const { clock, broker, reading, consumer } = setup();
  broker.put('orders', 0);
  const messages = consumer.messages();
  const first = messages.next();
  await clock.settle();
  expect(reading).toHaveLength(1);
  await consumer.unsubscribe('orders');
  for (const end of reading) end();
  for (let count = 0; count < 2; count++) broker.put('audit', 0);
  await clock.settle();
  const { value } = await first;
  expect([value?.topic, value?.queueOffset]).toEqual(['audit', 0]);
  const second = messages.next();
  await clock.settle();
  expect((await second).value?.queueOffset).toBe(1);
  broker.put('audit', 0);
  await clock.settle();
  // Nobody has asked for the third.
  expect(broker.delayed).toEqual([]);
  expect(consumer.assignment()).toMatchObject([{ topic: 'audit', unacknowledged: 3 }]);
});

test('nor is a handler called with it', async () => {
  const { clock, broker, reading, consumer } = setup();
  const got: string[] = [];
  await consumer.run(({ topic }) => void got.push(topic));
  broker.put('orders', 0);
  await clock.settle();
  await consumer.unsubscribe('orders');
  for (const end of reading) end();
  broker.put('audit', 0);
  await clock.settle();
  expect(got).toEqual(['audit']);
});
