import { expect, onTestFinished, test } from 'vitest';
import { decodeConsumerOffsetTable } from '../../../core/remoting/protocol/consumer-offset-table.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import type { DelayBrokerParts } from '../delay/delay-broker.js';
import { GROUP, INVISIBLE_MS, PopBroker } from './pop-broker.js';

const RETRY = '%RETRY%billing_orders';
const DEAD = '%DLQ%billing';

async function setup(parts: DelayBrokerParts = {}): Promise<PopBroker> {
  const pops = await PopBroker.open(parts);
  onTestFinished(() => pops.broker.forget());
  return pops;
}

async function committed(pops: PopBroker, topic = 'orders'): Promise<Record<string, number>> {
  const { body } = await pops.broker.ask(RequestCode.GET_ALL_CONSUMER_OFFSET);
  return Object.fromEntries(decodeConsumerOffsetTable(Buffer.from(body!)).get(`${topic}@${GROUP}`) ?? []);
}

test('a pop hands out messages of all queues, says where they are, and moves the group', async () => {
  const pops = await setup();
  await pops.send(['a', 'b'], { queueId: 1 });
  await pops.send(['c'], { queueId: 2 });
  const { code, remark, ext, messages } = await pops.pop();
  expect({ code, remark }).toEqual({ code: 0, remark: 'FOUND' });
  expect(messages.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c']);
  expect(ext).toMatchObject({ popTime: pops.clock.now(), invisibleTime: INVISIBLE_MS, reviveQid: 0, restNum: 0 });
  expect(String(ext.startOffsetInfo).split(';').sort()).toEqual(['0 1 0', '0 2 0']);
  expect(String(ext.msgOffsetInfo).split(';').sort()).toEqual(['0 1 0,1', '0 2 0']);
  expect(await committed(pops)).toMatchObject({ 1: 2, 2: 1 });
  expect(await pops.ids()).toEqual([]);
});

test('a pop takes as many messages as it asks for, and says how many are left', async () => {
  const pops = await setup();
  await pops.send(['a', 'b', 'c', 'd']);
  const first = await pops.pop({ maxMsgNums: 3, queueId: 1 });
  expect(first.messages.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(first.ext).toMatchObject({ restNum: 1, startOffsetInfo: '0 1 0', msgOffsetInfo: '0 1 0,1,2' });
  const [second, third] = await Promise.all([pops.ids({ queueId: 1 }), pops.ids({ queueId: 1 })]);
  expect([...second, ...third]).toEqual(['d']);
});

test('an acknowledged message stays away; one that is not comes back once its time is over', async () => {
  const pops = await setup();
  await pops.send(['done', 'lost']);
  const { messages } = await pops.pop();
  expect(await pops.ack(messages[0]!)).toMatchObject({ code: 0 });
  await pops.clock.advance(INVISIBLE_MS - 1);
  expect(await pops.ids()).toEqual([]);
  // Acknowledgements of a second are waited for together.
  await pops.clock.advance(1_000 + 50);
  const again = await pops.pop();
  expect(again.messages).toMatchObject([
    { id: 'lost', topic: RETRY, reconsumeTimes: 1, properties: { '1ST_POP_TIME': expect.any(String) } },
  ]);
  expect(again.ext).toMatchObject({ startOffsetInfo: '1 0 0', msgOffsetInfo: '1 0 0' });
  expect(await pops.ack(again.messages[0]!)).toMatchObject({ code: 0 });
  await pops.clock.advance(3 * INVISIBLE_MS);
  expect(await pops.ids()).toEqual([]);
  expect(await committed(pops, RETRY)).toEqual({ 0: 1 });
});

test('a message that nobody acknowledges ends among the dead letters', async () => {
  const pops = await setup();
  await pops.broker.ask(
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    {},
    JSON.stringify({ groupName: GROUP, retryMaxTimes: 2 }),
  );
  await pops.send(['poison']);
  for (const times of [0, 1, 2]) {
    const { messages } = await pops.pop({ invisibleTime: 10_000 });
    expect(messages).toMatchObject([{ id: 'poison', reconsumeTimes: times }]);
    await pops.clock.advance(11_050);
  }
  expect(await pops.ids()).toEqual([]);
  expect(await pops.broker.read(DEAD)).toMatchObject([{ body: Buffer.from('poison'), reconsumeTimes: 3 }]);
  expect(await pops.broker.properties(DEAD)).toMatchObject([{ RETRY_TOPIC: 'orders', TAGS: 'paid' }]);
});

test('a message whose properties have no room for more comes back all the same, and ends among the dead letters', async () => {
  const pops = await setup();
  const used = 'UNIQ_KEY=full=TAGS=paid=big==CLUSTER=DefaultCluster'.length;
  await pops.broker.send('full', { big: 'x'.repeat(32_767 - used) });
  await pops.send(['beside']);
  expect((await pops.ids()).sort()).toEqual(['beside', 'full']);
  await pops.clock.advance(INVISIBLE_MS + 1_050);
  const again = await pops.pop();
  expect(again.messages.map(({ id, topic }) => [id, topic]).sort()).toEqual([
    ['beside', RETRY],
    ['full', RETRY],
  ]);
  const full = again.messages.find(({ id }) => id === 'full');
  expect(full).toMatchObject({ reconsumeTimes: 1, properties: { big: expect.any(String) } });
  for (let tries = 2; tries <= 17; tries++) {
    await pops.clock.advance(INVISIBLE_MS + 1_050);
    await pops.pop();
  }
  expect((await pops.broker.read(DEAD)).map(({ body }) => body.toString()).sort()).toEqual(['beside', 'full']);
});

test('the invisible time can be changed, and the receipt before says nothing then', async () => {
  const pops = await setup();
  await pops.send(['a', 'b']);
  const { messages } = await pops.pop();
  const longer = await pops.change(messages[0]!, 5 * INVISIBLE_MS);
  const sooner = await pops.change(messages[1]!, 5_000);
  await pops.clock.advance(6_050);
  expect(await pops.ids()).toEqual(['b']);
  await pops.ack(sooner);
  await pops.clock.advance(4 * INVISIBLE_MS - 10_000);
  expect((await pops.pop()).messages).toMatchObject([{ id: 'b', reconsumeTimes: 2 }]);
  await pops.ack(longer);
  await pops.clock.advance(INVISIBLE_MS);
  expect(await pops.ids()).toEqual(['b']);
});

test('several messages are acknowledged together', async () => {
  const pops = await setup();
  await pops.send(['a', 'b', 'c']);
  const { ext } = await pops.pop();
  const batch = {
    consumerGroup: GROUP,
    topic: 'orders',
    retry: '0',
    startOffset: 0,
    queueId: 1,
    reviveQueueId: Number(ext.reviveQid),
    popTime: Number(ext.popTime),
    invisibleTime: INVISIBLE_MS,
    indexes: [0, 2],
  };
  expect(await pops.ackBatch({ brokerName: 'broker-a', acks: [batch] })).toMatchObject({ code: 0 });
  await pops.clock.advance(INVISIBLE_MS + 1_050);
  expect(await pops.ids()).toEqual(['b']);
  expect(await pops.ackBatch({ brokerName: 'broker-a', acks: [] })).toMatchObject({ code: 208 });
});

test('a restart keeps what was acknowledged and brings back what was not', async () => {
  const pops = await setup();
  await pops.send(['done', 'late', 'lost']);
  const { messages } = await pops.pop();
  await pops.ack(messages[0]!);
  await pops.broker.close();
  const { files, clock } = pops.broker;
  const next = await setup({ files, clock });
  expect(await next.ids()).toEqual([]);
  await next.ack(messages[1]!);
  await clock.advance(INVISIBLE_MS + 1_050);
  expect(await next.ids()).toEqual(['lost']);
});

test('tags and expressions choose what is popped, and what they pass over is not looked at again', async () => {
  const pops = await setup();
  await pops.send(['a', 'b'], { tag: 'new' });
  await pops.send(['c'], { tag: 'paid' });
  expect(await pops.ids({ exp: 'paid || gone', queueId: 1 })).toEqual(['c']);
  expect(await committed(pops)).toEqual({ 1: 3 });
  await pops.send(['d'], { tag: 'new' });
  expect(await pops.ids({ exp: 'paid' })).toEqual([]);
  expect(await committed(pops)).toMatchObject({ 1: 4 });
  expect(await pops.ids({ expType: 'SQL92', exp: "TAGS = 'paid'", consumerGroup: 'other' })).toEqual(['c']);
  expect(await pops.pop({ expType: 'SQL92', exp: 'TAGS = ' })).toMatchObject({ code: 23 });
});

test('a pop that finds nothing waits for a message, or for its time to be over', async () => {
  const pops = await setup();
  await pops.send(['first']);
  await pops.ids();
  const waits = pops.pop({ pollTime: 15_000 });
  await pops.clock.advance(10_000);
  await pops.send(['second']);
  expect((await waits).messages).toMatchObject([{ id: 'second' }]);
  const inVain = pops.pop({ pollTime: 15_000 });
  await pops.clock.advance(15_000);
  expect(await inVain).toMatchObject({
    code: 210,
    remark: 'NO_MESSAGE_IN_QUEUE',
    ext: { restNum: 0, startOffsetInfo: '', msgOffsetInfo: '', invisibleTime: INVISIBLE_MS },
  });
});

test('what comes back wakes who waits', async () => {
  const pops = await setup();
  await pops.send(['lost']);
  await pops.ids({ invisibleTime: 5_000 });
  const waits = pops.pop({ pollTime: 15_000, queueId: 3 });
  await pops.clock.advance(6_050);
  expect((await waits).messages).toMatchObject([{ id: 'lost', topic: RETRY }]);
});

test('an operator sends a group that pops elsewhere, and who waits gets the messages at once', async () => {
  const pops = await setup();
  await pops.send(['a', 'b']);
  await pops.ids({ queueId: 1 });
  const waits = pops.pop({ pollTime: 15_000 });
  await pops.clock.settle();
  await pops.ids();
  const reset = { topic: 'orders', group: GROUP, timestamp: 0, isForce: true };
  expect(await pops.broker.ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, reset)).toMatchObject({ code: 0 });
  expect((await waits).messages.map(({ id }) => id)).toEqual(['a', 'b']);
});

test('what the store refuses is not handed out, and the group stays where it was', async () => {
  const pops = await setup();
  await pops.send(['a']);
  const { store } = pops.broker;
  const { append } = store;
  store.append = (_message, done) =>
    done({ status: 'SERVICE_NOT_AVAILABLE', commitLogOffset: -1, queueOffset: -1, storeTimestamp: 0 });
  expect(await pops.pop()).toMatchObject({ code: 1, messages: [] });
  store.append = append;
  const { messages } = await pops.pop();
  expect(messages).toMatchObject([{ id: 'a' }]);
  store.append = (_message, done) =>
    done({ status: 'SERVICE_NOT_AVAILABLE', commitLogOffset: -1, queueOffset: -1, storeTimestamp: 0 });
  expect(await pops.ack(messages[0]!)).toMatchObject({ code: 1 });
  store.append = append;
});

test('in a directory of an Apache broker, which made the revive topic, a start after a kill knows what was popped too', async () => {
  const before = await setup();
  await before.send(['a']);
  await before.ids();
  await before.broker.close();
  const { files, clock } = before.broker;
  const sizes = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 2_000 };
  const store = await openMessageStore({ ...sizes, dir: '/data/store', files, clock, logger: silentLogger });
  await store.writeConfig('consumerOffset.json', '{"offsetTable":{}}');
  await store.close();
  const pops = await setup({ files, clock });
  await pops.ids();
  const { body } = await pops.broker.ask(RequestCode.GET_ALL_CONSUMER_OFFSET);
  const table = decodeConsumerOffsetTable(Buffer.from(body!));
  expect(table.get('rmq_sys_wheel_timer@CID_RMQ_SYS_REVIVE_GROUP')?.get(0)).toBe(2);
});

test('requests that cannot be served are refused with their codes', async () => {
  const pops = await setup();
  await pops.send(['a']);
  const { messages } = await pops.pop();
  const [message] = messages;
  expect(await pops.pop({ topic: 'unknown' })).toMatchObject({ code: 17 });
  expect(await pops.pop({ maxMsgNums: 33 })).toMatchObject({ code: 29 });
  expect(await pops.pop({ queueId: 99 })).toMatchObject({ code: 29 });
  expect(await pops.pop({ bornTime: pops.clock.now() - 501 })).toMatchObject({ code: 210 });
  expect(await pops.pop({ consumerGroup: 'g'.repeat(120) })).toMatchObject({ code: 29 });
  expect(await pops.ack({ ...message!, topic: 'unknown' })).toMatchObject({ code: 17 });
  expect(await pops.ack({ ...message!, queueId: 99 })).toMatchObject({ code: 13 });
  expect(await pops.ack({ ...message!, offset: 77 })).toMatchObject({ code: 208 });
  await expect(pops.ack({ ...message!, receipt: 'nonsense' })).rejects.toThrow('no receipt');
});
