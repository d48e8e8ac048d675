import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterSource } from '../../core/client/cluster-source.js';
import {
  type Client,
  type ConnectOptions,
  connect,
  isRocketMQError,
  NameServerResolver,
  type Plugin,
} from '../../core/index.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeCluster } from './fake-cluster.js';

const environment = process.env.NAMESRV_ADDR;
beforeEach(() => {
  delete process.env.NAMESRV_ADDR;
});
afterEach(() => {
  if (environment === undefined) delete process.env.NAMESRV_ADDR;
  else process.env.NAMESRV_ADDR = environment;
});

async function open(options: ConnectOptions): Promise<Client> {
  return closeAfterTest(await connect(options));
}

test('a message goes to the broker that the name server names', async () => {
  const { nameServers, broker, nameServer } = await fakeCluster();
  const mq = await open({ nameServers });
  expect(mq.state).toBe('running');
  const producer = await mq.producer({ group: 'g' });
  const result = await producer.send({ topic: 'T', body: 'hello' });
  expect(result).toMatchObject({ status: 'SEND_OK', queue: { topic: 'T', brokerName: 'broker-a', queueId: 0 } });
  expect(broker.sends.map((request) => request.body.toString())).toEqual(['hello']);
  expect(nameServer.requests[0]?.ext).toMatchObject({ topic: 'T', acceptStandardJsonOnly: 'true' });
});

test('without any server connect says what to give', async () => {
  await expect(connect({})).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_MISSING',
    hint: expect.stringContaining('embedded('),
  });
});

test('NAMESRV_ADDR serves when no option does', async () => {
  const { nameServers, broker } = await fakeCluster();
  process.env.NAMESRV_ADDR = nameServers;
  const producer = await (await open({})).producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
  process.env.NAMESRV_ADDR = 'nonsense';
  await expect(connect({})).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'NAMESRV_ADDR' });
});

test('the nameServers option comes before NAMESRV_ADDR, and a cluster before both', async () => {
  const { nameServers, broker } = await fakeCluster();
  process.env.NAMESRV_ADDR = '127.0.0.1:1';
  const listed = await (await open({ nameServers })).producer({ group: 'g' });
  await listed.send({ topic: 'T', body: 'x' });
  const cluster: ClusterSource = { start: async () => ({ nameServers, release: async () => {} }) };
  const clustered = await (await open({ cluster, nameServers: '127.0.0.1:1' })).producer({ group: 'g' });
  await clustered.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(2);
});

test('connect asks nobody; the first use reports a name server that cannot be reached', async () => {
  const mq = await open({ nameServers: '127.0.0.1:1;127.0.0.1:2' });
  const producer = await mq.producer({ group: 'g' });
  const error = await producer.send({ topic: 'T', body: 'x' }).catch((reason: unknown) => reason);
  expect(
    isRocketMQError(error, 'RMQ_NAME_SERVER_UNREACHABLE') && error.failures.map((one) => one.address).sort(),
  ).toEqual(['127.0.0.1:1', '127.0.0.1:2']);
});

test('a topic that nobody knows is another error than a name server that is away', async () => {
  const { nameServers } = await fakeCluster();
  const producer = await (await open({ nameServers })).producer({ group: 'g' });
  await expect(producer.send({ topic: 'Unknown', body: 'x' })).rejects.toMatchObject({
    code: 'RMQ_ROUTE_NOT_FOUND',
    topic: 'Unknown',
    nameServer: nameServers,
  });
});

test.each<[string, unknown]>([
  ['nameServers', 9876],
  ['nameServers', ['a', 'b']],
  ['addressServer', 'ftp://x'],
  ['plugins', {}],
  ['cluster', {}],
  ['clientIP', 'a b'],
  ['instanceName', ''],
  ['unitName', 'a@b'],
  ['unitMode', 1],
  ['headerEncoding', 'xml'],
  ['logger', {}],
  ['clock', {}],
  ['resolveAddress', 'x'],
  ['transport', {}],
  ['pollNameServerIntervalMs', 0],
  ['heartbeatIntervalMs', 1.5],
  ['connectTimeoutMs', '3000'],
  ['requestTimeoutMs', -1],
  ['frameSizeBytesMax', 1],
  ['pluginTimeoutMs', Number.NaN],
  ['namesServers', 'a:9876'],
])('option %s with %j is refused by name', async (option, value) => {
  await expect(connect({ nameServers: 'a:9876', [option]: value } as ConnectOptions)).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option,
  });
});

