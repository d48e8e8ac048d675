import { expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../core/client/client.js';
import { connect } from '../../core/container/connect.js';
import { json } from '../../core/message/json-codec.js';
import { topic } from '../../core/message/typed-topic.js';
import type { Logger } from '../../core/runtime/logger.js';
import { startServer } from '../../core/server/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

async function server(dir = tempDir()) {
  const running = await startServer({ dir, nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => running.close());
  return { running, dir };
}

async function client(nameServers: string, logger?: Logger): Promise<Client> {
  const mq = await connect({ nameServers, ...(logger && { logger }) });
  onTestFinished(() => mq.close());
  return mq;
}

test('a group reads what is sent, shares its queues with a member that joins, and takes them back when it leaves', async () => {
  const { running } = await server();
  const mq = await client(running.nameServers);
  const other = await client(running.nameServers);
  const orders = topic('orders', json<{ id: number }>());
  const producer = await mq.producer({ group: 'shop' });
  const seen = new Map<number, string[]>();
  const handle = (who: string) => (message: { value: { id: number } }) => {
    seen.set(message.value.id, [...(seen.get(message.value.id) ?? []), who]);
  };
  const first = await mq.consumer({ group: 'billing', subscribe: [orders] });
  await producer.send({ topic: orders, value: { id: 0 } });
  await first.run(handle('first'));
  await waitFor(() => seen.size === 1);

  const second = await other.consumer({ group: 'billing', subscribe: [orders] });
  await second.run(handle('second'));
  await waitFor(() => first.assignment().length === 2 && second.assignment().length === 2, {
    what: 'two and two queues',
  });
  for (let id = 1; id <= 40; id++) await producer.send({ topic: orders, value: { id } });
  await waitFor(() => seen.size === 41);
  expect(new Set([...seen.values()].flat())).toEqual(new Set(['first', 'second']));

  await first.close();
  await waitFor(() => second.assignment().length === 4, { what: 'all four queues' });
  for (let id = 41; id <= 60; id++) await producer.send({ topic: orders, value: { id } });
  await waitFor(() => seen.size === 61);
  // A message that was handled but not committed when its queue changed hands may come again: only the first can be.
  expect([...seen].filter(([id, who]) => who.length !== 1 && id !== 0)).toEqual([]);
  expect(seen.get(0)?.length).toBeLessThanOrEqual(2);
});

test('a group that comes back goes on where it stopped, and tags are filtered', async () => {
  const { running } = await server();
  const mq = await client(running.nameServers);
  const producer = await mq.producer({ group: 'shop' });
  const send = (id: number) => producer.send({ topic: 'orders', body: String(id), tag: id % 2 === 0 ? 'even' : 'odd' });
  await send(0);
  const read = async (count: number): Promise<number[]> => {
    await using consumer = await mq.consumer({ group: 'evens', subscribe: { orders: 'even' }, from: 'first' });
    const ids: number[] = [];
    await consumer.run((message) => void ids.push(Number(message.body.toString())));
    await waitFor(() => ids.length >= count);
    return ids.sort((a, b) => a - b);
  };
  for (let id = 1; id < 20; id++) await send(id);
  expect(await read(10)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  for (let id = 20; id < 30; id++) await send(id);
  expect(await read(5)).toEqual([20, 22, 24, 26, 28]);
});

test('a consumer lives through a restart of the whole server and goes on by itself', async () => {
  const { running, dir } = await server();
  const mq = await client(running.nameServers);
  const producer = await mq.producer({ group: 'shop' });
  const ids: string[] = [];
  const consumer = await mq.consumer({
    group: 'billing',
    subscribe: { orders: '*' },
    from: 'first',
    pullRetryDelayMs: 50,
    persistOffsetIntervalMs: 100,
  });
  await producer.send({ topic: 'orders', body: 'before' });
  await consumer.run((message) => void ids.push(message.body.toString()));
  await waitFor(() => ids.length === 1);
  await waitFor(() => consumer.assignment().every(({ unacknowledged }) => unacknowledged === 0));
  await running.close();
  const again = await server(dir);
  expect(again.running.nameServers).toBe(running.nameServers);
  await waitFor(
    () =>
      producer.send({ topic: 'orders', body: 'after' }).then(
        () => true,
        () => false,
      ),
    { what: 'a send to the restarted server' },
  );
  await waitFor(() => ids.includes('after'), { what: 'the message after the restart' });
  expect(ids.filter((body) => body === 'before').length).toBeLessThanOrEqual(2);
  expect(consumer.state).toBe('running');
});

test('closing the client drains its consumers', async () => {
  const { running } = await server();
  const mq = await client(running.nameServers);
  const producer = await mq.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'one' });
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  let release: (() => void) | undefined;
  let handled = false;
  await consumer.run(async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    handled = true;
  });
  await waitFor(() => release);
  const closing = mq.close();
  release?.();
  await closing;
  expect([handled, consumer.state]).toEqual([true, 'shut down']);
});
