import { expect, test } from 'vitest';
import {
  decodeConsumerConnections,
  decodeProducerConnections,
  encodeConsumerConnections,
  encodeProducerConnections,
} from '../../../core/remoting/protocol/client-connections.js';
import { decodeClusterInfo, encodeClusterInfo } from '../../../core/remoting/protocol/cluster-info.js';
import { decodeConsumerList, encodeConsumerList } from '../../../core/remoting/protocol/consumer-list.js';
import {
  decodeConsumerOffsetTable,
  encodeConsumerOffsetTable,
} from '../../../core/remoting/protocol/consumer-offset-table.js';
import { decodeHeartbeatData, encodeHeartbeatData } from '../../../core/remoting/protocol/heartbeat-data.js';
import { parseJsonDialect, stringifyJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import { decodeKVTable, encodeKVTable } from '../../../core/remoting/protocol/kv-table.js';
import {
  decodeLockBatchRequest,
  decodeLockBatchResponse,
  encodeLockBatchRequest,
  encodeLockBatchResponse,
} from '../../../core/remoting/protocol/lock-batch.js';
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
} from '../../../core/remoting/protocol/register-broker-body.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import {
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupTable,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupTable,
} from '../../../core/remoting/protocol/subscription-group-config.js';
import { decodeTopicConfigTable, encodeTopicConfigTable } from '../../../core/remoting/protocol/topic-config.js';
import { decodeTopicList, encodeTopicList } from '../../../core/remoting/protocol/topic-list.js';
import { decodeTopicRouteBody, encodeTopicRouteBody } from '../../../core/remoting/protocol/topic-route-body.js';
import { decodeTopicStatsTable, encodeTopicStatsTable } from '../../../core/remoting/protocol/topic-stats.js';
import { goldenCommands, goldenStore } from '../../kit/golden.js';

const isJson = (body: Buffer) => body[0] === 0x7b || body[0] === 0x5b;
const commands = goldenCommands().filter(({ command }) => isJson(command.body));

function bodiesOf(requestCode: number, isResponse: boolean): Buffer[] {
  return commands
    .filter((one) => one.requestCode === requestCode && one.isResponse === isResponse)
    .map(({ command }) => command.body);
}

/** Reads every recorded body of a kind and expects that what is written again holds all of `except` what is named. */
function expectRoundTrip(bodies: readonly Buffer[], rewrite: (body: Buffer) => Buffer, ...except: string[]): void {
  expect(bodies.length).toBeGreaterThan(0);
  for (const body of bodies) {
    expect(parseJsonDialect(rewrite(body))).toEqual(without(parseJsonDialect(body), except));
  }
}

function without(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((element) => without(element, names));
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key, without(member, names)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !names.includes(name))
      .map(([name, member]) => [name, without(member, names)]),
  );
}

test('every recorded JSON body parses, and is the same after it was written again', () => {
  expect(commands).toHaveLength(306);
  for (const { command } of commands) {
    const value = parseJsonDialect(command.body);
    expect(parseJsonDialect(stringifyJsonDialect(value))).toEqual(value);
    expect(parseJsonDialect(stringifyJsonDialect(value, { indent: '\t', asciiOnly: true }))).toEqual(value);
  }
});

test('bodies that are standard JSON read as JSON.parse reads them', () => {
  let standard = 0;
  for (const { command } of commands) {
    let expected: unknown;
    try {
      expected = JSON.parse(command.body.toString());
    } catch {
      continue;
    }
    standard++;
    expect(parseJsonDialect(command.body)).toEqual(expected);
  }
  expect(standard).toBe(297);
});

test('heartbeats', () => {
  expectRoundTrip(bodiesOf(RequestCode.HEART_BEAT, false), (body) => encodeHeartbeatData(decodeHeartbeatData(body)));
});

test('routes, with quoted and with bare broker ids', () => {
  const routes = bodiesOf(RequestCode.GET_ROUTEINFO_BY_TOPIC, true);
  const rewrite = (standardJson: boolean) => (body: Buffer) =>
    encodeTopicRouteBody(decodeTopicRouteBody(body), { standardJson });
  expectRoundTrip(routes, rewrite(true), 'enableActingMaster');
  expectRoundTrip(routes, rewrite(false), 'enableActingMaster');
});

