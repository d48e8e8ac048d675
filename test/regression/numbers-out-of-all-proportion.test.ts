/**
 * Numbers that somebody else says, and that were taken for lengths: a group of 2^31 retry queues, a broker that registers a
 * topic of as many, and a note of as many popped messages, which anybody can send to the topic where a broker keeps its
 * own. Each made the broker fill its memory until the process was gone; the note did so again at each start.
 */
import { expect, test } from 'vitest';
import { encodeRegisterBrokerBody } from '../../core/remoting/protocol/register-broker-body.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { OWN_VERSION } from '../../core/remoting/protocol/version.js';
import { decodeCheckpoint } from '../../core/server/broker/pop/checkpoint.js';
import { invoke, rawClient, runningServer } from '../server/kit/running.js';

const QUEUES = 300_000;

test('a group has no more retry queues than a topic may have, and none of a list is made when one cannot be', async () => {
  const { brokerAddress } = await runningServer();
  const client = rawClient();
  const bad = { groupName: 'bad', retryQueueNums: QUEUES };
  const one = await invoke(
    client,
    brokerAddress,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    {},
    JSON.stringify(bad),
  );
  expect(one).toMatchObject({
    code: 1,
    remark: 'group[bad] cannot have 300000 retry queues, at most 65536 are allowed',
  });
  const list = JSON.stringify({ groupConfigList: [{ groupName: 'good' }, bad] });
  const several = await invoke(client, brokerAddress, RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, list);
  expect(several.code).toBe(1);
  const all = await invoke(client, brokerAddress, RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG);
  expect(all.body.toString()).not.toMatch(/"(good|bad)"/);
});

test('of the queues that another broker says it has only so many are shared out', async () => {
  const { brokerAddress, nameServers } = await runningServer();
  const client = rawClient();
  const topic = { topicName: 'vast', readQueueNums: QUEUES, writeQueueNums: 1, perm: 6, topicFilterType: 'SINGLE_TAG' };
  const topicConfigTable = new Map([['vast', { ...topic, topicSysFlag: 0, order: false }]]);
  const body = encodeRegisterBrokerBody(
    {
      topicConfigSerializeWrapper: { topicConfigTable, dataVersion: { timestamp: 1, counter: 1 } },
      filterServerList: [],
    },
    { compressed: false, version: OWN_VERSION },
  );
  const ext = { brokerName: 'other', brokerAddr: '10.0.0.9:1', clusterName: 'C', haServerAddr: '', brokerId: 0 };
  expect((await invoke(client, nameServers, RequestCode.REGISTER_BROKER, ext, body)).code).toBe(0);
  const question = {
    topic: 'vast',
    consumerGroup: 'G',
    clientId: 'c',
    strategyName: 'AVG',
    messageModel: 'BROADCASTING',
  };
  const answer = await invoke(client, brokerAddress, RequestCode.QUERY_ASSIGNMENT, {}, JSON.stringify(question));
  expect(answer.body.toString().match(/"queueId"/g)).toHaveLength(65_536);
});

test('a note of more popped messages than are popped together is no note', () => {
  const note = (members: object) => Buffer.from(JSON.stringify({ t: 'orders', c: 'G', so: 1, ...members }));
  expect(decodeCheckpoint(note({ n: 32 })).offsets).toHaveLength(32);
  expect(() => decodeCheckpoint(note({ n: 5_000_000 }))).toThrow('PopCheckPoint is of 5000000 messages');
  expect(() => decodeCheckpoint(note({ n: 1, d: Array(33).fill(0) }))).toThrow('at most 32 are popped together');
});
