/** The notes of what was popped: how they are written, and what a revive queue makes of them. */
import { expect, test } from 'vitest';
import { decodeBatchAckRequest, encodeBatchAckRequest } from '../../../core/remoting/protocol/batch-ack.js';
import {
  type Checkpoint,
  decodeAck,
  decodeCheckpoint,
  encodeAck,
  encodeCheckpoint,
  reviveTimeOf,
} from '../../../core/server/broker/pop/checkpoint.js';
import { OrderInfo } from '../../../core/server/broker/pop/order-info.js';
import { originalTopicOf, parseReceipt, poppedTopicOf } from '../../../core/server/broker/pop/pop-receipt.js';
import { ReviveQueue } from '../../../core/server/broker/pop/revive-queue.js';

const NAME = { topic: 'orders', group: 'billing', queueId: 3, startOffset: 10, popTime: 1_000, brokerName: 'broker-a' };
const CHECKPOINT: Checkpoint = { ...NAME, invisibleTime: 500, offsets: [10, 12, 15], ackedBits: 0 };

function ackBody(...offsets: number[]): Buffer {
  return encodeAck({ ...NAME, offsets });
}

test('checkpoints and acknowledgements are the text that Java writes and reads', () => {
  expect(encodeCheckpoint(CHECKPOINT).toString()).toBe(
    '{"bm":0,"bn":"broker-a","c":"billing","d":[0,2,5],"it":500,"n":3,"pt":1000,"q":3,"ro":0,"so":10,"t":"orders"}',
  );
  expect(decodeCheckpoint(encodeCheckpoint(CHECKPOINT))).toEqual(CHECKPOINT);
  const first = '{"bm":2,"c":"billing","it":500,"n":3,"pt":1000,"q":3,"so":10,"t":"orders","rp":"1"}';
  expect(decodeCheckpoint(Buffer.from(first))).toMatchObject({ offsets: [10, 11, 12], ackedBits: 2, brokerName: '' });
  expect(ackBody(12).toString()).toBe('{"ao":12,"bn":"broker-a","c":"billing","pt":1000,"q":3,"so":10,"t":"orders"}');
  expect(decodeAck(ackBody(12))).toEqual({ ...NAME, offsets: [12] });
  expect(decodeAck(ackBody(12, 15))).toEqual({ ...NAME, offsets: [12, 15] });
  expect(reviveTimeOf(CHECKPOINT)).toBe(1_500);
});

test('a batch names its messages by bits, as a Java BitSet', () => {
  const acks = [
    {
      ...{ consumerGroup: 'billing', topic: 'orders', retry: '1', startOffset: 10, queueId: 3, reviveQueueId: 7 },
      ...{ popTime: 1_000, invisibleTime: 500, indexes: [0, 2, 9] },
    },
    {
      ...{ consumerGroup: 'billing', topic: 'orders', retry: '0', startOffset: 0, queueId: 0, reviveQueueId: 0 },
      ...{ popTime: 1_000, invisibleTime: 500, indexes: [] },
    },
  ];
  const body = encodeBatchAckRequest({ brokerName: 'broker-a', acks });
  expect(JSON.parse(body.toString()).acks[0].b).toBe(Buffer.from([0b101, 0b10]).toString('base64'));
  expect(decodeBatchAckRequest(body)).toEqual({ brokerName: 'broker-a', acks });
});

test('a receipt names the topic that a message was popped from', () => {
  const { retryFlag } = parseReceipt('10 1000 500 7 1 broker-a 3 12');
  expect(poppedTopicOf(retryFlag, 'orders', 'billing')).toBe('%RETRY%billing_orders');
  expect(poppedTopicOf('2', 'orders', 'billing')).toBe('%RETRY%billing+orders');
  for (const topic of ['orders', '%RETRY%billing_orders', '%RETRY%billing+orders']) {
    expect(originalTopicOf(topic, 'billing')).toBe('orders');
  }
  for (const text of ['', '10 1000', 'x 1000 500 7 1 broker-a 3 12']) {
    expect(() => parseReceipt(text)).toThrow('no receipt');
  }
});

test('a revive queue keeps what nobody acknowledged, in whichever order the notes come', () => {
  const queue = new ReviveQueue(5);
  // A store that refused for a moment takes a checkpoint behind its acknowledgement.
  queue.take(5, 'ack', ackBody(12));
  queue.take(6, 'ck', encodeCheckpoint(CHECKPOINT));
  queue.take(7, 'bAck', ackBody(10, 99));
  expect(queue.settledTo).toBe(6);
  expect([...queue.due(1_499)]).toEqual([]);
  const [waiting] = [...queue.due(1_500)];
  expect([...waiting!.unacked]).toEqual([15]);
  expect(queue.firstDueMs).toBe(1_500);
  queue.take(8, 'ack', ackBody(15));
  expect([queue.settledTo, queue.size, queue.firstDueMs]).toEqual([9, 0, undefined]);
  queue.take(9, 'ck', encodeCheckpoint({ ...CHECKPOINT, ackedBits: 0b111 }));
  queue.take(10, 'something else', Buffer.from('x'));
  expect(() => queue.take(11, 'ck', Buffer.from('no JSON'))).toThrow();
  expect([queue.settledTo, queue.size]).toEqual([12, 0]);
});

test('what is popped in order is kept as Java keeps it', () => {
  const pop = { popTime: 1_000, invisibleTime: 500, offsets: [10, 12], attemptId: 'one' };
  const first = OrderInfo.of({ ...pop, attemptId: undefined }, 1_000, undefined);
  const info = OrderInfo.of(pop, 1_000, first);
  info.ack(12, 1_000);
  info.changeVisible(10, 1_000, 9_000);
  const text = JSON.parse(JSON.stringify(info.value, (_, value) => plain(value)));
  const written = { a: 'one', cm: 2, i: 500, l: 1_000, o: [10, 2], oc: { 10: 1, 12: 1 }, ot: { 10: 9_000 } };
  expect(text).toEqual({ ...written, popTime: 1_000 });
  const read = OrderInfo.read(text, 'info');
  expect(read.value).toEqual(info.value);
  expect([read.blockedUntil(8_999), read.blockedUntil(9_000), read.blockedUntil(1, 'one')]).toEqual([
    9_000,
    undefined,
    undefined,
  ]);
});

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}