test('registrations', () => {
  const form = { compressed: false, version: 407 };
  const rewrite = (body: Buffer) => encodeRegisterBrokerBody(decodeRegisterBrokerBody(body, form), form);
  expectRoundTrip(bodiesOf(RequestCode.REGISTER_BROKER, false), rewrite);
});

test('cluster information, byte for byte', () => {
  const bodies = bodiesOf(RequestCode.GET_BROKER_CLUSTER_INFO, true);
  expect(bodies.length).toBeGreaterThan(0);
  for (const body of bodies) expect(encodeClusterInfo(decodeClusterInfo(body)).toString()).toBe(body.toString());
});

test('runtime information and lists of topics and consumers', () => {
  expectRoundTrip(bodiesOf(RequestCode.GET_BROKER_RUNTIME_INFO, true), (body) => encodeKVTable(decodeKVTable(body)));
  expectRoundTrip(bodiesOf(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, true), (body) =>
    encodeTopicList(decodeTopicList(body)),
  );
  expectRoundTrip(bodiesOf(RequestCode.GET_CONSUMER_LIST_BY_GROUP, true), (body) =>
    encodeConsumerList(decodeConsumerList(body)),
  );
});

test('topic statistics, whose keys are objects, byte for byte but for the order of members', () => {
  const bodies = bodiesOf(RequestCode.GET_TOPIC_STATS_INFO, true);
  expectRoundTrip(bodies, (body) => encodeTopicStatsTable(decodeTopicStatsTable(body)));
  const written = encodeTopicStatsTable(decodeTopicStatsTable(bodies[0]!)).toString();
  expect(written).toMatch(/^\{"offsetTable":\{\{"brokerName":"broker-a","queueId":2,"topic":"st_sync"\}:\{/);
  expect(written).toHaveLength(bodies[0]!.length);
});

test('queue locks', () => {
  const request = (body: Buffer) => encodeLockBatchRequest(decodeLockBatchRequest(body));
  for (const code of [RequestCode.LOCK_BATCH_MQ, RequestCode.UNLOCK_BATCH_MQ]) {
    for (const body of bodiesOf(code, false)) {
      expect(parseJsonDialect(request(body))).toMatchObject(parseJsonDialect(body) as object);
    }
  }
  expectRoundTrip(bodiesOf(RequestCode.LOCK_BATCH_MQ, true), (body) =>
    encodeLockBatchResponse(decodeLockBatchResponse(body)),
  );
});

test('group configuration and the files of a broker’s config directory', () => {
  expectRoundTrip(bodiesOf(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, false), (body) =>
    encodeSubscriptionGroupConfig(decodeSubscriptionGroupConfig(body)),
  );
  const files = goldenStore('apache-4.9.7-clean');
  const file = (name: string) => [files.get(`config/${name}`)!];
  expectRoundTrip(file('topics.json'), (body) => encodeTopicConfigTable(decodeTopicConfigTable(body)));
  expectRoundTrip(file('subscriptionGroup.json'), (body) =>
    encodeSubscriptionGroupTable(decodeSubscriptionGroupTable(body)),
  );
  expectRoundTrip(file('consumerOffset.json'), (body) => encodeConsumerOffsetTable(decodeConsumerOffsetTable(body)));
  const offsets = decodeConsumerOffsetTable(file('consumerOffset.json')[0]!);
  expect(offsets.size).toBeGreaterThan(0);
  for (const queues of offsets.values()) for (const queueId of queues.keys()) expect(queueId).toBeTypeOf('number');
});

test('connection lists', () => {
  const connectionSet = [{ clientId: '10.0.0.1@1', clientAddr: '10.0.0.1:50000', language: 'JAVA', version: 407 }];
  const producers = { connectionSet };
  expect(decodeProducerConnections(encodeProducerConnections(producers))).toEqual(producers);
  const subscription = decodeHeartbeatData(bodiesOf(RequestCode.HEART_BEAT, false).find((body) => body.includes('||'))!)
    .consumerDataSet.flatMap((consumer) => consumer.subscriptionDataSet)
    .find((data) => data.tagsSet.length > 1)!;
  expect(subscription.codeSet).toHaveLength(subscription.tagsSet.length);
  const consumers = {
    connectionSet,
    subscriptionTable: new Map([[subscription.topic, subscription]]),
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  };
  expect(decodeConsumerConnections(encodeConsumerConnections(consumers))).toEqual(consumers);
});
