import { expect, onTestFinished, test } from 'vitest';
import type { MessageQueue } from '../../../core/message/message.js';
import {
  decodeMessageRequestMode,
  encodeMessageRequestMode,
  type MessageRequestModeSetting,
} from '../../../core/remoting/protocol/message-request-mode.js';
import {
  decodeQueryAssignmentRequest,
  decodeQueryAssignmentResponse,
  encodeQueryAssignmentRequest,
  type QueueAssignment,
} from '../../../core/remoting/protocol/query-assignment.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { OutgoingResponse } from '../../../core/remoting/remoting-server.js';
import { allocateQueues } from '../../../core/server/broker/pop/allocate-queues.js';
import type { DelayBrokerParts } from '../delay/delay-broker.js';
import { heartbeat } from '../kit/bodies.js';
import { invoke, rawClient, runningServer, sendTo } from '../kit/running.js';
import { GROUP, PopBroker } from './pop-broker.js';

const POP: MessageRequestModeSetting = { topic: 'orders', consumerGroup: GROUP, mode: 'POP', popShareQueueNum: 0 };
const PULL: MessageRequestModeSetting = { ...POP, mode: 'PULL' };

async function setup(parts: DelayBrokerParts = {}): Promise<PopBroker> {
  const pops = await PopBroker.open(parts);
  onTestFinished(() => pops.broker.forget());
  return pops;
}

function setMode(pops: PopBroker, setting: MessageRequestModeSetting): Promise<OutgoingResponse> {
  return pops.broker.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, encodeMessageRequestMode(setting).toString());
}

async function assigned(pops: PopBroker, more: { topic?: string; strategyName?: string; messageModel?: string } = {}) {
  const { topic = 'orders', strategyName = 'AVG', messageModel = 'CLUSTERING' } = more;
  const request = { topic, consumerGroup: GROUP, clientId: 'one', strategyName, messageModel };
  const body = encodeQueryAssignmentRequest(request);
  expect(decodeQueryAssignmentRequest(body)).toEqual(request);
  const answer = await pops.broker.ask(RequestCode.QUERY_ASSIGNMENT, {}, body.toString());
  expect(answer.code).toBe(0);
  return decodeQueryAssignmentResponse(Buffer.from(answer.body!));
}

function shown(assignments: readonly QueueAssignment[] | undefined): string | undefined {
  return assignments?.map(({ messageQueue, mode }) => `${messageQueue.queueId}:${mode}`).join(' ');
}

async function join(pops: PopBroker): Promise<void> {
  const { body } = heartbeat({ clientId: 'one', group: GROUP, topics: { orders: '*' } });
  await pops.broker.ask(RequestCode.HEART_BEAT, {}, body.toString());
}

test('who asks gets its queues to pull, and where the group pops any queue, after a restart too', async () => {
  const pops = await setup();
  await pops.send(['a']);
  expect(await assigned(pops)).toBeUndefined();
  await join(pops);
  expect(shown(await assigned(pops))).toBe('0:PULL 1:PULL 2:PULL 3:PULL');
  expect(shown(await assigned(pops, { messageModel: 'BROADCASTING' }))).toBe('0:PULL 1:PULL 2:PULL 3:PULL');
  expect(await setMode(pops, POP)).toMatchObject({ code: 0 });
  expect(await assigned(pops)).toEqual([
    { messageQueue: { topic: 'orders', brokerName: 'broker-a', queueId: -1 }, mode: 'POP' },
  ]);
  // What consumers sent back is pulled.
  expect(shown(await assigned(pops, { topic: `%RETRY%${GROUP}` }))).toBe('0:PULL');
  expect(await assigned(pops, { strategyName: 'MACHINE_ROOM' })).toBeUndefined();
  expect(await assigned(pops, { topic: 'unknown' })).toBeUndefined();
  await pops.broker.close();
  const next = await setup({ files: pops.broker.files, clock: pops.clock });
  await join(next);
  expect(shown(await assigned(next))).toBe('-1:POP');
});

test('a mode is not set for a retry topic, or for what nobody knows', async () => {
  const pops = await setup({ settings: { autoCreateSubscriptionGroup: false } });
  await pops.send(['a']);
  expect(await setMode(pops, { ...POP, topic: '%RETRY%billing' })).toMatchObject({ code: 16 });
  expect(await setMode(pops, { ...POP, topic: 'unknown' })).toMatchObject({ code: 17 });
  expect(await setMode(pops, POP)).toMatchObject({ code: 26 });
  expect(decodeMessageRequestMode(Buffer.from('{"topic":"orders"}'))).toEqual({ ...PULL, consumerGroup: '' });
});

