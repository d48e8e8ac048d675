import { describe, expect, test } from 'vitest';
import {
  decodeConsumerConnections,
  decodeProducerConnections,
} from '../../../core/remoting/protocol/client-connections.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { type HeartbeatParts, heartbeat } from '../kit/bodies.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, bodyText, FakeConnection, request } from '../kit/requests.js';

/** Parts whose consumer changes are told to connections, as the broker does. */
async function setup(settings = {}): Promise<ServerParts> {
  const parts = serverParts(settings);
  await parts.load();
  return parts;
}

async function beat(parts: ServerParts, connection: FakeConnection, more: HeartbeatParts = {}): Promise<void> {
  const body = heartbeat({ clientId: `id-of-${connection.id}`, group: 'G', topics: { orders: '*' }, ...more });
  expect(await answerTo(parts.broker, body, connection)).toMatchObject({ code: 0 });
}

function consumerIds(parts: ServerParts, group = 'G') {
  return answerTo(parts.broker, request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: group }));
}

const NOTICE = { code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, ext: { consumerGroup: 'G' } };

describe('a heartbeat', () => {
  test('makes its consumer a member, creates its retry topic, and tells every member, the new one included', async () => {
    const parts = await setup();
    const [one, two] = [new FakeConnection(), new FakeConnection()];
    await beat(parts, one);
    expect(one.told).toEqual([NOTICE]);
    await beat(parts, two);
    expect([one.told.length, two.told.length]).toEqual([2, 1]);
    expect(parts.topics.find('%RETRY%G')).toMatchObject({
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicSysFlag: 0,
    });
    const ids = JSON.parse(bodyText(await consumerIds(parts))).consumerIdList;
    expect(ids).toEqual([`id-of-${one.id}`, `id-of-${two.id}`]);
  });

  test('that repeats what is known tells nobody', async () => {
    const parts = await setup();
    const connection = new FakeConnection();
    await beat(parts, connection);
    await beat(parts, connection);
    expect(connection.told.length).toBe(1);
  });

  test('with a topic more or less is a change; with a newer version of one it is none', async () => {
    const parts = await setup();
    const connection = new FakeConnection();
    await beat(parts, connection, { topics: { orders: 'TagA' }, subVersion: 1 });
    await beat(parts, connection, { topics: { orders: 'TagB' }, subVersion: 2 });
    expect(connection.told.length).toBe(1);
    expect(parts.consumers.subscription('G', 'orders')?.data.subString).toBe('TagB');
    await beat(parts, connection, { topics: { orders: 'TagC' }, subVersion: 1 });
    expect(parts.consumers.subscription('G', 'orders')?.data.subString).toBe('TagB');
    await beat(parts, connection, { topics: { orders: 'TagB', bills: '*' } });
    expect(connection.told.length).toBe(2);
    await beat(parts, connection, { topics: { bills: '*' } });
    expect(connection.told.length).toBe(3);
    expect(parts.consumers.subscription('G', 'orders')).toBeUndefined();
  });

  test('is silent about changes where group or broker want it so', async () => {
    const quiet = await setup({ notifyConsumerIdsChangedEnable: false });
    const connection = new FakeConnection();
    await beat(quiet, connection);
    expect(connection.told).toEqual([]);

    const parts = serverParts();
    parts.store.configs.set(
      'subscriptionGroup.json',
      '{"subscriptionGroupTable":{"G":{"groupName":"G","notifyConsumerIdsChangedEnable":false,"retryQueueNums":3}}}',
    );
    await parts.load();
    await beat(parts, connection);
    expect(connection.told).toEqual([]);
    expect(parts.topics.find('%RETRY%G')?.writeQueueNums).toBe(3);
  });

  test('of a group that may not be created still makes a member, as 4.9', async () => {
    const parts = await setup({ autoCreateSubscriptionGroup: false });
    await beat(parts, new FakeConnection());
    expect(parts.topics.find('%RETRY%G')).toBeUndefined();
    expect(await consumerIds(parts)).toMatchObject({ code: 0 });
    await beat(parts, new FakeConnection(), { group: 'CID_RMQ_SYS_OWN' });
    expect(parts.topics.find('%RETRY%CID_RMQ_SYS_OWN')).toBeDefined();
  });

  test('of a unit marks the retry topic', async () => {
    const parts = await setup();
    await beat(parts, new FakeConnection(), { unitMode: true });
    expect(parts.topics.find('%RETRY%G')?.topicSysFlag).toBe(2);
  });

  test('that comes from a connection that is gone already is answered and forgotten', async () => {
    const parts = await setup();
    const connection = new FakeConnection();
    connection.close();
    await beat(parts, connection, { producers: ['P'] });
    expect([parts.consumers.groups, parts.producers.groups]).toEqual([[], []]);
  });

  test('that cannot be read is an error', async () => {
    const parts = await setup();
    const broken = request(RequestCode.HEART_BEAT, {}, '{"clientID":7}');
    await expect(answerTo(parts.broker, broken)).rejects.toThrow('clientID');
  });
});

