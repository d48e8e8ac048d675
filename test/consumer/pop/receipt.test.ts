import { expect, test } from 'vitest';
import { formatReceipt, originOf, parseReceipt, realTopic } from '../../../core/consumer/pop/receipt.js';

const text = '3 1763809265123 60000 4 2 broker-a 1 5';

test('a receipt is read as it is written, by our own broker and Apache’s', () => {
  const receipt = parseReceipt(text, 5);
  expect(receipt).toEqual({
    startOffset: 3,
    popTime: 1_763_809_265_123,
    invisibleTimeMs: 60_000,
    reviveQueueId: 4,
    origin: '2',
    brokerName: 'broker-a',
    queueId: 1,
    queueOffset: 5,
  });
  expect(formatReceipt(receipt!)).toBe(text);
  expect(parseReceipt('3 1763809265123 60000 4 0 broker-a 1', 9)).toMatchObject({ origin: '0', queueOffset: 9 });
});

test.each(['', 'x', '3 1 2', '3 1 60000 4 7 broker-a 1 5', '3 one 60000 4 0 broker-a 1 5'])('%j is none', (wrong) => {
  expect(parseReceipt(wrong, 0)).toBeUndefined();
});

test('what comes again lies in a topic of the group, of either version', () => {
  expect(realTopic('orders', 'billing', '0')).toBe('orders');
  expect(realTopic('orders', 'billing', '1')).toBe('%RETRY%billing_orders');
  expect(realTopic('orders', 'billing', '2')).toBe('%RETRY%billing+orders');
  const topics = ['orders', '%RETRY%billing_orders', '%RETRY%billing+orders'];
  expect(topics.map((topic) => originOf(topic, 'billing'))).toEqual(['0', '1', '2']);
});
