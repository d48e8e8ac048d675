import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { decodeProperties } from '../../core/message/properties.js';
import { parseAddress } from '../../core/remoting/address.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { decodeTopicRouteBody } from '../../core/remoting/protocol/topic-route-body.js';
import type { Logger } from '../../core/runtime/logger.js';
import { createMemoryStoreFiles, startServer } from '../../core/server/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { heartbeat } from './kit/bodies.js';
import { invoke, pullFrom, rawClient, runningServer, SMALL_STORE, sendTo } from './kit/running.js';

async function routeOf(client: ReturnType<typeof rawClient>, nameServer: string, topic: string) {
  const response = await invoke(client, nameServer, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic });
  return response.code === 0 ? decodeTopicRouteBody(response.body) : undefined;
}

describe.each(['json', 'rocketmq'] as const)('a server that is asked with %s headers', (headerEncoding) => {
  test('takes a message, makes its topic routable, and gives the message back', async () => {
    const server = await runningServer();
    const client = rawClient(undefined, headerEncoding);
    const sent = await sendTo(client, server.brokerAddress, { body: 'hello 你好', tag: 'TagA' });
    expect([sent.code, sent.serializeType]).toEqual([0, headerEncoding === 'json' ? 0 : 1]);
    const route = await waitFor(() => routeOf(client, server.nameServers, 'orders'), { what: 'a route' });
    expect(route).toMatchObject({
      queueDatas: [{ brokerName: 'broker-a', writeQueueNums: 4, perm: 6 }],
      brokerDatas: [{ cluster: 'DefaultCluster', brokerAddrs: { 0: server.brokerAddress } }],
    });
    const pulled = await pullFrom(client, server.brokerAddress);
    const [record] = readRecords(pulled.body);
    expect(record?.body.toString()).toBe('hello 你好');
    expect({ ...decodeProperties(record!.properties) }).toEqual({ TAGS: 'TagA', CLUSTER: 'DefaultCluster' });
    expect(record?.storeHost).toBe(server.brokerAddress);
    const viewed = await invoke(client, server.brokerAddress, RequestCode.VIEW_MESSAGE_BY_ID, { offset: 0 });
    expect(viewed.body.equals(pulled.body)).toBe(true);
  });

  test('refuses what it does not know, on both ports, in the words of the protocol', async () => {
    const server = await runningServer();
    const client = rawClient(undefined, headerEncoding);
    for (const [address, codes] of [
      [server.brokerAddress, [105, 1_010, 9_999]],
      [server.nameServers, [217, 320, 9_999]],
    ] as const) {
      for (const code of codes) {
        expect(await invoke(client, address, code)).toMatchObject({
          code: 3,
          remark: ` request type ${code} not supported`,
        });
      }
    }
  });
});

describe('long polling', () => {
  test('answers a waiting pull when a message with its tag comes, other requests meanwhile', async () => {
    const server = await runningServer();
    const client = rawClient();
    await sendTo(client, server.brokerAddress);
    const waiting = pullFrom(client, server.brokerAddress, { offset: 1, tags: 'TagB', suspendMs: 15_000 });
    await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held' });
    await sendTo(client, server.brokerAddress, { tag: 'TagA', body: 'not this' });
    expect(server.statistics.broker.heldPulls).toBe(1);
    await sendTo(client, server.brokerAddress, { tag: 'TagB', body: 'this' });
    const pulled = await waiting;
    expect(pulled).toMatchObject({ code: 0, remark: 'FOUND', ext: { nextBeginOffset: '3' } });
    expect(readRecords(pulled.body).map(({ body }) => body.toString())).toEqual(['this']);
  });

  test('wakes everybody who waits, over many connections', async () => {
    const server = await runningServer();
    const clients = Array.from({ length: 8 }, () => rawClient());
    await sendTo(clients[0]!, server.brokerAddress);
    const waiting = clients.map((client) => pullFrom(client, server.brokerAddress, { offset: 1, suspendMs: 15_000 }));
    await waitFor(() => server.statistics.broker.heldPulls === 8, { what: 'the pulls to be held' });
    await sendTo(clients[0]!, server.brokerAddress);
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(Array(8).fill(0));
  });

  test('drops the pull of a client that goes', async () => {
    const server = await runningServer();
    const [staying, going] = [rawClient(), rawClient()];
    await sendTo(staying, server.brokerAddress);
    const waiting = pullFrom(going, server.brokerAddress, { offset: 1, suspendMs: 15_000 });
    const failed = expect(waiting).rejects.toThrow();
    await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held' });
    await going.close();
    await failed;
    await waitFor(() => server.statistics.broker.heldPulls === 0, { what: 'the pull to be dropped' });
  });
});

