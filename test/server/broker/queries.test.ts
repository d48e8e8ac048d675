import { describe, expect, test } from 'vitest';
import { encodeHost } from '../../../core/message/host.js';
import { readRecord, recordSize, writeRecord } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { decodeKVTable } from '../../../core/remoting/protocol/kv-table.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { decodeTopicConfigTable } from '../../../core/remoting/protocol/topic-config.js';
import { decodeTopicList } from '../../../core/remoting/protocol/topic-list.js';
import { decodeTopicStatsTable } from '../../../core/remoting/protocol/topic-stats.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, bodyText, request } from '../kit/requests.js';

/** A record as a store has it. */
function recordBytes(): Buffer {
  const fields = {
    queueId: 1,
    flag: 0,
    queueOffset: 7,
    physicalOffset: 1_234,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: encodeHost('127.0.0.1:50000'),
    storeTimestamp: 0,
    storeHost: encodeHost('127.0.0.1:10911'),
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from('hello'),
    topic: Buffer.from('orders'),
    properties: encodeProperties({ TAGS: 'TagA' }),
  };
  const bytes = Buffer.alloc(recordSize(fields));
  writeRecord(bytes, 0, fields);
  return bytes;
}

const QUEUE = { topic: 'orders', queueId: 1 };

function query(parts: ServerParts, code: number, ext: ExtInput = {}) {
  return answerTo(parts.broker, request(code, ext));
}

describe('consumer offsets', () => {
  const asked = { ...QUEUE, consumerGroup: 'G' };

  test('are given back as they were committed, also when they went back', async () => {
    const parts = serverParts();
    parts.topics.createPlain(QUEUE.topic, 4, 0);
    for (const commitOffset of [9, 4]) {
      expect(await query(parts, RequestCode.UPDATE_CONSUMER_OFFSET, { ...asked, commitOffset })).toMatchObject({
        code: 0,
      });
      expect(await query(parts, RequestCode.QUERY_CONSUMER_OFFSET, asked)).toEqual({
        code: 0,
        ext: { offset: commitOffset },
      });
    }
    const all = await query(parts, RequestCode.GET_ALL_CONSUMER_OFFSET);
    expect(JSON.parse(bodyText(all))).toEqual({ offsetTable: { 'orders@G': { 1: 4 } } });
  });

  test('are not taken of a topic that is not there', async () => {
    const refusal = { code: 17, remark: 'Topic orders not exist!' };
    const commit = { ...asked, commitOffset: 9 };
    expect(await query(serverParts(), RequestCode.UPDATE_CONSUMER_OFFSET, commit)).toMatchObject(refusal);
  });

  test('are 0 for a new group on a young topic, so that it starts with the first message', async () => {
    const parts = serverParts();
    expect(await query(parts, RequestCode.QUERY_CONSUMER_OFFSET, asked)).toEqual({ code: 0, ext: { offset: 0 } });
  });

  test.each([
    { min: 5, cold: false },
    { min: 0, cold: true },
  ])('are not found for a new group on an old topic: %j', async ({ min, cold }) => {
    const parts = serverParts();
    Object.assign(parts.store, { min, cold });
    expect(await query(parts, RequestCode.QUERY_CONSUMER_OFFSET, asked)).toEqual({
      code: 22,
      remark: 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
      ext: {},
    });
  });

  test('survive in consumerOffset.json, in the shape that Apache writes', async () => {
    const parts = serverParts();
    parts.offsets.commit('G', 'orders', 1, 4);
    parts.offsets.commit('G', 'orders', 0, 2 ** 53 - 1);
    await parts.offsets.save();
    await parts.offsets.save();
    expect(parts.store.writes).toEqual(['consumerOffset.json']);
    const later = serverParts({}, { store: parts.store });
    await later.offsets.load();
    expect([later.offsets.query('G', 'orders', 1), later.offsets.query('G', 'orders', 0)]).toEqual([4, 2 ** 53 - 1]);
    later.store.configs.set('consumerOffset.json', '{"offsetTable":{"orders@G":{0:7,');
    later.store.configs.set('consumerOffset.json.bak', '{"offsetTable":{"orders@G":{0:6,1:3}}}');
    const last = serverParts({}, { store: later.store });
    await last.offsets.load();
    expect([last.offsets.query('G', 'orders', 0), last.offsets.query('G', 'orders', 1)]).toEqual([6, 3]);
  });

  test('are saved again after a save that failed', async () => {
    const parts = serverParts();
    parts.offsets.commit('G', 'orders', 1, 4);
    parts.store.failWrites = true;
    await parts.offsets.save();
    parts.store.failWrites = false;
    await parts.offsets.save();
    expect(parts.store.configs.get('consumerOffset.json')).toContain('orders@G');
  });
});

