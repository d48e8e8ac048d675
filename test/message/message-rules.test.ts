import { expect, test } from 'vitest';
import type { OutgoingMessage } from '../../core/message/message.js';
import { formatMessageProperties } from '../../core/message/message-properties.js';
import {
  GROUP_LENGTH_MAX,
  groupProblem,
  MESSAGE_SIZE_BYTES_MAX,
  requireMessage,
  requireNoBody,
  TOPIC_LENGTH_MAX,
  topicProblem,
  validateGroup,
  validateMessage,
  validateSendTopic,
  validateTopic,
} from '../../core/message/message-rules.js';
import { RESERVED_PROPERTY_NAMES } from '../../core/message/property-names.js';
import { isSystemTopic } from '../../core/message/system-topics.js';

const UNIQUE_ID = '0A0000010D9A18B4AAC2123456780001';

/** How a message that breaks the rules comes to be in JavaScript. */
const message = (change: Record<string, unknown>): OutgoingMessage =>
  ({ topic: 'T', body: 'x', ...change }) as OutgoingMessage;

function expectIllegal(change: Record<string, unknown>, field: string, text: RegExp): void {
  expect(() => validateMessage(message(change))).toThrow(
    expect.objectContaining({
      code: 'RMQ_MESSAGE_ILLEGAL',
      field,
      message: expect.stringMatching(text),
      retryable: false,
    }),
  );
}

test('topics', () => {
  expect([topicProblem('%RETRY%a|b_C-9'), topicProblem(''), topicProblem(' '), topicProblem('a b')]).toEqual([
    undefined,
    'blank',
    'blank',
    'illegal characters',
  ]);
  expect(topicProblem('a'.repeat(TOPIC_LENGTH_MAX))).toBeUndefined();
  expect(topicProblem('a'.repeat(TOPIC_LENGTH_MAX + 1))).toBe('too long');
  expect(() => validateTopic('tôpic')).toThrow(
    expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic', topic: 'tôpic' }),
  );
  expect(() => validateTopic(undefined as unknown as string)).toThrow(/blank/);
  expect(() => validateTopic('a\n')).toThrow(/illegal characters/);
});

test.each([
  'SCHEDULE_TOPIC_XXXX',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
])('nobody may send to %s', (topic) => {
  expect(() => validateSendTopic(topic)).toThrow(
    expect.objectContaining({ field: 'topic', message: expect.stringMatching(/forbidden/) }),
  );
  expect(isSystemTopic(topic)).toBe(true);
});

test('system topics that may be sent to', () => {
  for (const topic of ['TBW102', 'BenchmarkTest', 'RMQ_SYS_TRACE_TOPIC', 'rmq_sys_anything']) {
    expect(isSystemTopic(topic)).toBe(true);
    expect(() => validateSendTopic(topic)).not.toThrow();
  }
  expect(isSystemTopic('orders')).toBe(false);
});

test('groups', () => {
  expect(groupProblem('a'.repeat(GROUP_LENGTH_MAX))).toBeUndefined();
  for (const group of ['', 'a b', 'a'.repeat(GROUP_LENGTH_MAX + 1), 'DEFAULT_PRODUCER', 'DEFAULT_CONSUMER', 7]) {
    expect(() => validateGroup(group as string)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'group' }),
    );
  }
  expect(() => validateGroup('checkout')).not.toThrow();
});

test('bodies', () => {
  for (const body of ['x', Buffer.from('x'), new Uint8Array(1), 'é漢😀', 'x'.repeat(MESSAGE_SIZE_BYTES_MAX)]) {
    expect(() => validateMessage(message({ body }))).not.toThrow();
  }
  expectIllegal({ body: '' }, 'body', /empty/);
  expectIllegal({ body: new Uint8Array() }, 'body', /empty/);
  expectIllegal({ body: 'é'.repeat(MESSAGE_SIZE_BYTES_MAX / 2 + 1) }, 'body', /4194306 bytes, at most 4194304/);
  expectIllegal({ body: 'a\ud800' }, 'body', /lone surrogate/);
  for (const body of [undefined, null, 5, {}, [1], new ArrayBuffer(1), new Uint16Array(1)]) {
    expectIllegal({ body }, 'body', /string or a Uint8Array/);
  }
  expectIllegal(
    { body: { id: '42' } },
    'body',
    /it is Object; a value takes a typed topic, such as topic\("T", json\(\)\)$/,
  );
  expectIllegal({ body: new ArrayBuffer(1) }, 'body', /it is ArrayBuffer$/);
  expect(() => validateMessage(message({ body: 'abc' }), 2)).toThrow(/at most 2/);
});

test('a message that is none', () => {
  for (const none of [undefined, null, 'text', [message({})]]) {
    expect(() => validateMessage(none as unknown as OutgoingMessage)).toThrow(
      expect.objectContaining({ field: 'message' }),
    );
  }
  expect(() => requireMessage([message({})])).toThrow(/it is Array; sendAll and sendBatch take many/);
});

test('a message of a typed topic has a value and no body', () => {
  expect(() => requireNoBody({ value: 42 }, 'orders')).not.toThrow();
  expect(() => requireNoBody({ value: 42, body: undefined }, 'orders')).not.toThrow();
  expect(() => requireNoBody({ body: 'order 42' }, 'orders')).toThrow(/typed topic "orders" has a value/);
});

