import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import { connect } from '../../core/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { run, startServer } from './run-cli.js';

test('a topic is created, and messages are found by key and by id', async () => {
  const dir = tempDir();
  const server = await startServer(dir);
  const multistage = (...args: string[]) => run([...args, '--name-server', server.nameServers], dir);
  const created = await multistage('topic', 'create', 'orders', '--queues', '3');
  expect(created).toEqual({ code: 0, stdout: 'created orders with 3 queues\n', stderr: '' });

  const mq = closeAfterTest(await connect({ nameServers: server.nameServers }));
  expect(await mq.admin.fetchPublishMessageQueues('orders')).toHaveLength(3);
  const producer = await mq.producer({ group: 'g' });
  const first = await producer.send({ topic: 'orders', body: 'first', keys: ['42', 'a'] });
  const second = await producer.send({ topic: 'orders', body: 'second', keys: '42', tag: 'paid' });

  const hour = (shift: number) => new Date(Date.now() + shift * 3_600_000).toISOString();
  const [found, later, none] = await Promise.all([
    multistage('query', '--topic', 'orders', '--key', '42', '--begin', hour(-1), '--end', hour(1)),
    multistage('query', '--topic', 'orders', '--key', '42', '--begin', hour(1)),
    multistage('query', '--topic', 'orders', '--key', '42', '--begin', 'yesterday'),
  ]);
  expect(found.code).toBe(0);
  const lines = found.stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { topic: 'orders', body: 'first', keys: ['42', 'a'], msgId: first.msgId, brokerName: 'broker-a' },
    { topic: 'orders', body: 'second', tag: 'paid', msgId: second.msgId },
  ]);
  expect(later).toEqual({ code: 1, stdout: '', stderr: '' });
  expect(none.code).toBe(2);
  expect(none.stderr).toMatch(/^error: .*--begin.*\n$/);

  const [byPlace, byId, nowhere] = await Promise.all([
    multistage('view', second.offsetMsgId ?? ''),
    multistage('view', first.msgId, '--topic', 'orders'),
    multistage('view', first.msgId),
  ]);
  expect(byPlace).toEqual({ code: 0, stdout: `${lines[1]}\n`, stderr: '' });
  expect(byId).toEqual({ code: 0, stdout: `${lines[0]}\n`, stderr: '' });
  expect(nowhere.code).toBe(2);
  expect(nowhere.stderr).toMatch(/^error: RMQ_OPTIONS_INVALID: [^\n]*viewMessage\(topic, msgId\)[^\n]*\n$/);

  const deleted = await multistage('topic', 'delete', 'orders');
  expect(deleted).toEqual({ code: 0, stdout: 'deleted orders\n', stderr: '' });
  const { admin } = closeAfterTest(await connect({ nameServers: server.nameServers }));
  await expect(admin.fetchSubscribeMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  expect(await server.stop('SIGTERM')).toBe(0);
});

test('server --vip-port listens two ports below the broker’s, too', async () => {
  const server = await startServer(tempDir(), '--vip-port');
  const port = Number(server.broker.split(':')[1]) - 2;
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(void socket.destroy()));
    socket.on('error', reject);
  });
  expect(await server.stop('SIGTERM')).toBe(0);
});
