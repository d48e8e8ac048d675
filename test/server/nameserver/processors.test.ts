import { describe, expect, test } from 'vitest';
import { decodeClusterInfo } from '../../../core/remoting/protocol/cluster-info.js';
import { decodeKVTable } from '../../../core/remoting/protocol/kv-table.js';
import { encodeRegisterBrokerBody, registerBrokerCrc } from '../../../core/remoting/protocol/register-broker-body.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { topicConfig } from '../../../core/server/broker/topics/topic-config.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, bodyText, FakeConnection, request } from '../kit/requests.js';

const BROKER = {
  brokerName: 'broker-ä',
  brokerAddr: '10.0.0.1:10911',
  clusterName: 'C',
  haServerAddr: '10.0.0.1:10912',
  brokerId: 0,
};

function registerRequest({
  compressed = false,
  version = 407,
  crc,
}: {
  compressed?: boolean;
  version?: number;
  crc?: number;
} = {}) {
  const body = encodeRegisterBrokerBody(
    {
      topicConfigSerializeWrapper: {
        topicConfigTable: new Map([['orders', topicConfig('orders', 4)]]),
        dataVersion: { timestamp: 7, counter: 3 },
      },
      filterServerList: [],
    },
    { compressed, version },
  );
  const ext = { ...BROKER, compressed, bodyCrc32: crc ?? registerBrokerCrc(body) };
  return request(RequestCode.REGISTER_BROKER, ext, body, { version });
}

async function registered(options: { orderMessageEnable?: boolean } = {}): Promise<ServerParts> {
  const parts = serverParts({}, options);
  expect(await answerTo(parts.nameServer, registerRequest())).toMatchObject({ code: 0 });
  return parts;
}

function query(parts: ServerParts, code: number, ext: ExtInput = {}, version = 407) {
  return answerTo(parts.nameServer, request(code, ext, '', { version }));
}

describe('a broker registers', () => {
  test.each([
    { compressed: false, version: 407 },
    { compressed: true, version: 407 },
    { compressed: true, version: 413 },
    { compressed: true, version: 513 },
    { compressed: false, version: 407, crc: 0 },
  ])('with %j', async (form) => {
    const parts = serverParts();
    const response = await answerTo(parts.nameServer, registerRequest(form));
    expect(response.code).toBe(0);
    expect(response.body).toBeUndefined();
    expect(parts.routes.route('orders')?.queues[0]).toMatchObject({ writeQueueNums: 4, perm: 6 });
  });

  test('but not with a body that was damaged on its way', async () => {
    const parts = serverParts();
    expect(await answerTo(parts.nameServer, registerRequest({ crc: 12 }))).toMatchObject({
      code: 1,
      remark: 'crc32 not match',
    });
    expect(parts.routes.topics).toEqual([]);
    const nonsense = request(RequestCode.REGISTER_BROKER, { ...BROKER, compressed: true }, 'no zlib');
    await expect(answerTo(parts.nameServer, nonsense)).rejects.toThrow('compressed');
  });

  test('and is told which topics are ordered', async () => {
    const parts = serverParts();
    const kv = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders', value: 'broker-ä:4' };
    await query(parts, RequestCode.PUT_KV_CONFIG, kv);
    const response = await answerTo(parts.nameServer, registerRequest());
    expect(decodeKVTable(Buffer.from(bodyText(response)))).toEqual(new Map([['orders', 'broker-ä:4']]));
  });

  test('and is told in the log that another of its name is alive', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const parts = serverParts({}, { logger });
    await answerTo(parts.nameServer, registerRequest());
    await answerTo(parts.nameServer, registerRequest());
    expect(warnings).toEqual([]);
    const namesake = { ...BROKER, brokerAddr: '10.9.9.9:10911', dataVersion: { timestamp: 0, counter: 0 }, topics: [] };
    parts.routes.register(namesake, new FakeConnection(), 0);
    await answerTo(parts.nameServer, registerRequest());
    expect(warnings).toEqual([
      expect.stringMatching(/and 10\.9\.9\.9:10911 both call themselves .*a name of its own$/),
    ]);
  });

  test('and unregisters', async () => {
    const parts = await registered();
    expect(await query(parts, RequestCode.UNREGISTER_BROKER, BROKER)).toEqual({ code: 0 });
    expect(parts.routes.topics).toEqual([]);
  });

  test('and asks whether it has to again', async () => {
    const parts = await registered();
    const ask = (counter: number) =>
      answerTo(
        parts.nameServer,
        request(RequestCode.QUERY_DATA_VERSION, BROKER, `{"counter":${counter},"timestamp":7}`),
      );
    expect(await ask(3)).toMatchObject({ code: 0, ext: { changed: false } });
    const changed = await ask(4);
    expect(changed.ext).toEqual({ changed: true });
    expect(JSON.parse(bodyText(changed))).toEqual({ counter: 3, timestamp: 7 });
  });
});

