/**
 * A broker of a cluster was taken away for good. A member that read queues of it in order waited for it as long as it ran: its
 * locks were in doubt, so that the queues could not be given back; brokers were asked each second, and the member called itself
 * unhealthy. And a lock that could not be given back was given back each half second for ever, though brokers let it go after
 * a minute.
 */
import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from '../consumer/kit/fake-broker.js';
import { fakeClient } from '../consumer/kit/fake-client.js';
import { grantLocks } from '../consumer/kit/fake-locks.js';

test('a queue in order is given up when its broker is in no route and has not answered for ten minutes', async () => {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', '%RETRY%billing']) broker.createTopic(name, 1);
  broker.setOffset('billing', 'orders', 0, 0);
  grantLocks(broker);
  const client = fakeClient(broker, clock);
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ordered: true });
  await consumer.run(() => undefined);
  expect(consumer.assignment()).toHaveLength(1);

  // The others of the cluster know the members still.
  const others = [RequestCode.GET_CONSUMER_LIST_BY_GROUP] as number[];
  broker.script = ({ command }) =>
    others.includes(command.code)
      ? undefined
      : rocketMQError('RMQ_CONNECT_FAILED', 'nobody there', { address: broker.address });
  for (const name of ['orders', '%RETRY%billing']) broker.createTopic(name, 0);
  client.loseConnection();
  await clock.advance('9m');
  expect(consumer.assignment()).toHaveLength(1);
  expect(consumer.health().verdict).toBe('unhealthy');
  await clock.advance('3m');
  expect(consumer.assignment()).toEqual([]);
  expect(consumer.health().verdict).toBe('healthy');
  broker.requests.length = 0;
  await clock.advance('1m');
  expect(broker.requests.filter(({ command }) => !others.includes(command.code))).toEqual([]);
});