describe('members of a group', () => {
  test('hear of each other over their own connections, and of one that goes', async () => {
    const server = await runningServer();
    const [one, two] = [rawClient(), rawClient()];
    let heard = 0;
    one.handle(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request) => {
      if (request.ext.consumerGroup === 'G') heard++;
      return undefined;
    });
    for (const [client, clientId] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const { code, body } = heartbeat({ clientId, group: 'G', topics: { orders: '*' } });
      expect(await invoke(client, server.brokerAddress, code, {}, body)).toMatchObject({ code: 0 });
    }
    await waitFor(() => heard === 2, { what: 'two notices' });
    expect(await routeOf(one, server.nameServers, '%RETRY%G')).toMatchObject({ queueDatas: [{ writeQueueNums: 1 }] });
    await two.close();
    await waitFor(() => heard === 3, { what: 'the third notice' });
    const ids = await invoke(one, server.brokerAddress, RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: 'G' });
    expect(JSON.parse(ids.body.toString())).toEqual({ consumerIdList: ['one'] });
  });
});

describe('a second start on the same directory', () => {
  test('finds messages, topics, offsets and its ports again', async () => {
    const dir = tempDir();
    const client = rawClient();
    const first = await runningServer({ dir });
    const { brokerAddress } = first;
    await sendTo(client, brokerAddress, { body: 'kept' });
    const commit = { consumerGroup: 'G', topic: 'orders', queueId: 0, commitOffset: 1 };
    await invoke(client, brokerAddress, RequestCode.UPDATE_CONSUMER_OFFSET, commit);
    await first.close();
    expect(existsSync(join(dir, 'abort'))).toBe(false);

    const second = await runningServer({ dir });
    expect([second.nameServers, second.brokerAddress]).toEqual([first.nameServers, brokerAddress]);
    expect(await routeOf(client, second.nameServers, 'orders')).toBeDefined();
    const pulled = await pullFrom(client, brokerAddress);
    expect(readRecords(pulled.body).map(({ body }) => body.toString())).toEqual(['kept']);
    const asked = { consumerGroup: 'G', topic: 'orders', queueId: 0 };
    expect(await invoke(client, brokerAddress, RequestCode.QUERY_CONSUMER_OFFSET, asked)).toMatchObject({
      code: 0,
      ext: { offset: '1' },
    });
    const versions = JSON.parse(readFileSync(join(dir, 'config/topics.json'), 'utf8')).dataVersion;
    expect(versions.counter).toBe(1);
  });

  test('takes another port when its own is taken, and says so when it was asked for', async () => {
    const dir = tempDir();
    const first = await runningServer({ dir });
    const { port } = parseAddress(first.brokerAddress)!;
    await first.close();
    const squatter = createServer().listen(port, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await waitFor(() => squatter.listening, { what: 'the squatter' });
    await expect(startServer({ dir, nameServerPort: 0, brokerPort: port, store: SMALL_STORE })).rejects.toMatchObject({
      code: 'RMQ_ADDRESS_IN_USE',
    });
    const second = await runningServer({ dir });
    expect(second.nameServers).toBe(first.nameServers);
    expect(second.brokerAddress).not.toBe(first.brokerAddress);
  });

  test('is refused while the first runs, and leaves it alone', async () => {
    const dir = tempDir();
    const first = await runningServer({ dir });
    await expect(startServer({ dir, nameServerPort: 0, brokerPort: 0, store: SMALL_STORE })).rejects.toMatchObject({
      code: 'RMQ_STORE_LOCKED',
      dir,
    });
    expect(await sendTo(rawClient(), first.brokerAddress)).toMatchObject({ code: 0 });
  });

  test('closes what it had opened when it cannot start', async () => {
    const dir = tempDir();
    const squatter = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await waitFor(() => squatter.listening, { what: 'the squatter' });
    const { port } = squatter.address() as { port: number };
    const options = { dir, nameServerPort: 0, brokerPort: port, store: SMALL_STORE };
    await expect(startServer(options)).rejects.toMatchObject({ code: 'RMQ_ADDRESS_IN_USE' });
    expect(await sendTo(rawClient(), (await runningServer({ dir })).brokerAddress)).toMatchObject({ code: 0 });
  });
});

describe('a broker alone', () => {
  test('registers with the name servers it is given, and leaves them when it stops', async () => {
    const [home, other] = [await runningServer(), await runningServer({ cluster: 'Other' })];
    const client = rawClient();
    const nameServers = `${home.nameServers};${other.nameServers}`;
    const broker = await runningServer({ brokerName: 'broker-b', nameServers });
    expect(broker.nameServers).toBe(nameServers);
    for (const nameServer of [home.nameServers, other.nameServers]) {
      const route = await routeOf(client, nameServer, 'TBW102');
      expect(route?.queueDatas.map(({ brokerName }) => brokerName)).toContain('broker-b');
    }
    const create = {
      topic: 'only-b',
      defaultTopic: 'TBW102',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    };
    expect(await invoke(client, broker.brokerAddress, RequestCode.UPDATE_AND_CREATE_TOPIC, create)).toMatchObject({
      code: 0,
    });
    expect(await routeOf(client, other.nameServers, 'only-b')).toMatchObject({
      queueDatas: [{ brokerName: 'broker-b' }],
    });
    await broker.close();
    expect(await routeOf(client, other.nameServers, 'only-b')).toBeUndefined();
  });

  test('starts without its name server, and is known to it soon after that comes', async () => {
    const dir = tempDir();
    const first = await runningServer({ dir });
    await first.close();
    const warnings: string[] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (message) => warnings.push(message),
    };
    const broker = await runningServer({ brokerName: 'broker-b', nameServers: [first.nameServers], logger });
    expect(warnings).toEqual([expect.stringContaining(first.nameServers)]);
    const client = rawClient();
    const again = await runningServer({ dir });
    const knowsBoth = async () => (await routeOf(client, again.nameServers, 'TBW102'))?.brokerDatas.length === 2;
    await waitFor(knowsBoth, { what: 'the broker to register' });
    expect(broker.brokerAddress).not.toBe(again.brokerAddress);
  });
});