test('fields as other clients call them are refused: their message would go out without what they say', () => {
  expectIllegal({ tags: 'created' }, 'tags', /no field tags; did you mean tag\?/);
  expectIllegal({ key: '42' }, 'key', /no field key; did you mean keys\?/);
  expectIllegal({ body: undefined, value: { id: 42 } }, 'body', /takes a typed topic, such as topic\("T", json\(\)\)/);
  expect(() => validateMessage(message({ tags: undefined, order: 42 }))).not.toThrow();
});

test('tag, keys and flag', () => {
  for (const tag of ['', ' ', '\t', '\u00a0', 5, null, 'a\u0001']) expectIllegal({ tag }, 'tag', /tag/);
  for (const keys of ['', 'a b', ['a', ''], ['a b'], [5], ['a', undefined], 'a\u0002b'])
    expectIllegal({ keys }, 'keys', /key/);
  expectIllegal({ keys: new Set(['a']) }, 'keys', /array of strings/);
  expectIllegal({ keys: {} }, 'keys', /array of strings/);
  for (const flag of [1.5, 2 ** 31, Number.NaN, '1']) expectIllegal({ flag }, 'flag', /32-bit/);
  for (const good of [{ keys: [] }, { keys: ['a', 'b'] }, { flag: -1 }, { tag: 'a||b' }]) {
    expect(() => validateMessage(message(good))).not.toThrow();
  }
});

test('properties', () => {
  expectIllegal({ properties: new Map([['a', 'b']]) }, 'properties', /plain object, they are Map/);
  expectIllegal({ properties: ['a'] }, 'properties', /plain object, they are Array/);
  expectIllegal({ properties: null }, 'properties', /plain object, they are null/);
  expectIllegal({ properties: { a: 5 } }, 'properties.a', /has to be a string, it is number/);
  expectIllegal({ properties: { a: undefined } }, 'properties.a', /undefined/);
  expectIllegal({ properties: { a: ' ' } }, 'properties.a', /blank/);
  expectIllegal({ properties: { ' ': 'a' } }, 'properties', /blank/);
  expectIllegal({ properties: { TAGS: 'a' } }, 'properties.TAGS', /used by RocketMQ/);
  expectIllegal({ properties: JSON.parse('{"__proto__":""}') }, 'properties.__proto__', /empty/);
  for (const free of ['__SHARDINGKEY', 'REDIRECT', 'TRACE_CONTEXT', 'tags', 'Keys', 'constructor']) {
    expect(() => validateMessage(message({ properties: { [free]: 'v' } }))).not.toThrow();
  }
});

test('the reserved names are those of 4.9 and 5.x together', () => {
  const some = [
    'KEYS',
    'TAGS',
    'WAIT',
    'DELAY',
    'UNIQ_KEY',
    'CLUSTER',
    'MIN_OFFSET',
    'TRAN_PREPARED_QUEUE_OFFSET',
    'POP_CK',
    'TIMER_DELIVER_MS',
    '__CRC32#',
    '1ST_POP_TIME',
    '_SYS_MSG_PRIORITY_',
  ];
  for (const name of some) expect(RESERVED_PROPERTY_NAMES.has(name)).toBe(true);
  const free = [
    '__transactionId__',
    '__SHARDINGKEY',
    'PROPERTY_FORWARD_QUEUE_ID',
    'REDIRECT',
    'TRACE_CONTEXT',
    'INNER_MULTI_DISPATCH',
    'TRANSACTION_CHECK_TIMES',
    'CHECK_IMMUNITY_TIME_IN_SECONDS',
    'INNER_NUM',
    'INNER_BASE',
    'TRANS_OFFSET',
    'TIMER_ROLL_LABEL',
  ];
  for (const name of free) expect(RESERVED_PROPERTY_NAMES.has(name)).toBe(false);
});

test('the limit on properties counts what is written, to the byte', () => {
  const written = (change: Record<string, unknown>) =>
    Buffer.byteLength(formatMessageProperties(message(change), UNIQUE_ID));
  for (const unit of ['a', 'é', '漢', '😀']) {
    const base = { tag: 'é', keys: ['k1', '漢'], properties: { p: unit, q: 'x' } };
    const room = 32_767 - written(base);
    const filled = { ...base, properties: { p: unit.repeat(1 + Math.floor(room / Buffer.byteLength(unit))), q: 'x' } };
    const rest = 32_767 - written(filled);
    const exact = { ...filled, properties: { ...filled.properties, q: 'x'.repeat(1 + rest) } };
    expect(written(exact)).toBe(32_767);
    expect(() => validateMessage(message(exact))).not.toThrow();
    const over = { ...filled, properties: { ...filled.properties, q: 'x'.repeat(2 + rest) } };
    expectIllegal(over, 'properties', /at most 32767/);
    expect(() => written(over)).toThrow(expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'properties' }));
  }
});

test('system properties of a feature are written after the message’s own', () => {
  const sent = message({ waitStored: false, keys: 'k', properties: { own: '1' } });
  expect(formatMessageProperties(sent, UNIQUE_ID, { TRAN_MSG: 'true', PGROUP: 'g' }).split('\u0002')).toEqual([
    'WAIT\u0001false',
    `UNIQ_KEY\u0001${UNIQUE_ID}`,
    'KEYS\u0001k',
    'own\u00011',
    'TRAN_MSG\u0001true',
    'PGROUP\u0001g',
  ]);
});