describe('a route', () => {
  const QUOTED = '"brokerAddrs":{"0":"10.0.0.1:10911"}';
  const UNQUOTED = '"brokerAddrs":{0:"10.0.0.1:10911"}';

  test.each([
    { version: 401, standard: undefined, keys: QUOTED, name: 'broker-\\u00e4' },
    { version: 400, standard: undefined, keys: UNQUOTED, name: 'broker-ä' },
    { version: 317, standard: true, keys: QUOTED, name: 'broker-\\u00e4' },
    { version: 317, standard: false, keys: UNQUOTED, name: 'broker-ä' },
  ])('is written for version $version, acceptStandardJsonOnly $standard', async ({ version, standard, keys, name }) => {
    const parts = await registered();
    const ext = { topic: 'orders', acceptStandardJsonOnly: standard };
    const body = bodyText(await query(parts, RequestCode.GET_ROUTEINFO_BY_TOPIC, ext, version));
    expect(body).toContain(keys);
    expect(body).toContain(`"brokerName":"${name}"`);
    expect(body).toContain('"filterServerTable":{}');
    expect(body).not.toContain('orderTopicConf');
  });

  test('that there is not is said in two lines', async () => {
    const parts = await registered();
    expect(await query(parts, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: 'nothing' })).toEqual({
      code: 17,
      remark:
        'No topic route info in name server for the topic: nothing\nSee http://rocketmq.apache.org/docs/faq/ for further details.',
    });
  });

  test('carries its order configuration where that is switched on', async () => {
    for (const orderMessageEnable of [true, false]) {
      const parts = await registered({ orderMessageEnable });
      const kv = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders', value: 'broker-a:4' };
      await query(parts, RequestCode.PUT_KV_CONFIG, kv);
      const body = bodyText(await query(parts, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: 'orders' }));
      expect(JSON.parse(body).orderTopicConf).toBe(orderMessageEnable ? 'broker-a:4' : undefined);
    }
  });
});

describe('lists', () => {
  test('of the cluster always have bare numbers as keys', async () => {
    const parts = await registered();
    const body = bodyText(await query(parts, RequestCode.GET_BROKER_CLUSTER_INFO, {}, 407));
    expect(body).toContain('"brokerAddrs":{0:"10.0.0.1:10911"}');
    const info = decodeClusterInfo(Buffer.from(body));
    expect(info.clusterAddrTable.get('C')).toEqual(['broker-ä']);
  });

  test('of topics: all, of a cluster, of the system', async () => {
    const parts = await registered();
    const list = async (code: number, ext: ExtInput = {}) => JSON.parse(bodyText(await query(parts, code, ext)));
    expect(await list(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)).toEqual({ topicList: ['orders'] });
    expect(await list(RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: 'C' })).toEqual({ topicList: ['orders'] });
    expect(await list(RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: 'D' })).toEqual({ topicList: [] });
    expect(await list(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)).toEqual({
      topicList: ['C', 'broker-ä'],
      brokerAddr: '10.0.0.1:10911',
    });
  });
});

describe('key and value', () => {
  const KEY = { namespace: 'ns', key: '__proto__' };

  test('are put, read, listed and deleted', async () => {
    const parts = serverParts();
    expect(await query(parts, RequestCode.PUT_KV_CONFIG, { ...KEY, value: 'v' })).toEqual({ code: 0 });
    expect(await query(parts, RequestCode.GET_KV_CONFIG, KEY)).toEqual({ code: 0, ext: { value: 'v' } });
    const list = await query(parts, RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: 'ns' });
    expect(decodeKVTable(Buffer.from(bodyText(list)))).toEqual(new Map([['__proto__', 'v']]));
    expect(await query(parts, RequestCode.DELETE_KV_CONFIG, KEY)).toEqual({ code: 0 });
    expect(await query(parts, RequestCode.GET_KV_CONFIG, KEY)).toEqual({
      code: 22,
      remark: 'No config item, Namespace: ns Key: __proto__',
    });
    expect(await query(parts, RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: 'other' })).toEqual({
      code: 22,
      remark: 'No config item, Namespace: other',
    });
  });

  test('survive a restart, also one that tore the file', async () => {
    const parts = serverParts();
    await query(parts, RequestCode.PUT_KV_CONFIG, { ...KEY, value: 'v' });
    const text = parts.store.configs.get('kvConfig.json')!;
    parts.store.configs.set('kvConfig.json', text.slice(0, 20));
    parts.store.configs.set('kvConfig.json.bak', text);
    const later = serverParts({}, { store: parts.store });
    await later.loadNameServer();
    expect(await query(later, RequestCode.GET_KV_CONFIG, KEY)).toEqual({ code: 0, ext: { value: 'v' } });
  });

  test('are kept in memory when they cannot be saved', async () => {
    const parts = serverParts();
    parts.store.failWrites = true;
    expect(await query(parts, RequestCode.PUT_KV_CONFIG, { ...KEY, value: 'v' })).toEqual({ code: 0 });
    expect(await query(parts, RequestCode.GET_KV_CONFIG, KEY)).toMatchObject({ ext: { value: 'v' } });
  });
});

test('write permission of a broker is wiped and added, and counted', async () => {
  const parts = await registered();
  const { brokerName } = BROKER;
  expect(await query(parts, RequestCode.WIPE_WRITE_PERM_OF_BROKER, { brokerName })).toEqual({
    code: 0,
    ext: { wipeTopicCount: 1 },
  });
  expect(parts.routes.route('orders')?.queues[0]?.perm).toBe(4);
  expect(await query(parts, RequestCode.ADD_WRITE_PERM_OF_BROKER, { brokerName })).toEqual({
    code: 0,
    ext: { addTopicCount: 1 },
  });
});

test('a broker whose connection closes is out of the routes at once', async () => {
  const parts = serverParts();
  const connection = new FakeConnection();
  await answerTo(parts.nameServer, registerRequest(), connection);
  connection.close();
  expect(await query(parts, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: 'orders' })).toMatchObject({ code: 17 });
});
