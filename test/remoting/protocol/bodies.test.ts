import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeClusterInfo } from '../../../core/remoting/protocol/cluster-info.js';
import { sameDataVersion } from '../../../core/remoting/protocol/data-version.js';
import { decodeHeartbeatData } from '../../../core/remoting/protocol/heartbeat-data.js';
import { knownLanguageCode, languageCodeOf, languageName } from '../../../core/remoting/protocol/language-codes.js';
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
  type RegisterBrokerBody,
  registerBrokerCrc,
} from '../../../core/remoting/protocol/register-broker-body.js';
import { parseTagExpression } from '../../../core/remoting/protocol/subscription-data.js';
import { decodeTopicRouteBody, encodeTopicRouteBody } from '../../../core/remoting/protocol/topic-route-body.js';
import { decodeTopicStatsTable } from '../../../core/remoting/protocol/topic-stats.js';

const invalid = (text: RegExp) =>
  expect.objectContaining({ code: 'RMQ_BODY_INVALID', message: expect.stringMatching(text) });

const topic = (topicName: string, perm = 6) => ({
  topicName,
  readQueueNums: 8,
  writeQueueNums: 4,
  perm,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
});

const registration: RegisterBrokerBody = {
  topicConfigSerializeWrapper: {
    dataVersion: { timestamp: 1_700_000_000_000, counter: 3 },
    topicConfigTable: new Map([
      ['TopicA', topic('TopicA')],
      ['__proto__', topic('__proto__', 2)],
    ]),
  },
  filterServerList: ['10.0.0.9:1'],
};

test('a registration reads back from each of its forms', () => {
  for (const form of [
    { compressed: false, version: 407 },
    { compressed: true, version: 407 },
    { compressed: true, version: 413 },
  ]) {
    expect(decodeRegisterBrokerBody(encodeRegisterBrokerBody(registration, form), form)).toEqual(registration);
  }
});

test('attributes and static topics of a 5.x broker read back', () => {
  const form = { compressed: true, version: 513 };
  const { topicConfigSerializeWrapper } = registration;
  const modern: RegisterBrokerBody = {
    ...registration,
    topicConfigSerializeWrapper: {
      ...topicConfigSerializeWrapper,
      dataVersion: { timestamp: 1, counter: 2, stateVersion: 5 },
      topicConfigTable: new Map([['T', { ...topic('T'), attributes: { 'message.type': 'FIFO' } }]]),
      topicQueueMappingInfoMap: new Map([['T', { topic: 'T', totalQueues: 4 }]]),
    },
  };
  for (const compressed of [true, false]) {
    const read = decodeRegisterBrokerBody(encodeRegisterBrokerBody(modern, { ...form, compressed }), {
      ...form,
      compressed,
    });
    expect(read).toEqual(modern);
  }
});

test('a compressed registration that is damaged, or too large, is refused', () => {
  const form = { compressed: true, version: 407 };
  const whole = encodeRegisterBrokerBody(registration, form);
  for (let end = 0; end < whole.length; end += 3) {
    expect(() => decodeRegisterBrokerBody(whole.subarray(0, end), form)).toThrow(invalid(/registration/));
  }
  const i32 = (value: number) => Buffer.from(new Uint8Array([value >> 24, value >> 16, value >> 8, value]));
  const text = (content: string) => Buffer.concat([i32(content.length), Buffer.from(content)]);
  const body = (...parts: Buffer[]) => deflateSync(Buffer.concat(parts));
  expect(() => decodeRegisterBrokerBody(body(i32(-1)), form)).toThrow(invalid(/leads out/));
  expect(() => decodeRegisterBrokerBody(body(text('{}'), i32(0x7fffffff)), form)).toThrow(invalid(/too early/));
  expect(() => decodeRegisterBrokerBody(body(text('{}'), i32(1), text('T 8 8')), form)).toThrow(invalid(/no topic/));
  expect(() => decodeRegisterBrokerBody(deflateSync(Buffer.alloc(65 * 1024 * 1024)), form)).toThrow(
    invalid(/decompressed/),
  );
});

test('the CRC of a registration is a positive 31-bit number', () => {
  expect(registerBrokerCrc(Buffer.from('hello'))).toBe(907_060_870);
});

test('versions of a table are compared by what they say', () => {
  expect(sameDataVersion({ timestamp: 1, counter: 2 }, { timestamp: 1, counter: 2, stateVersion: 0 })).toBe(true);
  expect(sameDataVersion({ timestamp: 1, counter: 2 }, { timestamp: 1, counter: 3 })).toBe(false);
});