describe('a member leaves', () => {
  test('by its own word', async () => {
    const parts = await setup();
    const [one, two] = [new FakeConnection(), new FakeConnection()];
    await beat(parts, one, { producers: ['P'] });
    await beat(parts, two);
    const leave = request(RequestCode.UNREGISTER_CLIENT, { clientID: 'x', consumerGroup: 'G', producerGroup: 'P' });
    expect(await answerTo(parts.broker, leave, one)).toMatchObject({ code: 0 });
    expect(two.told.length).toBe(2);
    expect(JSON.parse(bodyText(await consumerIds(parts))).consumerIdList).toEqual([`id-of-${two.id}`]);
    expect(parts.producers.groups).toEqual([]);
  });

  test('with its connection', async () => {
    const parts = await setup();
    const [one, two] = [new FakeConnection(), new FakeConnection()];
    await beat(parts, one);
    await beat(parts, two);
    parts.consumers.removeConnection(one);
    expect(two.told.length).toBe(2);
    parts.consumers.removeConnection(two);
    expect(await consumerIds(parts)).toMatchObject({ code: 1, remark: 'no consumer for this group, G' });
  });

  test('by silence of more than two minutes, and its connection is closed', async () => {
    const parts = await setup();
    const [silent, alive] = [new FakeConnection(), new FakeConnection()];
    await beat(parts, silent, { producers: ['P'] });
    await beat(parts, alive, { producers: ['P'] });
    await parts.clock.advance(60_000);
    await beat(parts, alive, { producers: ['P'] });
    await parts.clock.advance(60_000);
    parts.consumers.expire(parts.clock.monotonic());
    expect(silent.closed).toBe(false);
    await parts.clock.advance(1);
    parts.consumers.expire(parts.clock.monotonic());
    parts.producers.expire(parts.clock.monotonic());
    expect([silent.closed, alive.closed]).toEqual([true, false]);
    expect(parts.consumers.clientIds('G')).toEqual([`id-of-${alive.id}`]);
    expect(parts.producers.members('P')?.map(({ clientId }) => clientId)).toEqual([`id-of-${alive.id}`]);
  });
});

describe('who is connected', () => {
  test('is told for consumers with what they subscribe to', async () => {
    const parts = await setup();
    const connection = new FakeConnection('10.0.0.9:4711');
    await beat(parts, connection, { clientId: 'me', topics: { orders: 'TagA' }, messageModel: 'BROADCASTING' });
    const ask = request(RequestCode.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'G' });
    const connections = decodeConsumerConnections(Buffer.from(bodyText(await answerTo(parts.broker, ask))));
    expect(connections).toMatchObject({
      connectionSet: [{ clientId: 'me', clientAddr: '10.0.0.9:4711', language: 'JAVA', version: 407 }],
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'BROADCASTING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    });
    expect(connections.subscriptionTable.get('orders')).toMatchObject({ subString: 'TagA', tagsSet: ['TagA'] });
  });

  test('is told for producers', async () => {
    const parts = await setup();
    await beat(parts, new FakeConnection('10.0.0.9:4711'), { clientId: 'me', producers: ['P', 'Q'] });
    const ask = request(RequestCode.GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'Q' });
    expect(decodeProducerConnections(Buffer.from(bodyText(await answerTo(parts.broker, ask))))).toEqual({
      connectionSet: [{ clientId: 'me', clientAddr: '10.0.0.9:4711', language: 'JAVA', version: 407 }],
    });
  });

  test('or that nobody is', async () => {
    const parts = await setup();
    const consumers = request(RequestCode.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'G' });
    expect(await answerTo(parts.broker, consumers)).toEqual({
      code: 206,
      remark: 'the consumer group[G] not online',
    });
    const producers = request(RequestCode.GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'P' });
    expect(await answerTo(parts.broker, producers)).toEqual({
      code: 1,
      remark: 'the producer group[P] not exist',
    });
  });

  test('names a client once that reconnected before its old connection was missed', async () => {
    const parts = await setup();
    await beat(parts, new FakeConnection(), { clientId: 'me' });
    await beat(parts, new FakeConnection(), { clientId: 'me' });
    expect(JSON.parse(bodyText(await consumerIds(parts))).consumerIdList).toEqual(['me']);
  });
});

describe('a client asks whether its subscription can be served', () => {
  const check = (parts: ServerParts, subscriptionData: object | undefined) =>
    answerTo(
      parts.broker,
      request(RequestCode.CHECK_CLIENT_CONFIG, {}, JSON.stringify({ clientId: 'c', group: 'G', subscriptionData })),
    );

  test('tags can, and expressions over properties that are whole', async () => {
    const parts = await setup();
    expect(await check(parts, { topic: 'T', subString: 'a', expressionType: 'TAG' })).toEqual({ code: 0 });
    expect(await check(parts, undefined)).toEqual({ code: 0 });
    expect(await answerTo(parts.broker, request(RequestCode.CHECK_CLIENT_CONFIG))).toEqual({ code: 0 });
    expect(await check(parts, { topic: 'T', subString: 'a > 1', expressionType: 'SQL92' })).toEqual({ code: 0 });
    expect(await check(parts, { topic: 'T', subString: 'a > AND', expressionType: 'SQL92' })).toEqual({
      code: 23,
      remark: 'it does not go on with "AND", at line 1, column 5.',
    });
    expect(await check(parts, { topic: 'T', subString: 'a', expressionType: 'XPATH' })).toEqual({
      code: 1,
      remark: 'The broker does not support consumer to filter message by XPATH',
    });
  });

  test('expressions over properties cannot where that is switched off', async () => {
    const parts = await setup({ enablePropertyFilter: false });
    expect(await check(parts, { topic: 'T', subString: 'a > 1', expressionType: 'SQL92' })).toEqual({
      code: 1,
      remark: 'The broker does not support consumer to filter message by SQL92',
    });
  });
});