test('the client id is ip@instanceName[@unitName], and unique by default', async () => {
  const named = await open({ nameServers: 'a:9876', clientIP: '10.1.2.3', instanceName: 'i', unitName: 'u' });
  expect(named.clientId).toBe('10.1.2.3@i@u');
  const [first, second] = [await open({ nameServers: 'a:9876' }), await open({ nameServers: 'a:9876' })];
  expect(first.clientId).toMatch(new RegExp(`^[0-9a-f.:]+@${process.pid}#[0-9a-f]{12}$`));
  expect(first.clientId).not.toBe(second.clientId);
});

test('two clients share nothing: same groups, other connections', async () => {
  const { nameServers, broker } = await fakeCluster();
  const clients = [await open({ nameServers }), await open({ nameServers })];
  for (const mq of clients) await (await mq.producer({ group: 'g' })).send({ topic: 'T', body: 'x' });
  expect(broker.connections.size).toBe(2);
  await clients[0]?.close();
  await waitFor(() => broker.connections.size === 1);
  expect(clients[1]?.state).toBe('running');
});

test('a second producer of one group in one client is refused', async () => {
  const mq = await open({ nameServers: 'a:9876' });
  await mq.producer({ group: 'g' });
  await expect(mq.producer({ group: 'g' })).rejects.toMatchObject({ code: 'RMQ_GROUP_DUPLICATE', group: 'g' });
});

test('headers are JSON unless asked for otherwise', async () => {
  const { nameServers, broker } = await fakeCluster();
  for (const headerEncoding of ['json', 'rocketmq'] as const) {
    const producer = await (await open({ nameServers, headerEncoding })).producer({ group: 'g' });
    await producer.send({ topic: 'T', body: 'x' });
  }
  expect(broker.sends.map((request) => request.serializeType)).toEqual([0, 1]);
});

test('what brokers advertise goes through resolveAddress', async () => {
  const { nameServers, nameServer, broker } = await fakeCluster();
  const advertised = {
    ...broker.route(),
    brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: { 0: 'internal:10911' } }],
  };
  nameServer.routes.set('T', advertised);
  const producer = await (await open({ nameServers, resolveAddress: { 'internal:10911': broker.address } })).producer({
    group: 'g',
  });
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
});

test('a cluster is started by connect, its transport serves what it knows, and close releases it', async () => {
  const memory = createMemoryTransport();
  const { nameServer, broker, nameServers } = await fakeCluster(memory);
  const outside = await fakeBroker('broker-b');
  nameServer.routes.set('U', outside.route());
  const steps: string[] = [];
  const cluster: ClusterSource = {
    start: async () => {
      steps.push('start');
      return {
        nameServers: [nameServers],
        transport: memory,
        release: async () => {
          steps.push('release');
        },
      };
    },
  };
  const mq = await open({ cluster });
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'inside' });
  await producer.send({ topic: 'U', body: 'outside' });
  expect([broker.sends.length, outside.sends.length]).toEqual([1, 1]);
  await mq.close();
  await mq.close();
  expect(steps).toEqual(['start', 'release']);
});

test('a cluster that does not start is what connect rejects with', async () => {
  const cluster: ClusterSource = { start: () => Promise.reject(new Error('port taken')) };
  await expect(connect({ cluster })).rejects.toThrow('port taken');
});

test('a plugin whose onStart fails fails connect: others are stopped and the cluster is released', async () => {
  const steps: string[] = [];
  const cluster: ClusterSource = {
    start: async () => ({
      nameServers: 'a:9876',
      release: async () => {
        steps.push('release');
      },
    }),
  };
  const first: Plugin = { name: 'first', setup: (host) => host.onStop(() => steps.push('stop first')) };
  const broken: Plugin = {
    name: 'broken',
    setup: (host) =>
      host.onStart(() => {
        throw new Error('no');
      }),
  };
  await expect(connect({ cluster, plugins: [first, broken] })).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    plugin: 'broken',
  });
  expect(steps).toEqual(['stop first', 'release']);
});

test('a plugin may bring the name servers itself', async () => {
  const { nameServers, broker } = await fakeCluster();
  const discovery: Plugin = {
    name: 'discovery',
    setup: (host) => host.bind(NameServerResolver, { value: { nameServers: async () => [nameServers] } }),
  };
  const producer = await (await open({ plugins: [discovery] })).producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'x' });
  expect(broker.sends).toHaveLength(1);
});