test('queues are shared out as Java shares them out', () => {
  const queues: MessageQueue[] = ['b', 'a'].flatMap((brokerName) =>
    [1, 0, 2].map((queueId) => ({ topic: 'orders', brokerName, queueId })),
  );
  const clients = ['c3', 'c1', 'c2', 'c4'];
  const shares = (setting: MessageRequestModeSetting, strategyName = 'AVG', members = clients) =>
    [...members].sort().map((clientId) => {
      const mine = allocateQueues(queues, members, { clientId, strategyName, setting });
      return mine?.map(({ brokerName, queueId }) => `${brokerName}${queueId}`).join(' ');
    });
  expect(shares(PULL)).toEqual(['a0 a1', 'a2 b0', 'b1', 'b2']);
  expect(shares(PULL, 'AVG_BY_CIRCLE')).toEqual(['a0 b1', 'a1 b2', 'a2', 'b0']);
  expect(shares(POP)).toEqual(Array.from({ length: 4 }, () => 'a-1 b-1'));
  expect(shares({ ...POP, popShareQueueNum: 1 })).toEqual(['a0 a1 a2 b0', 'a2 b0 b1', 'b1 b2', 'b2 a0 a1']);
  expect(shares({ ...POP, popShareQueueNum: 3 })).toEqual(Array.from({ length: 4 }, () => 'a-1 b-1'));
  const many = ['1', '2', '3', '4', '5', '6', '7'];
  expect(shares({ ...POP, popShareQueueNum: 1 }, 'AVG', many)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'a0']);
  expect(allocateQueues(queues, clients, { clientId: 'stranger', strategyName: 'AVG', setting: PULL })).toEqual([]);
});

test('who only wants to hear of messages hears of them, and how many wait can be asked', async () => {
  const pops = await setup();
  await pops.send(['a']);
  const ask = (code: number, pollTime: number) =>
    pops.broker.ask(code, { ...pops.popRequest(), pollTime, bornTime: pops.clock.now() });
  expect(await ask(RequestCode.NOTIFICATION, 0)).toMatchObject({ code: 0, ext: { hasMsg: true, pollingFull: false } });
  await pops.ids();
  expect(await ask(RequestCode.NOTIFICATION, 0)).toMatchObject({ code: 0, ext: { hasMsg: false } });
  const told = ask(RequestCode.NOTIFICATION, 15_000);
  const inVain = ask(RequestCode.POP_MESSAGE, 5_000);
  await pops.clock.settle();
  expect(await ask(RequestCode.POLLING_INFO, 0)).toMatchObject({ code: 0, ext: { pollingNum: 1 } });
  await pops.clock.advance(5_000);
  expect(await inVain).toMatchObject({ code: 210 });
  expect(await ask(RequestCode.POLLING_INFO, 0)).toMatchObject({ ext: { pollingNum: 0 } });
  await pops.send(['b']);
  expect(await told).toMatchObject({ ext: { hasMsg: true } });
});

test('over a socket the answers are what a client reads, and the queues those that the name server knows', async () => {
  const server = await runningServer();
  const client = rawClient();
  const { brokerAddress: address } = server;
  await sendTo(client, address, { body: 'hello', tag: 'paid' });
  const { body } = heartbeat({ clientId: 'one', group: GROUP, topics: { orders: '*' } });
  await invoke(client, address, RequestCode.HEART_BEAT, {}, body);
  const set = await invoke(client, address, RequestCode.SET_MESSAGE_REQUEST_MODE, {}, encodeMessageRequestMode(POP));
  expect(set.code).toBe(0);
  const asked = {
    topic: 'orders',
    consumerGroup: GROUP,
    clientId: 'one',
    strategyName: 'AVG',
    messageModel: 'CLUSTERING',
  };
  const answer = await invoke(client, address, RequestCode.QUERY_ASSIGNMENT, {}, encodeQueryAssignmentRequest(asked));
  expect(shown(decodeQueryAssignmentResponse(answer.body))).toBe('-1:POP');
  const pop = await invoke(client, address, RequestCode.POP_MESSAGE, {
    ...{ consumerGroup: GROUP, topic: 'orders', queueId: -1, maxMsgNums: 8, invisibleTime: 60_000, pollTime: 1_000 },
    ...{ bornTime: Date.now(), initMode: 0, expType: 'TAG', exp: 'paid', order: false },
  });
  expect(pop).toMatchObject({
    code: 0,
    remark: 'FOUND',
    ext: { invisibleTime: '60000', reviveQid: '0', restNum: '0', startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 0' },
  });
  const { popTime, reviveQid } = pop.ext;
  const ack = await invoke(client, address, RequestCode.ACK_MESSAGE, {
    ...{ consumerGroup: GROUP, topic: 'orders', queueId: 0, offset: 0 },
    extraInfo: `0 ${popTime} 60000 ${reviveQid} 0 broker-a 0 0`,
  });
  expect(ack.code).toBe(0);
});