test('routes carry order topics, and any broker id', () => {
  const route = {
    orderTopicConf: 'b:4',
    queueDatas: [{ brokerName: 'b', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
    brokerDatas: [{ cluster: 'C', brokerName: 'bé', brokerAddrs: { 0: '1.2.3.4:10911', 7: '[::1]:2' } }],
  };
  expect(decodeTopicRouteBody(encodeTopicRouteBody(route))).toEqual(route);
  expect(encodeTopicRouteBody(route).toString()).toContain('"0":"1.2.3.4:10911"');
  expect(encodeTopicRouteBody(route).toString()).toContain('b\\u00e9');
  const old = encodeTopicRouteBody(route, { standardJson: false });
  expect(old.toString()).toContain('{0:"1.2.3.4:10911",7:"[::1]:2"}');
  expect(decodeTopicRouteBody(old)).toEqual(route);
});

test('what is missing is as Java has it, what is of another type is named', () => {
  expect(decodeTopicRouteBody(Buffer.from('{}'))).toEqual({ queueDatas: [], brokerDatas: [] });
  expect(decodeHeartbeatData(Buffer.from('{"clientID":null}'))).toEqual({
    clientID: '',
    producerDataSet: [],
    consumerDataSet: [],
  });
  const wrong: [() => unknown, RegExp][] = [
    [() => decodeTopicRouteBody(Buffer.from('[]')), /TopicRouteData has to be an object/],
    [() => decodeTopicRouteBody(Buffer.from('{"queueDatas":{}}')), /queueDatas has to be an array, it is object/],
    [() => decodeTopicRouteBody(Buffer.from('{"queueDatas":[{"perm":"rw"}]}')), /queueDatas\.perm .* whole number/],
    [
      () => decodeTopicRouteBody(Buffer.from('{"brokerDatas":[{"brokerAddrs":{0:5}}]}')),
      /brokerAddrs has to be a string/,
    ],
    [
      () => decodeTopicRouteBody(Buffer.from('{"brokerDatas":[{"brokerAddrs":{{"a":1}:"x"}}]}')),
      /brokerAddrs has to be an object/,
    ],
    [
      () => decodeHeartbeatData(Buffer.from('{"consumerDataSet":[{"unitMode":"yes"}]}')),
      /unitMode has to be true or false/,
    ],
    [
      () => decodeHeartbeatData(Buffer.from('{"consumerDataSet":[{"messageModel":7}]}')),
      /messageModel has to be a string, it is number/,
    ],
    [() => decodeClusterInfo(Buffer.from('{"clusterAddrTable":{"C":"b"}}')), /clusterAddrTable.* array/],
    [() => decodeTopicStatsTable(Buffer.from('{"offsetTable":{"{}":{}}}')), /offsetTable has to be an object/],
    [() => decodeTopicStatsTable(Buffer.from('{"offsetTable":[1]}')), /offsetTable/],
    [() => decodeTopicStatsTable(Buffer.alloc(0)), /the end/],
  ];
  for (const [read, message] of wrong) expect(read).toThrow(invalid(message));
});

test('tag expressions are understood as Java understands them', () => {
  const all = { subString: '*', tagsSet: [], codeSet: [] };
  for (const expression of ['*', '', '  ', ' * ']) expect(parseTagExpression('T', expression, 1)).toMatchObject(all);
  const some = parseTagExpression('T', 'TagA || TagB||TagA', 1_700_000_000_000);
  expect(some).toEqual({
    topic: 'T',
    subString: 'TagA || TagB||TagA',
    tagsSet: ['TagA', 'TagB'],
    codeSet: [2598919, 2598920],
    subVersion: 1_700_000_000_000,
    expressionType: 'TAG',
    classFilterMode: false,
  });
  expect(() => parseTagExpression('T', ' || ', 1)).toThrow(
    expect.objectContaining({ code: 'RMQ_SUBSCRIPTION_INVALID', topic: 'T' }),
  );
});

test('languages have names, and those that nobody knows none', () => {
  expect([languageName(13), languageName(99), languageName(-1)]).toEqual(['NODE_JS', 'OTHER', 'OTHER']);
  expect([languageCodeOf('RUST'), languageCodeOf('toString'), languageCodeOf(5)]).toEqual([12, -1, -1]);
  expect([knownLanguageCode(13), knownLanguageCode(14), knownLanguageCode(-3)]).toEqual([13, -1, -1]);
});