describe('where it listens', () => {
  test('it warns when others than this machine reach it, and advertises what it was told to', async () => {
    const warnings: string[] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (message) => warnings.push(message),
    };
    const server = await runningServer({ host: '0.0.0.0', advertisedHost: '127.0.0.1', logger });
    expect(warnings).toEqual([expect.stringContaining('without access control')]);
    expect([server.nameServers, server.brokerAddress]).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    ]);
    expect(await sendTo(rawClient(), server.brokerAddress)).toMatchObject({ code: 0 });
  });

  test('a name instead of an address is advertised, while records keep an address', async () => {
    const server = await runningServer({ advertisedHost: 'localhost' });
    const client = rawClient();
    const route = await routeOf(client, server.nameServers, 'TBW102');
    expect(route?.brokerDatas[0]?.brokerAddrs[0]).toMatch(/^localhost:\d+$/);
    await sendTo(client, server.brokerAddress);
    const [record] = readRecords((await pullFrom(client, server.brokerAddress)).body);
    expect(record?.storeHost).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('can be a transport that never leaves the process', async () => {
    const transport = createMemoryTransport();
    const server = await runningServer({ transport, store: 'memory' });
    const client = rawClient(transport);
    expect(await sendTo(client, server.brokerAddress)).toMatchObject({ code: 0 });
    expect(readRecords((await pullFrom(client, server.brokerAddress)).body).length).toBe(1);
    await waitFor(() => routeOf(client, server.nameServers, 'orders'), { what: 'a route' });
  });

  test('a broker in memory registers over TCP with a name server elsewhere', async () => {
    const home = await runningServer();
    const transport = createMemoryTransport();
    await runningServer({ transport, store: 'memory', brokerName: 'broker-m', nameServers: home.nameServers });
    const route = await routeOf(rawClient(), home.nameServers, 'TBW102');
    expect(route?.queueDatas.map(({ brokerName }) => brokerName)).toContain('broker-m');
  });
});

describe('a store that refuses', () => {
  test('is answered with Apache’s code and words, and reads go on', async () => {
    const files = createMemoryStoreFiles(3 * 1024 * 1024);
    const server = await runningServer({ store: { ...SMALL_STORE, files }, dir: '/data' });
    const client = rawClient();
    const body = 'x'.repeat(200_000);
    let refused = await sendTo(client, server.brokerAddress, { body });
    expect(refused.code).toBe(0);
    for (let n = 0; n < 40 && refused.code === 0; n++) refused = await sendTo(client, server.brokerAddress, { body });
    expect(refused).toMatchObject({ code: 14, ext: { MSG_REGION: 'DefaultRegion' } });
    expect(refused.remark).toMatch(
      /^service not available now\. It may be caused by one of the following reasons: the broker's disk is full/,
    );
    expect(server.refusal).toBeTypeOf('string');
    expect((await pullFrom(client, server.brokerAddress)).code).toBe(0);
  });

  test('a body that is too large is illegal', async () => {
    const server = await runningServer({ store: { ...SMALL_STORE, maxMessageSize: 100 } });
    const refused = await sendTo(rawClient(), server.brokerAddress, { body: 'x'.repeat(101) });
    expect(refused).toMatchObject({ code: 13, remark: expect.stringContaining('msg body length limit 100B') });
  });
});

test('closing twice is fine, and afterwards nothing listens and nothing is held', async () => {
  const dir = mkdtempSync(join(tempDir(), 'data-'));
  const server = await runningServer({ dir });
  await sendTo(rawClient(), server.brokerAddress);
  await Promise.all([server.close(), server.close()]);
  const client = rawClient();
  await expect(sendTo(client, server.brokerAddress)).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
  await expect(invoke(client, server.nameServers, 106)).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
});

test('statistics count what happens', async () => {
  const server = await runningServer();
  const client = rawClient();
  await sendTo(client, server.brokerAddress);
  const { statistics } = server;
  expect(statistics).toMatchObject({
    store: { messagesPut: 1 },
    broker: { consumerGroups: 0, producerGroups: 0, heldPulls: 0 },
    refusedConnections: 0,
    invalidFrames: 0,
  });
  expect(statistics.connections).toBe(2);
});
