/** The rows of rows.test.ts that need real servers: the complaint is the test's sentence. */
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/container/connect.js';
import { startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

const memoryServer = async () =>
  closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));

test('1 (rocketmq-clients#966): "timers fire un-caught promises, a broker restart kills the process": nothing escapes, and messages go on', async () => {
  const escaped: unknown[] = [];
  const note = (error: unknown): void => void escaped.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const dir = tempDir();
  const first = await startServer({ dir, nameServerPort: 0, brokerPort: 0 });
  const mq = closeAfterTest(
    await connect({ nameServers: first.nameServers, heartbeatIntervalMs: 1_000, pollNameServerIntervalMs: 1_000 }),
  );
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'before' });
  const got = new Set<string>();
  const consumer = await mq.consumer({
    ...{ group: 'billing', subscribe: { orders: '*' }, from: 'first' },
    ...{ pullRetryDelayMs: 20, rebalanceIntervalMs: 1_000, persistOffsetIntervalMs: 100 },
  });
  let failures = 0;
  consumer.events$.subscribe(({ type }) => {
    if (type === 'pullFailed' || type === 'rebalanceFailed') failures++;
  });
  await consumer.run((message) => void got.add(message.body.toString()));
  await waitFor(() => got.has('before'));
  await first.close();
  await waitFor(() => failures > 10, { what: 'failures of an outage' });
  closeAfterTest(await startServer({ dir, nameServerPort: 0, brokerPort: 0 }));
  const sent = (): Promise<boolean> =>
    producer.send({ topic: 'orders', body: 'after' }).then(
      () => true,
      () => false,
    );
  await waitFor(sent, { what: 'a send to the server that is back' });
  await waitFor(() => got.has('after'), { what: 'the message after the restart' });
  expect([escaped, consumer.state]).toEqual([[], 'running']);
});

test('22 (apache/rocketmq#1247, #3680, client-go#521, #1098): "two clusters in one process share one client by instance name": each has its own', async () => {
  const [east, west] = [await memoryServer(), await memoryServer()];
  const got: string[] = [];
  for (const [name, { nameServers }] of Object.entries({ east, west })) {
    const mq = closeAfterTest(await connect({ nameServers, instanceName: 'app' }));
    const producer = await mq.producer({ group: 'shop' });
    await producer.send({ topic: 'orders', body: `of ${name}` });
    const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
    await consumer.run((message) => void got.push(`${name} got what is ${message.body}`));
  }
  await waitFor(() => got.length === 2);
  expect(got.sort()).toEqual(['east got what is of east', 'west got what is of west']);
});

const inOrder = async () => {
  const { nameServers } = await memoryServer();
  const mq = closeAfterTest(await connect({ nameServers }));
  const producer = await mq.producer({ group: 'shop' });
  for (const body of ['a', 'b', 'c']) await producer.send({ topic: 'orders', body, shardingKey: 'one' });
  const options = { subscribe: { orders: '*' }, from: 'first', suspendCurrentQueueTimeMs: 10 } as const;
  return { mq, options };
};

test('25 (client-go#618, #650, #1229): "in order a failed message is lost when the next succeeds, and the wrong status blocks": it comes again before the next, and the words are those of every mode', async () => {
  const { mq, options } = await inOrder();
  const seen: string[] = [];
  const ordered = await mq.consumer({ ...options, group: 'ordered', ordered: true });
  await ordered.run((message) => {
    const body = message.body.toString();
    seen.push(body);
    const tries = seen.filter((one) => one === body).length;
    if (body === 'a' && tries === 1) throw new Error('once');
    if (body === 'b' && tries === 1) message.retry();
  });
  await waitFor(() => seen.includes('c'));
  expect(seen).toEqual(['a', 'a', 'b', 'b', 'c']);
  const dead = new Set<string>();
  for (const [group, isOrdered] of Object.entries({ dead1: true, dead2: false })) {
    const consumer = await mq.consumer({ ...options, group, ordered: isOrdered });
    const events = new Set<string>();
    consumer.events$.subscribe((event) => {
      if (event.type === 'failed') events.add(`${event.next} ${event.reason}`);
      if (event.type === 'failed') dead.add(`${group} ${[...events]}`);
    });
    await consumer.run((message) => {
      if (message.body.toString() === 'b') message.deadLetter('no such order');
    });
  }
  await waitFor(() => dead.size === 2);
  expect([...dead].sort()).toEqual(['dead1 deadLetter no such order', 'dead2 deadLetter no such order']);
});

test('26 (spring-cloud-alibaba#1847): "a poison message blocks an ordered queue": after maxReconsumeTimes it is a dead letter, and the queue goes on', async () => {
  const { mq, options } = await inOrder();
  const seen: string[] = [];
  const consumer = await mq.consumer({ ...options, group: 'billing', ordered: true, maxReconsumeTimes: 2 });
  await consumer.run((message) => {
    seen.push(message.body.toString());
    if (message.body.toString() === 'a') throw new Error('poison');
  });
  await waitFor(() => seen.includes('c'));
  expect(seen).toEqual(['a', 'a', 'a', 'b', 'c']);
  const dead: string[] = [];
  const office = await mq.consumer({ group: 'office', subscribe: { '%DLQ%billing': '*' }, from: 'first' });
  await office.run((message) => void dead.push(message.body.toString()));
  await waitFor(() => dead.length === 1);
  expect(dead).toEqual(['a']);
});
