import { connect as dial, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../core/container/connect.js';
import { startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';
import { waitFor } from '../kit/wait-for.js';

/** Passes connections on to `target`, and fails in the ways networks do when it is told to. */
async function relay(target: () => string) {
  let up = true;
  const peer = await tcpPeer((socket) => {
    if (!up) {
      socket.destroy();
      return;
    }
    const [host, port] = target().split(':');
    const far: Socket = dial({ host: host as string, port: Number(port) });
    far.on('error', () => socket.destroy());
    far.once('close', () => socket.destroy());
    socket.once('close', () => far.destroy());
    socket.pipe(far);
    far.pipe(socket);
  });
  return {
    address: peer.address,
    cut: () => {
      for (const socket of peer.sockets) socket.destroy();
    },
    setUp: (value: boolean) => {
      up = value;
    },
  };
}

async function setup() {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const nameServer = await relay(() => server.nameServers);
  let brokerAddress = '';
  const broker = await relay(() => brokerAddress);
  const direct = closeAfterTest(await connect({ nameServers: server.nameServers }));
  const mq = closeAfterTest(
    await connect({
      nameServers: nameServer.address,
      heartbeatIntervalMs: 1_000,
      pollNameServerIntervalMs: 1_000,
      resolveAddress: (address) => {
        brokerAddress = address;
        return broker.address;
      },
    }),
  );
  const producer = await direct.producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: '0' });
  const consumer = await mq.consumer({
    group: 'billing',
    subscribe: { orders: '*' },
    from: 'first',
    pullRetryDelayMs: 20,
    persistOffsetIntervalMs: 100,
  });
  const rejections: unknown[] = [];
  const onRejection = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', onRejection);
  onTestFinished(() => void process.off('unhandledRejection', onRejection));
  const got = new Set<number>();
  await consumer.run((message) => void got.add(Number(message.body.toString())));
  return { nameServer, broker, direct, producer, consumer, got, rejections };
}

test('connections that are cut again and again lose no message, and nothing escapes', async () => {
  const { broker, producer, got, rejections, consumer } = await setup();
  for (let id = 1; id <= 60; id++) {
    await producer.send({ topic: 'orders', body: String(id) });
    if (id % 15 === 0) broker.cut();
  }
  await waitFor(() => got.size === 61, { what: 'all 61 messages' });
  await waitFor(() => consumer.assignment().length === 4);
  expect(rejections).toEqual([]);
});

test('a broker that cannot be reached for a while, and name servers that are away even longer, stop nothing for good', async () => {
  const { broker, nameServer, direct, producer, got, rejections, consumer } = await setup();
  await waitFor(() => got.size === 1);
  nameServer.setUp(false);
  nameServer.cut();
  broker.setUp(false);
  broker.cut();
  const failed = new Promise<void>((resolve) => {
    consumer.events$.subscribe(({ type }) => {
      if (type === 'pullFailed') resolve();
    });
  });
  for (let id = 1; id <= 20; id++) await producer.send({ topic: 'orders', body: String(id) });
  await failed;
  expect(got.size).toBe(1);
  broker.setUp(true);
  await waitFor(() => got.size === 21, { what: 'the messages of the outage' });
  nameServer.setUp(true);
  await direct.admin.createTopic('orders', { queueNum: 6 });
  await waitFor(() => consumer.assignment().length === 6, { what: 'the queues that are new' });
  expect(rejections).toEqual([]);
  expect(consumer.state).toBe('running');
});

test('a broker that is new in the cluster is read without help', async () => {
  const first = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const clientOf = async (nameServers: string) =>
    closeAfterTest(await connect({ nameServers, pollNameServerIntervalMs: 1_000 }));
  const mq = await clientOf(first.nameServers);
  await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'at the first' });
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const got: string[] = [];
  await consumer.run((message) => void got.push(`${message.body} ${message.brokerName}`));
  const second = closeAfterTest(
    await startServer({
      store: 'memory',
      nameServerPort: 0,
      brokerPort: 0,
      brokerName: 'broker-b',
      registerWith: first.nameServers,
    }),
  );
  // Its own name server knows of no other broker, so what is sent through it goes there.
  const [itsOwn = ''] = second.nameServers.split(';');
  const other = await (await clientOf(itsOwn)).producer({ group: 'other-shop' });
  await other.send({ topic: 'orders', body: 'at the second' });
  await waitFor(() => got.length === 2, { what: 'the message at the new broker' });
  expect(got).toEqual(['at the first broker-a', 'at the second broker-b']);
  expect(new Set(consumer.assignment().map(({ brokerName }) => brokerName))).toEqual(new Set(['broker-a', 'broker-b']));
});

test('closing while everything is away ends all the same', async () => {
  const { broker, nameServer, consumer, rejections } = await setup();
  nameServer.setUp(false);
  nameServer.cut();
  broker.setUp(false);
  broker.cut();
  await consumer.close({ timeoutMs: 100 });
  expect([consumer.state, rejections]).toEqual(['shut down', []]);
});
