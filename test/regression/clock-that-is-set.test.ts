/**
 * When the machine's clock was set forward by more than two minutes (a laptop that slept, a first NTP step), the broker
 * took every client for silent and cut its connection, and the name server took every live broker out; set back, silent
 * ones stayed for as long. Silence is measured by the monotonic clock now.
 */
import { expect, test } from 'vitest';
import { connect } from '../../core/container/connect.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { runningServer } from '../server/kit/running.js';

const DAY_MS = 86_400_000;

test.each([
  ['forward', 1],
  ['back', -1],
])('a clock that is set %s cuts nobody off and takes no broker out', async (_, sign) => {
  const clock = virtualClock();
  const warnings: string[] = [];
  const quiet = (): void => {};
  const logger = { debug: quiet, info: quiet, warn: (message: string) => void warnings.push(message), error: quiet };
  const server = await runningServer({ clock, logger });
  const mq = closeAfterTest(await connect({ nameServers: server.nameServers }));
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'before' });
  const got: string[] = [];
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  await consumer.run((message) => void got.push(message.body.toString()));
  await waitFor(() => got.length === 1);
  const { connections } = server.statistics;

  clock.setNow(clock.now() + sign * DAY_MS);
  await clock.advance(20_000);
  await producer.send({ topic: 'orders', body: 'after' });
  await waitFor(() => got.length === 2);
  expect(server.statistics).toMatchObject({ connections, broker: { producerGroups: 1, consumerGroups: 1 } });
  expect(warnings).toEqual([]);
});
