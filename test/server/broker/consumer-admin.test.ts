import { describe, expect, test } from 'vitest';
import { createRemotingClient } from '../../../core/remoting/client.js';
import { decodeConsumeStats, decodeGroupList } from '../../../core/remoting/protocol/consume-stats.js';
import { mapEntries, parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import { LanguageCode } from '../../../core/remoting/protocol/language-codes.js';
import type { OutgoingCommand, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { decodeResetOffsetBody, encodeConsumerStatus } from '../../../core/remoting/protocol/reset-offset-body.js';
import { decodeSubscriptionGroupTable } from '../../../core/remoting/protocol/subscription-group-config.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { waitFor } from '../../kit/wait-for.js';
import { serverParts } from '../kit/broker-setup.js';
import { answerTo, request } from '../kit/requests.js';
import { invoke, pullFrom, rawClient, runningServer, sendTo } from '../kit/running.js';

const GROUP = 'G';
const TOPIC = 'orders';

async function setup() {
  const { brokerAddress: broker } = await runningServer({ brokerName: 'b' });
  const operator = rawClient();
  for (let index = 0; index < 3; index++) await sendTo(operator, broker, { body: `m${index}` });
  const commit = (commitOffset: number, queueId = 0) =>
    invoke(operator, broker, RequestCode.UPDATE_CONSUMER_OFFSET, {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId,
      commitOffset,
    });
  return { broker, operator, commit };
}

/** A client that is known as a member of the group, and what the broker asked of it. */
async function member(broker: string, clientId: string, answer?: (request: RemotingCommand) => OutgoingCommand) {
  const client: RemotingClient = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const asked: RemotingCommand[] = [];
  for (const code of [220, 221, 307, 309]) {
    client.handle(code, (request) => {
      asked.push({ ...request, body: Buffer.from(request.body), ext: { ...request.ext } });
      return answer?.(request);
    });
  }
  const subscription = { topic: TOPIC, subString: '*', subVersion: 1, expressionType: 'TAG', tagsSet: [], codeSet: [] };
  const consumer = {
    ...{ groupName: GROUP, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING' },
    ...{ consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET', unitMode: false, subscriptionDataSet: [subscription] },
  };
  const heartbeat = JSON.stringify({ clientID: clientId, consumerDataSet: [consumer], producerDataSet: [] });
  expect((await invoke(client, broker, RequestCode.HEART_BEAT, {}, heartbeat)).code).toBe(0);
  return { asked };
}

/** By group, an entry for each topic. */
type ToldStats = Readonly<Record<string, readonly { readonly offsetTable: unknown }[]>>;

describe('how far a group is', () => {
  test('is told by queue, with the time of the last message consumed', async () => {
    const { broker, operator, commit } = await setup();
    await commit(2);
    const answer = await invoke(operator, broker, RequestCode.GET_CONSUME_STATS, { consumerGroup: GROUP });
    const { offsetTable, consumeTps } = decodeConsumeStats(answer.body);
    expect(consumeTps).toBe(0);
    const [[queue, progress] = [], ...others] = offsetTable;
    expect(queue).toEqual({ topic: TOPIC, brokerName: 'b', queueId: 0 });
    expect(progress).toMatchObject({ brokerOffset: 3, consumerOffset: 2 });
    expect(progress?.lastTimestamp).toBeGreaterThan(Date.now() - 60_000);
    expect(others.map(([, rest]) => rest)).toEqual(
      Array(3).fill({ brokerOffset: 0, consumerOffset: 0, lastTimestamp: 0 }),
    );
    const unknown = await invoke(operator, broker, RequestCode.GET_CONSUME_STATS, { consumerGroup: 'nobody' });
    expect(decodeConsumeStats(unknown.body).offsetTable.size).toBe(0);
  });

  test('leaves out what its members do not subscribe to any more', async () => {
    const { broker, operator, commit } = await setup();
    await commit(1);
    const other = { consumerGroup: GROUP, topic: 'others', queueId: 0, commitOffset: 1 };
    await sendTo(operator, broker, { topic: 'others' });
    await invoke(operator, broker, RequestCode.UPDATE_CONSUMER_OFFSET, other);
    const topics = async () => {
      const { body } = await invoke(operator, broker, RequestCode.GET_CONSUME_STATS, { consumerGroup: GROUP });
      return [...new Set([...decodeConsumeStats(body).offsetTable.keys()].map(({ topic }) => topic))];
    };
    expect(await topics()).toEqual([TOPIC, 'others']);
    await member(broker, 'c1');
    expect(await topics()).toEqual([TOPIC]);
  });

  test('is told of all groups, and groups by topic', async () => {
    const { broker, operator, commit } = await setup();
    await commit(1);
    await member(broker, 'c1');
    const all = await invoke(operator, broker, RequestCode.GET_BROKER_CONSUME_STATS, { isOrder: false });
    const { brokerAddr, consumeStatsList } = JSON.parse(
      all.body.toString().replaceAll(/(\{"brokerName"[^}]*\}):/g, (_, key) => `${JSON.stringify(key)}:`),
    );
    expect(brokerAddr).toBe(broker);
    expect(consumeStatsList).toHaveLength(1);
    expect(Object.keys(consumeStatsList[0][GROUP][0].offsetTable)).toHaveLength(4);
    const ordered = await invoke(operator, broker, RequestCode.GET_BROKER_CONSUME_STATS, { isOrder: true });
    expect(parseJsonDialect(ordered.body)).toMatchObject({ consumeStatsList: [{ [GROUP]: [] }] });
    const who = await invoke(operator, broker, RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, { topic: TOPIC });
    expect(decodeGroupList(who.body)).toEqual([GROUP]);
  });

  test('is told of every group with an entry for each of its topics', async () => {
    const { broker, topics, offsets } = serverParts();
    for (const topic of ['a', 'b']) topics.createPlain(topic, 1, 0);
    await topics.update({ ...topics.createPlain('ordered', 1, 0), order: true });
    const committed = [
      ['G1', 'a'],
      ['G2', 'b'],
      ['G1', 'ordered'],
      ['G3', 'unknown'],
      ['G2', 'a'],
    ] as const;
    for (const [group, topic] of committed) offsets.commit(group, topic, 0, 1);
    const told = async (isOrder: boolean) => {
      const { body } = await answerTo(broker, request(RequestCode.GET_BROKER_CONSUME_STATS, { isOrder }));
      const { consumeStatsList } = parseJsonDialect(body as Buffer) as { consumeStatsList: ToldStats[] };
      const topicsOf = ({ offsetTable }: { offsetTable: unknown }) =>
        [...mapEntries(offsetTable)].map(([queue]) => (queue as { topic: string }).topic);
      const groups = consumeStatsList.flatMap((one) => Object.entries(one));
      return Object.fromEntries(groups.map(([group, entries]) => [group, entries.map(topicsOf)]));
    };
    expect(await told(false)).toEqual({ G1: [['a'], ['ordered']], G2: [['b'], ['a']], G3: [] });
    expect(await told(true)).toEqual({ G1: [['ordered']], G2: [], G3: [] });
  });
});

describe('an operator switches groups', () => {
  test('a group is set, listed, switched off and deleted with its offsets', async () => {
    const { broker, operator, commit } = await setup();
    await commit(2);
    const config = { groupName: GROUP, consumeEnable: false, retryMaxTimes: 3 };
    const set = await invoke(
      operator,
      broker,
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      {},
      JSON.stringify(config),
    );
    expect(set.code).toBe(0);
    const list = async () => {
      const { body } = await invoke(operator, broker, RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG);
      return decodeSubscriptionGroupTable(body).subscriptionGroupTable.get(GROUP);
    };
    expect(await list()).toMatchObject({ consumeEnable: false, retryMaxTimes: 3, retryQueueNums: 1 });
    expect(await pullFrom(operator, broker, { group: GROUP })).toMatchObject({ code: 16 });
    const offset = async () => {
      const query = { consumerGroup: GROUP, topic: TOPIC, queueId: 0 };
      return (await invoke(operator, broker, RequestCode.QUERY_CONSUMER_OFFSET, query)).ext.offset;
    };
    await invoke(operator, broker, RequestCode.DELETE_SUBSCRIPTIONGROUP, { groupName: GROUP });
    expect(await list()).toBeUndefined();
    expect(await offset()).toBe('2');
    await invoke(operator, broker, RequestCode.DELETE_SUBSCRIPTIONGROUP, { groupName: GROUP, cleanOffset: true });
    expect(await offset()).toBe('0');
    expect(await pullFrom(operator, broker, { group: GROUP })).toMatchObject({ code: 0 });
  });
});

describe('an operator asks members through the broker', () => {
  const reset = { topic: TOPIC, group: GROUP, timestamp: 0, isForce: false };

  test('offsets are reset by every member', async () => {
    const { broker, operator, commit } = await setup();
    for (let queueId = 0; queueId < 4; queueId++) await commit(queueId === 0 ? 3 : 0, queueId);
    const members = [await member(broker, 'c1'), await member(broker, 'c2')];
    const answer = await invoke(operator, broker, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reset);
    expect(answer.code).toBe(0);
    expect([...decodeResetOffsetBody(answer.body)].map(([{ queueId }, offset]) => [queueId, offset])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    for (const { asked } of members) {
      await waitFor(() => asked.length === 1, { what: 'the offsets' });
      expect(asked[0]).toMatchObject({ code: 220, ext: { topic: TOPIC, group: GROUP, timestamp: '0' } });
      expect(decodeResetOffsetBody(asked[0]?.body ?? Buffer.alloc(0)).size).toBe(4);
    }
  });

  test('offsets go forward only by force, and to the end when asked', async () => {
    const { broker, operator, commit } = await setup();
    for (let queueId = 0; queueId < 4; queueId++) await commit(queueId === 0 ? 1 : 0, queueId);
    await member(broker, 'c1');
    const first = async (ext: object) => {
      const answer = await invoke(operator, broker, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, { ...reset, ...ext });
      return [...decodeResetOffsetBody(answer.body).values()][0];
    };
    expect(await first({ timestamp: -1 })).toBe(1);
    expect(await first({ timestamp: -1, isForce: true })).toBe(3);
    expect(await first({ timestamp: Date.now() + 60_000, isForce: true })).toBe(2);
  });

  test('what cannot be reset is refused as Apache refuses it', async () => {
    const { broker, operator, commit } = await setup();
    const ask = (ext: object) =>
      invoke(operator, broker, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, { ...reset, ...ext });
    expect(await ask({ topic: 'unknown' })).toMatchObject({
      code: 1,
      remark: '[reset-offset] reset offset failed, no topic in this broker. topic=unknown',
    });
    expect(await ask({})).toMatchObject({ code: 1, remark: 'THe consumer group <G> not exist' });
    for (let queueId = 0; queueId < 4; queueId++) await commit(0, queueId);
    expect(await ask({})).toMatchObject({
      code: 206,
      remark: 'Consumer not online, so can not reset offset, Group: G Topic: orders Timestamp: 0',
    });
  });

  test('a client of C++ is sent its offsets as a list', async () => {
    const { broker, commit } = await setup();
    for (let queueId = 0; queueId < 4; queueId++) await commit(0, queueId);
    const { asked } = await member(broker, 'c1');
    const cpp = closeAfterTest(createRemotingClient({ transport: tcpTransport, language: LanguageCode.CPP }));
    await invoke(cpp, broker, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reset);
    await waitFor(() => asked.length === 1, { what: 'the offsets' });
    const body = asked[0]?.body ?? Buffer.alloc(0);
    expect(JSON.parse(body.toString()).offsetTable[0]).toEqual({
      topic: TOPIC,
      brokerName: 'b',
      queueId: 0,
      offset: 0,
    });
    expect(decodeResetOffsetBody(body).size).toBe(4);
  });

  test('members say how far they are', async () => {
    const { broker, operator } = await setup();
    const ask = (ext: object = {}) =>
      invoke(operator, broker, RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {
        topic: TOPIC,
        group: GROUP,
        ...ext,
      });
    expect(await ask()).toMatchObject({ code: 1, remark: 'No Any Consumer online in the consumer group: [G]' });
    const status = encodeConsumerStatus(new Map([[{ topic: TOPIC, brokerName: 'b', queueId: 0 }, 2]]));
    await member(broker, 'c1', () => ({ code: 0, body: status }));
    await member(broker, 'c2', () => ({ code: 1, remark: 'no such group' }));
    const all = (await ask()).body.toString();
    expect(all).toBe('{"consumerTable":{"c1":{{"brokerName":"b","queueId":0,"topic":"orders"}:2}}}');
    expect((await ask({ clientAddr: 'c2' })).body.toString()).toBe('{"consumerTable":{}}');
  });

  test('running info and a message to consume now go to one member, and its answer comes back', async () => {
    const { broker, operator } = await setup();
    const sent = await sendTo(operator, broker, { body: 'look at me' });
    const { asked } = await member(broker, 'c1', ({ code }) => ({
      code: 0,
      remark: `did ${code}`,
      body: Buffer.from('{}'),
    }));
    const to = { consumerGroup: GROUP, clientId: 'c1' };
    expect(
      await invoke(operator, broker, RequestCode.GET_CONSUMER_RUNNING_INFO, { ...to, jstackEnable: false }),
    ).toMatchObject({
      code: 0,
      remark: 'did 307',
      body: Buffer.from('{}'),
    });
    const consumed = await invoke(operator, broker, RequestCode.CONSUME_MESSAGE_DIRECTLY, {
      ...to,
      msgId: sent.ext.msgId,
    });
    expect(consumed).toMatchObject({ code: 0, remark: 'did 309' });
    expect(asked[1]).toMatchObject({ ext: { brokerName: 'b', clientId: 'c1' } });
    expect(asked[1]?.body.includes('look at me')).toBe(true);
    expect(
      await invoke(operator, broker, RequestCode.GET_CONSUMER_RUNNING_INFO, { ...to, clientId: 'c9' }),
    ).toMatchObject({
      code: 1,
      remark: 'The Consumer <G> <c9> not online',
    });
  });
});
