import { of } from 'rxjs';
import { expect, test } from 'vitest';
import { connect, isRocketMQError, json, type Plugin, topic } from '../../core/index.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { embedded, startServer } from '../../core/server/index.js';
import { forbidden } from '../../plugins/forbidden/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

test('a typed message goes through the pipeline to the store and comes back to a handler', async () => {
  const orders = topic('orders', json<{ id: number }>());
  const plugin = forbidden({ rules: [{ name: 'no-zero', check: ({ message }) => message.tag === 'zero' }] });
  const mq = closeAfterTest(await connect({ cluster: embedded({ dir: tempDir() }), plugins: [plugin] }));
  const producer = await mq.producer({ group: 'checkout' });
  for (let id = 1; id <= 20; id++) await producer.send({ topic: orders, value: { id }, tag: 'created' });
  await expect(producer.send({ topic: orders, value: { id: 0 }, tag: 'zero' })).rejects.toMatchObject({
    code: 'RMQ_SEND_FORBIDDEN',
    rule: 'no-zero',
  });
  const consumer = await mq.consumer({ group: 'billing', subscribe: [[orders, 'created']], from: 'first' });
  const received = new Set<number>();
  await consumer.run((message) => received.add(message.value.id));
  await waitFor(() => received.size === 20, { what: 'all orders' });
  expect([...received].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

test('clients of one embedded cluster share a server, which ends with the last of them', async () => {
  const cluster = embedded({ dir: tempDir() });
  const [one, two] = [await connect({ cluster }), await connect({ cluster })];
  await (await one.producer({ group: 'g' })).send({ topic: 'shared', body: 'x' });
  await one.close();
  const producer = await two.producer({ group: 'g' });
  await producer.send({ topic: 'shared', body: 'y' });
  expect(await producer.fetchPublishMessageQueues('shared')).toHaveLength(4);
  await two.close();
  const three = closeAfterTest(await connect({ cluster }));
  await (await three.producer({ group: 'g' })).send({ topic: 'shared', body: 'z' });
});

test('an embedded server over the memory transport needs no socket', async () => {
  const cluster = embedded({ dir: tempDir(), transport: createMemoryTransport() });
  const mq = closeAfterTest(await connect({ cluster }));
  const result = await (await mq.producer({ group: 'g' })).send({ topic: 'in-memory', body: 'x' });
  expect(result).toMatchObject({ status: 'SEND_OK', queueOffset: 0 });
});

test('a directory that another server holds is what connect rejects with', async () => {
  const dir = tempDir();
  closeAfterTest(await connect({ cluster: embedded({ dir }) }));
  const error = await connect({ cluster: embedded({ dir }) }).catch((reason: unknown) => reason);
  expect(isRocketMQError(error, 'RMQ_STORE_LOCKED') && error.dir).toBe(dir);
});

test('a client on two name servers sends although one of them is not there', async () => {
  const server = closeAfterTest(await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 }));
  const mq = closeAfterTest(await connect({ nameServers: `127.0.0.1:1;${server.nameServers}` }));
  const producer = await mq.producer({ group: 'g' });
  for (let index = 0; index < 3; index++) {
    expect(await producer.send({ topic: `topic-${index}`, body: 'x' })).toMatchObject({ status: 'SEND_OK' });
  }
});

test('plugins see deliveries: an interceptor that answers itself keeps a message from its handler', async () => {
  const groups: string[] = [];
  const filtering: Plugin = {
    name: 'filtering',
    setup: (host) =>
      host.interceptDelivery({
        create: ({ group }) => {
          groups.push(group);
          return (context, next) =>
            context.messages[0]?.tag === 'skip' ? of({ kind: 'ack' as const }) : next(context);
        },
      }),
  };
  const mq = closeAfterTest(await connect({ cluster: embedded({ dir: tempDir() }), plugins: [filtering] }));
  const producer = await mq.producer({ group: 'g' });
  for (const tag of ['skip', 'keep', 'skip', 'keep']) {
    await producer.send({ topic: 'filtered', body: tag, tag, shardingKey: 'one queue' });
  }
  const consumer = await mq.consumer({ group: 'readers', subscribe: { filtered: '*' }, from: 'first' });
  const handled: (string | undefined)[] = [];
  await consumer.run((message) => handled.push(message.tag));
  await waitFor(() => consumer.assignment().some((queue) => queue.committableOffset === 4));
  expect(handled).toEqual(['keep', 'keep']);
  expect(groups).toEqual(['readers']);
});