describe('a queue', () => {
  test('tells where it begins and ends, by offset and by time', async () => {
    const parts = serverParts();
    Object.assign(parts.store, { min: 2, max: 8 });
    expect(await query(parts, RequestCode.GET_MIN_OFFSET, QUEUE)).toEqual({ code: 0, ext: { offset: 2 } });
    expect(await query(parts, RequestCode.GET_MAX_OFFSET, QUEUE)).toEqual({ code: 0, ext: { offset: 8 } });
    const search = { ...QUEUE, timestamp: 5_000 };
    expect(await query(parts, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, search)).toEqual({ code: 0, ext: { offset: 7 } });
    // As clients of 5.x ask; the fake store tells the boundaries apart.
    for (const [boundaryType, offset] of [
      ['LOWER', 8],
      ['lower', 8],
      ['UPPER', 9],
      ['', 7],
    ] as const) {
      const asked = { ...search, boundaryType };
      expect(await query(parts, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, asked)).toEqual({ code: 0, ext: { offset } });
    }
    const earliest = await query(parts, RequestCode.GET_EARLIEST_MSG_STORETIME, QUEUE);
    expect(earliest).toEqual({ code: 0, ext: { timestamp: 1_700_000_000_002 } });
  });

  test('without messages has no earliest', async () => {
    const parts = serverParts();
    expect(await query(parts, RequestCode.GET_EARLIEST_MSG_STORETIME, QUEUE)).toEqual({
      code: 0,
      ext: { timestamp: -1 },
    });
  });

  test('wants its topic and number', async () => {
    const parts = serverParts();
    for (const ext of [{ topic: 'orders' }, { queueId: 1 }, { ...QUEUE, queueId: 'one' }]) {
      await expect(query(parts, RequestCode.GET_MAX_OFFSET, ext)).rejects.toThrow('header field');
    }
  });
});

describe('messages by a key', () => {
  const asked = { topic: 'orders', key: 'k', maxNum: 5, beginTimestamp: 1, endTimestamp: 2n ** 63n - 1n };

  test('are their records, with how far the index is', async () => {
    const parts = serverParts();
    parts.store.queryResult = {
      records: [Buffer.from('one '), Buffer.from('two')],
      indexLastUpdateTimestamp: 7,
      indexLastUpdateOffset: 8,
    };
    const response = await query(parts, RequestCode.QUERY_MESSAGE, asked);
    expect([response.code, bodyText(response)]).toEqual([0, 'one two']);
    expect(response.ext).toEqual({ indexLastUpdateTimestamp: 7, indexLastUpdatePhyoffset: 8 });
    expect(parts.store.queries).toEqual([{ topic: 'orders', key: 'k', messagesMax: 5, begin: 1, end: 2 ** 63 }]);
  });

  test('are 64 at most, and by a unique key 32 whatever was asked for', async () => {
    const parts = serverParts();
    await query(parts, RequestCode.QUERY_MESSAGE, { ...asked, maxNum: 1_000 });
    await query(parts, RequestCode.QUERY_MESSAGE, { ...asked, _UNIQUE_KEY_QUERY: 'true' });
    await query(parts, RequestCode.QUERY_MESSAGE, { ...asked, _UNIQUE_KEY_QUERY: 'false' });
    expect(parts.store.queries.map(({ messagesMax }) => messagesMax)).toEqual([64, 32, 5]);
  });

  test('that nothing has are not found', async () => {
    expect(await query(serverParts(), RequestCode.QUERY_MESSAGE, asked)).toEqual({
      code: 22,
      remark: 'can not find message, maybe time range not correct',
      ext: { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 },
    });
  });
});

describe('a message by its place', () => {
  test('is its record', async () => {
    const parts = serverParts();
    const bytes = recordBytes();
    parts.store.records.set(1_234, readRecord(Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]), 6));
    const response = await query(parts, RequestCode.VIEW_MESSAGE_BY_ID, { offset: 1_234 });
    expect(response).toEqual({ code: 0, body: bytes });
  });

  test('or an error with the offset', async () => {
    expect(await query(serverParts(), RequestCode.VIEW_MESSAGE_BY_ID, { offset: 7 })).toEqual({
      code: 1,
      remark: 'can not find message by the offset, 7',
    });
  });
});

