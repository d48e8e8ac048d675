import { describe, expect, test } from 'vitest';
import { encodeHeartbeatData } from '../../../core/remoting/protocol/heartbeat-data.js';
import { parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { heartbeat } from '../kit/bodies.js';
import { invoke, rawClient, runningServer, sendTo } from '../kit/running.js';

const TOPIC = 'orders';

async function setup() {
  const { brokerAddress: broker } = await runningServer({ brokerName: 'b' });
  const operator = rawClient();
  for (let index = 0; index < 3; index++) await sendTo(operator, broker, { body: `m${index}` });
  return {
    broker,
    operator,
    ask: async (code: number, ext: ExtInput) => {
      const answer = await invoke(operator, broker, code, ext);
      const body = answer.body.length === 0 ? undefined : parseJsonDialect(answer.body.toString());
      return { code: answer.code, remark: answer.remark, body: body as Record<string, unknown> };
    },
    commit: (consumerGroup: string, queueId: number, commitOffset: number) =>
      invoke(operator, broker, RequestCode.UPDATE_CONSUMER_OFFSET, {
        ...{ consumerGroup, topic: TOPIC, queueId, commitOffset },
      }),
  };
}

describe('an operator is told', () => {
  test('how far a group is in time', async () => {
    const { ask, commit } = await setup();
    await commit('G', 0, 2);
    const { body } = await ask(RequestCode.QUERY_CONSUME_TIME_SPAN, { topic: TOPIC, group: 'G' });
    const spans = body.consumeTimeSpanSet as Record<string, number>[];
    expect(spans).toHaveLength(4);
    const [behind, empty] = spans as [Record<string, number>, Record<string, number>];
    expect(behind).toMatchObject({ messageQueue: { topic: TOPIC, brokerName: 'b', queueId: 0 } });
    const { minTimeStamp = 0, consumeTimeStamp = 0, maxTimeStamp = 0, delayTime } = behind;
    expect(minTimeStamp).toBeGreaterThan(Date.now() - 60_000);
    expect([minTimeStamp, consumeTimeStamp, maxTimeStamp]).toEqual(
      [minTimeStamp, consumeTimeStamp, maxTimeStamp].sort((one, other) => one - other),
    );
    expect(delayTime).toBeGreaterThanOrEqual(0);
    expect(delayTime).toBeLessThan(60_000);
    expect(empty).toMatchObject({ minTimeStamp: -1, maxTimeStamp: -1, consumeTimeStamp: -1, delayTime: 0 });
    await commit('G', 0, 3);
    const done = await ask(RequestCode.QUERY_CONSUME_TIME_SPAN, { topic: TOPIC, group: 'G' });
    expect(done.body.consumeTimeSpanSet).toMatchObject([{ consumeTimeStamp: maxTimeStamp, delayTime: 0 }, {}, {}, {}]);
    expect(await ask(RequestCode.QUERY_CONSUME_TIME_SPAN, { topic: 'nowhere', group: 'G' })).toMatchObject({
      code: 17,
      remark: 'topic[nowhere] not exist',
    });
  });

  test('what lies in a queue, and what a group makes of it', async () => {
    const { ask, operator, broker } = await setup();
    const entries = (more: ExtInput) =>
      ask(RequestCode.QUERY_CONSUME_QUEUE, { topic: TOPIC, queueId: 0, index: 1, count: 9, ...more });
    const { body } = await entries({});
    expect(body).toMatchObject({ minQueueIndex: 0, maxQueueIndex: 3 });
    const [second, third] = body.queueData as { physicOffset: number; physicSize: number }[];
    expect(second).toEqual({
      physicOffset: second?.physicSize,
      physicSize: expect.any(Number),
      tagsCode: 0,
      eval: false,
    });
    expect(third?.physicOffset).toBe(2 * (third?.physicSize ?? 0));
    expect((await entries({ consumerGroup: 'G' })).body.filterData).toBe('G@orders is not online!');
    const member = heartbeat({ group: 'G', topics: { [TOPIC]: 'a > 1' }, expressionType: 'SQL92' });
    await invoke(operator, broker, RequestCode.HEART_BEAT, {}, member.body);
    expect((await entries({ consumerGroup: 'G' })).body).toMatchObject({
      subscriptionData: { topic: TOPIC, subString: 'a > 1', expressionType: 'SQL92' },
      filterData: expect.stringContaining('"expression":"a > 1"'),
    });
    expect(await entries({ index: 3 })).toMatchObject({
      code: 0,
      remark: 'Index 3 of 0@orders is not exist!',
      body: { maxQueueIndex: 3, queueData: [] },
    });
    expect(await entries({ queueId: 4 })).toMatchObject({ code: 1, remark: '4@orders is not exist!' });
    expect(await entries({ topic: 'nowhere' })).toMatchObject({ code: 1, remark: '0@nowhere is not exist!' });
  });

  test('of topics and subscriptions of a group, and of single topics and groups', async () => {
    const { ask, commit, operator, broker } = await setup();
    await commit('G', 0, 1);
    const member = heartbeat({ group: 'G', topics: { [TOPIC]: 'red' } });
    await invoke(operator, broker, RequestCode.HEART_BEAT, {}, member.body);
    expect((await ask(RequestCode.QUERY_TOPICS_BY_CONSUMER, { group: 'G' })).body).toEqual({
      topicList: [TOPIC],
      brokerAddr: broker,
    });
    const subscription = (topic: string) => ask(RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER, { group: 'G', topic });
    expect((await subscription(TOPIC)).body).toMatchObject({ group: 'G', subscriptionData: { subString: 'red' } });
    expect((await subscription('nowhere')).body).toEqual({ group: 'G', topic: 'nowhere' });
    expect((await ask(RequestCode.GET_TOPIC_CONFIG, { topic: TOPIC })).body).toMatchObject({
      readQueueNums: 4,
      perm: 6,
    });
    expect(await ask(RequestCode.GET_TOPIC_CONFIG, { topic: 'nowhere' })).toMatchObject({ code: 17 });
    expect((await ask(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, { group: 'G' })).body).toMatchObject({
      groupName: 'G',
      retryMaxTimes: 16,
    });
  });

  test('of all producers', async () => {
    const { ask, operator, broker } = await setup();
    const body = encodeHeartbeatData({
      clientID: 'me@1',
      consumerDataSet: [],
      producerDataSet: [{ groupName: 'one' }, { groupName: 'two' }],
    });
    await invoke(operator, broker, RequestCode.HEART_BEAT, {}, body);
    const { data } = (await ask(RequestCode.GET_ALL_PRODUCER_INFO, {})).body as { data: Record<string, unknown[]> };
    expect(Object.keys(data).sort()).toEqual(['one', 'two']);
    const [info] = data.one as { lastUpdateTimestamp: number }[];
    expect(info).toMatchObject({ clientId: 'me@1', remoteIP: '127.0.0.1', version: 407 });
    expect(Math.abs((info?.lastUpdateTimestamp ?? 0) - Date.now())).toBeLessThan(30_000);
  });
});

describe('lists of 5.x make', () => {
  test('topics, all of them or none', async () => {
    const { ask, operator, broker } = await setup();
    const create = async (...names: string[]) => {
      const topics = names.map((topicName) => ({ topicName, readQueueNums: 2, writeQueueNums: 3, perm: 6 }));
      const body = JSON.stringify({ topicConfigList: topics });
      return invoke(operator, broker, RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, {}, body);
    };
    expect(await create('one', 'two')).toMatchObject({ code: 0 });
    for (const topic of ['one', 'two']) {
      expect((await ask(RequestCode.GET_TOPIC_CONFIG, { topic })).body).toMatchObject({
        ...{ topicName: topic, readQueueNums: 2, writeQueueNums: 3, perm: 6 },
      });
    }
    expect(await create('three', 'not a topic')).toMatchObject({ code: 1 });
    expect(await ask(RequestCode.GET_TOPIC_CONFIG, { topic: 'three' })).toMatchObject({ code: 17 });
  });

  test('groups', async () => {
    const { ask, operator, broker } = await setup();
    const groupConfigList = ['one', 'two'].map((groupName) => ({ groupName, retryMaxTimes: 3 }));
    const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST;
    expect(await invoke(operator, broker, code, {}, JSON.stringify({ groupConfigList }))).toMatchObject({ code: 0 });
    for (const group of ['one', 'two']) {
      const { body } = await ask(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, { group });
      expect(body).toMatchObject({ groupName: group, retryMaxTimes: 3, consumeEnable: true });
    }
  });
});

describe("a group's offsets", () => {
  const offset = async (
    { operator, broker }: Awaited<ReturnType<typeof setup>>,
    consumerGroup: string,
    queueId = 0,
  ) => {
    const ext = { consumerGroup, topic: TOPIC, queueId };
    return Number((await invoke(operator, broker, RequestCode.QUERY_CONSUMER_OFFSET, ext)).ext.offset);
  };

  test('are given to another, but for topics that its members do not want any more', async () => {
    const parts = await setup();
    await parts.commit('G', 0, 2);
    await parts.commit('G', 1, 1);
    const clone = (destGroup: string, more: ExtInput = {}) =>
      parts.ask(RequestCode.CLONE_GROUP_OFFSET, { srcGroup: 'G', destGroup, topic: TOPIC, offline: false, ...more });
    await clone('H');
    expect([await offset(parts, 'H'), await offset(parts, 'H', 1)]).toEqual([2, 1]);
    await clone('all', { topic: '' });
    expect(await offset(parts, 'all')).toBe(2);
    const member = heartbeat({ group: 'G', topics: { elsewhere: '*' } });
    await invoke(parts.operator, parts.broker, RequestCode.HEART_BEAT, {}, member.body);
    await clone('I');
    expect(await offset(parts, 'I')).toBe(0);
    await clone('I', { offline: true });
    expect(await offset(parts, 'I')).toBe(2);
  });

  test('are compared with those of the slowest of all groups', async () => {
    const parts = await setup();
    await parts.commit('slow', 0, 1);
    await parts.commit('slow', 1, 5);
    await parts.commit('fast', 0, 3);
    await parts.commit('fast', 1, 3);
    const corrections = async (ext: ExtInput) =>
      (await parts.ask(RequestCode.QUERY_CORRECTION_OFFSET, { topic: TOPIC, ...ext })).body.correctionOffsets;
    expect(await corrections({ compareGroup: 'fast' })).toEqual({ 0: 1, 1: 3 });
    expect(await corrections({ compareGroup: 'slow', filterGroups: 'slow' })).toEqual({
      0: Number.MAX_SAFE_INTEGER,
      1: 3,
    });
  });
});
