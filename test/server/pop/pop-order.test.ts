import { expect, onTestFinished, test } from 'vitest';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { DelayBrokerParts } from '../delay/delay-broker.js';
import { GROUP, PopBroker } from './pop-broker.js';

const IN_ORDER = { order: true, queueId: 1, invisibleTime: 10_000 };

async function setup(parts: DelayBrokerParts = {}): Promise<PopBroker> {
  const pops = await PopBroker.open(parts);
  onTestFinished(() => pops.broker.forget());
  return pops;
}

async function committed(pops: PopBroker): Promise<number> {
  const asked = { consumerGroup: GROUP, topic: 'orders', queueId: 1 };
  return Number((await pops.broker.ask(RequestCode.QUERY_CONSUMER_OFFSET, asked)).ext?.offset);
}

test('a queue that is popped in order waits until all that was handed out is acknowledged', async () => {
  const pops = await setup();
  await pops.send(['a', 'b', 'c']);
  await pops.send(['x'], { queueId: 2 });
  const first = await pops.pop({ ...IN_ORDER, maxMsgNums: 2 });
  expect(first.messages.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(first.ext).toMatchObject({ reviveQid: 999, startOffsetInfo: '0 1 0', orderCountInfo: '0 1 0', restNum: 0 });
  expect(await committed(pops)).toBe(0);
  expect(await pops.ids({ ...IN_ORDER, queueId: -1 })).toEqual(['x']);
  const waits = pops.pop({ ...IN_ORDER, pollTime: 8_000 });
  await pops.ack(first.messages[1]!);
  expect(await committed(pops)).toBe(0);
  await pops.clock.settle();
  await pops.ack(first.messages[0]!);
  expect(await committed(pops)).toBe(2);
  expect((await waits).messages.map(({ id }) => id)).toEqual(['c']);
});

test('what is not acknowledged in time is handed out again from there on, with how often it was', async () => {
  const pops = await setup();
  await pops.send(['a', 'b', 'c']);
  const { messages } = await pops.pop({ ...IN_ORDER, maxMsgNums: 2 });
  await pops.ack(messages[0]!);
  const waits = pops.pop({ ...IN_ORDER, pollTime: 15_000 });
  await pops.clock.advance(9_999);
  expect(await pops.ids(IN_ORDER)).toEqual([]);
  await pops.clock.advance(1);
  const again = await waits;
  expect(again.messages.map(({ id }) => id)).toEqual(['b', 'c']);
  expect(again.ext).toMatchObject({ orderCountInfo: '0 qo1%1 1;0 1 0' });
  // A receipt of the pop before says nothing any more; one of no message is refused.
  expect(await pops.ack(messages[1]!)).toMatchObject({ code: 0 });
  expect(await committed(pops)).toBe(1);
  await pops.send(['d']);
  expect(await pops.ack({ ...again.messages[0]!, offset: 3 })).toMatchObject({ code: 13 });
  await pops.clock.advance(10_000);
  expect((await pops.pop({ ...IN_ORDER, maxMsgNums: 1 })).ext).toMatchObject({ orderCountInfo: '0 qo1%1 2;0 1 2' });
});

test('the time of an ordered message can be changed, and a request that is sent again gets the same messages', async () => {
  const pops = await setup();
  await pops.send(['a', 'b']);
  const { messages } = await pops.pop({ ...IN_ORDER, maxMsgNums: 1, attemptId: 'one' });
  expect(await pops.ids({ ...IN_ORDER, maxMsgNums: 1, attemptId: 'two' })).toEqual([]);
  expect((await pops.pop({ ...IN_ORDER, maxMsgNums: 1, attemptId: 'one' })).messages).toMatchObject([
    { id: 'a', receipt: messages[0]!.receipt },
  ]);
  await pops.change(messages[0]!, 2_000);
  await pops.clock.advance(2_000);
  expect(await pops.ids(IN_ORDER)).toEqual(['a', 'b']);
});

test('a restart keeps what blocks a queue, and an operator who sets the offset ends it', async () => {
  const pops = await setup();
  await pops.send(['a', 'b', 'c']);
  const { messages } = await pops.pop({ ...IN_ORDER, maxMsgNums: 2 });
  await pops.ack(messages[1]!);
  await pops.broker.close();
  const next = await setup({ files: pops.broker.files, clock: pops.clock });
  expect(await next.ids(IN_ORDER)).toEqual([]);
  await next.ack(messages[0]!);
  expect(await next.ids(IN_ORDER)).toEqual(['c']);
  const reset = { consumerGroup: GROUP, topic: 'orders', queueId: 1, commitOffset: 1 };
  await next.broker.ask(RequestCode.UPDATE_CONSUMER_OFFSET, reset);
  expect(await next.ids(IN_ORDER)).toEqual(['b', 'c']);
});