describe('topics', () => {
  const CREATE = {
    topic: 'orders',
    defaultTopic: 'TBW102',
    readQueueNums: 3,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  };

  test('are created and changed by request, and are on the disk then', async () => {
    const parts = serverParts();
    expect(await query(parts, RequestCode.UPDATE_AND_CREATE_TOPIC, CREATE)).toEqual({ code: 0 });
    expect(parts.store.configs.get('topics.json')).toContain('"orders"');
    expect(parts.topics.table.dataVersion).toEqual({ counter: 1, timestamp: parts.clock.now() });
    await query(parts, RequestCode.UPDATE_AND_CREATE_TOPIC, { ...CREATE, perm: 4, order: true });
    expect(parts.topics.find('orders')).toMatchObject({ readQueueNums: 3, writeQueueNums: 2, perm: 4, order: true });
    expect(parts.topics.table.dataVersion.counter).toBe(2);
  });

  test.each([
    ['', 'The specified topic is blank.'],
    ['no good', 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'],
    ['x'.repeat(128), 'The specified topic is longer than topic max length.'],
    ['TBW102', 'The topic[TBW102] is conflict with system topic.'],
    ['DefaultCluster', 'The topic[DefaultCluster] is conflict with system topic.'],
    ['rmq_sys_anything', 'The topic[rmq_sys_anything] is conflict with system topic.'],
  ])('cannot have the name %j', async (topic, remark) => {
    const parts = serverParts();
    expect(await query(parts, RequestCode.UPDATE_AND_CREATE_TOPIC, { ...CREATE, topic })).toEqual({ code: 1, remark });
    expect(parts.store.writes).toEqual([]);
  });

  test.each([{ readQueueNums: -1 }, { writeQueueNums: 65_537 }])('cannot have %j', async (queues) => {
    const response = await query(serverParts(), RequestCode.UPDATE_AND_CREATE_TOPIC, { ...CREATE, ...queues });
    expect(response).toMatchObject({ code: 1, remark: expect.stringContaining('0 to 65536 are allowed') });
  });

  test('are listed with their version', async () => {
    const parts = serverParts();
    const table = decodeTopicConfigTable(bodyText(await query(parts, RequestCode.GET_ALL_TOPIC_CONFIG)));
    const summary = [...table.topicConfigTable.values()].map(
      ({ topicName, readQueueNums, writeQueueNums, perm }) => [topicName, readQueueNums, writeQueueNums, perm] as const,
    );
    expect(summary.sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['BenchmarkTest', 1024, 1024, 6],
      ['DefaultCluster', 16, 16, 7],
      ['DefaultCluster_REPLY_TOPIC', 1, 1, 6],
      ['OFFSET_MOVED_EVENT', 1, 1, 6],
      ['SCHEDULE_TOPIC_XXXX', 18, 18, 6],
      ['SELF_TEST_TOPIC', 1, 1, 6],
      ['TBW102', 8, 8, 7],
      ['broker-a', 1, 1, 7],
    ]);
    expect(table.dataVersion).toEqual({ counter: 0, timestamp: parts.clock.now() });
  });

  test('that start with the broker follow its settings', () => {
    const { topics } = serverParts({
      autoCreateTopicEnable: false,
      clusterTopicEnable: false,
      brokerTopicEnable: false,
      traceTopicEnable: true,
    });
    expect(topics.find('TBW102')).toBeUndefined();
    expect(topics.find('DefaultCluster')?.perm).toBe(1);
    expect(topics.find('broker-a')?.perm).toBe(1);
    expect(topics.find('RMQ_SYS_TRACE_TOPIC')).toMatchObject({ writeQueueNums: 1, perm: 6 });
  });

  test('of the system are listed', async () => {
    const body = bodyText(await query(serverParts(), RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER));
    const { topicList } = decodeTopicList(Buffer.from(body));
    expect(topicList).toEqual(
      expect.arrayContaining(['TBW102', 'broker-a', 'DefaultCluster', 'RMQ_SYS_TRANS_HALF_TOPIC']),
    );
    expect(topicList).not.toContain('orders');
  });

  test('tell for each queue where it begins, ends, and when the last message came', async () => {
    const parts = serverParts();
    parts.topics.createPlain('orders', 2, 0);
    Object.assign(parts.store, { min: 2, max: 8 });
    const body = bodyText(await query(parts, RequestCode.GET_TOPIC_STATS_INFO, { topic: 'orders' }));
    const stats = { minOffset: 2, maxOffset: 8, lastUpdateTimestamp: 1_700_000_000_007 };
    expect([...decodeTopicStatsTable(Buffer.from(body))]).toEqual([
      [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, stats],
      [{ topic: 'orders', brokerName: 'broker-a', queueId: 1 }, stats],
    ]);
    expect(await query(parts, RequestCode.GET_TOPIC_STATS_INFO, { topic: 'nothing' })).toEqual({
      code: 17,
      remark: 'topic[nothing] not exist',
    });
  });

  test('come back as they were saved, with what only Apache knows of them', async () => {
    const parts = serverParts();
    const attributes = { 'message.type': 'FIFO' };
    const saved = { topicConfigTable: { orders: { topicName: 'orders', readQueueNums: 3, attributes } } };
    parts.store.configs.set('topics.json', JSON.stringify({ ...saved, dataVersion: { counter: 41, timestamp: 7 } }));
    await parts.topics.load();
    expect(parts.topics.table.dataVersion).toEqual({ counter: 41, timestamp: 7 });
    expect(parts.topics.find('orders')).toMatchObject({ readQueueNums: 3, writeQueueNums: 16, perm: 6, attributes });
    await parts.topics.update({ ...parts.topics.find('orders')!, readQueueNums: 4 });
    expect(JSON.parse(parts.store.configs.get('topics.json')!)).toMatchObject({
      topicConfigTable: { orders: { readQueueNums: 4, attributes } },
      dataVersion: { counter: 42 },
    });
  });

  test('are ordered where a name server says so', async () => {
    const parts = serverParts();
    parts.topics.createPlain('orders', 2, 0);
    parts.topics.setOrderTopics(new Set(['orders', 'unknown']));
    expect(parts.topics.find('orders')?.order).toBe(true);
    const { dataVersion } = parts.topics.table;
    parts.topics.setOrderTopics(new Set(['orders']));
    expect(parts.topics.table.dataVersion).toEqual(dataVersion);
    parts.topics.setOrderTopics(new Set());
    expect(parts.topics.find('orders')?.order).toBe(false);
  });
});

describe('consumer groups', () => {
  test('that Apache predefines are there; others are created with its defaults and saved', async () => {
    const parts = serverParts();
    expect(parts.groups.table.subscriptionGroupTable.has('TOOLS_CONSUMER')).toBe(true);
    expect(parts.groups.find('G')).toEqual({
      groupName: 'G',
      consumeEnable: true,
      consumeFromMinEnable: true,
      consumeBroadcastEnable: true,
      retryQueueNums: 1,
      retryMaxTimes: 16,
      brokerId: 0,
      whichBrokerWhenConsumeSlowly: 1,
      notifyConsumerIdsChangedEnable: true,
    });
    await parts.groups.flush();
    expect(JSON.parse(parts.store.configs.get('subscriptionGroup.json')!)).toMatchObject({
      subscriptionGroupTable: { G: { retryMaxTimes: 16 }, TOOLS_CONSUMER: {} },
      dataVersion: { counter: 1 },
    });
  });
});

describe('the broker', () => {
  test('tells how it does, every value a text', async () => {
    const parts = serverParts();
    await parts.clock.advance(93_784_000);
    const body = bodyText(await query(parts, RequestCode.GET_BROKER_RUNTIME_INFO));
    expect(Object.values(JSON.parse(body).table).every((value) => typeof value === 'string')).toBe(true);
    const table = Object.fromEntries(decodeKVTable(Buffer.from(body)));
    expect(table).toMatchObject({
      brokerVersionDesc: 'V4_9_7',
      brokerVersion: '407',
      runtime: '[ 1 days, 2 hours, 3 minutes, 4 seconds ]',
      msgPutTotalTodayNow: '18',
      putMessageFailedTimes: '2',
      putMessageAverageSize: String(4_225 / 18),
      commitLogMaxOffset: '4225',
      remainHowManyDataToFlush: '225 B',
      earliestMessageTimeStamp: '1700000000000',
      commitLogDiskRatio: '0.16',
      sendThreadPoolQueueSize: '0',
      putTps: '  ',
    });
  });

  test('tells 5.x tools that it has no slaves', async () => {
    const response = await query(serverParts(), RequestCode.GET_BROKER_HA_STATUS);
    expect(JSON.parse(bodyText(response))).toEqual({
      master: true,
      masterCommitLogMaxOffset: 4_225,
      inSyncSlaveNums: 0,
      haConnectionInfo: [],
    });
  });

  test('tells its settings as a properties file', async () => {
    const parts = serverParts({ storePathRootDir: 'C:\\data\nx' });
    const response = await query(parts, RequestCode.GET_BROKER_CONFIG);
    expect(JSON.parse(String(response.ext?.version))).toEqual({ counter: 0, timestamp: parts.clock.now() });
    const lines = bodyText(response).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'brokerClusterName=DefaultCluster',
        'brokerName=broker-a',
        'brokerIP1=127.0.0.1',
        'listenPort=10911',
        'haListenPort=10912',
        'autoCreateTopicEnable=true',
        'maxMessageSize=4194304',
        'timerWheelEnable=true',
        'slaveReadEnable=false',
        'useTLS=false',
        'storePathRootDir=C:\\\\data\\nx',
      ]),
    );
    expect(lines.at(-1)).toBe('');
  });
});
