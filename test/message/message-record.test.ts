import { expect, test } from 'vitest';
import { decodeBatchBody, encodeBatchBody } from '../../core/message/batch-body.js';
import { encodeHost } from '../../core/message/host.js';
import { readInt64, writeInt64 } from '../../core/message/int64.js';
import {
  type RecordFields,
  readRecord,
  readRecords,
  recordSize,
  writeRecord,
} from '../../core/message/message-record.js';
import { decodeProperties, encodeProperties, findProperty } from '../../core/message/properties.js';
import { splitKeys, toReceivedMessage } from '../../core/message/received-message.js';
import { isCompressed, SysFlag, transactionType } from '../../core/message/sys-flag.js';
import { tagsCodeOf } from '../../core/message/tag-hash.js';

const fields: RecordFields = {
  queueId: 1,
  flag: 2,
  queueOffset: 3,
  physicalOffset: 4,
  sysFlag: 0,
  bornTimestamp: 5,
  bornHost: encodeHost('10.0.0.1:1'),
  storeTimestamp: 6,
  storeHost: encodeHost('10.0.0.2:2'),
  reconsumeTimes: 7,
  preparedTransactionOffset: 8,
  body: Buffer.from('body'),
  topic: Buffer.from('T'),
  properties: encodeProperties({ a: 'b' }),
};

function write(change: Partial<RecordFields> = {}): Buffer {
  const one = { ...fields, ...change };
  const target = Buffer.alloc(recordSize(one));
  writeRecord(target, 0, one);
  return target;
}

test('IPv6 hosts lengthen the record and set their bits, IPv4 hosts clear them', () => {
  const long = readRecord(write({ bornHost: encodeHost('[::1]:1'), storeHost: encodeHost('[2001:db8::2]:2') }), 0);
  expect(long).toMatchObject({ sysFlag: 0x30, bornHost: '[::1]:1', storeHost: '[2001:db8::2]:2' });
  expect(long.totalSize).toBe(write().length + 24);
  expect(readRecord(write({ sysFlag: 0x31 }), 0).sysFlag).toBe(1);
  expect(toReceivedMessage(long, 'b').offsetMsgId).toHaveLength(56);
});

test('a record of 5.x with a long topic is read, and without one too', () => {
  for (const topic of ['x'.repeat(200), 'T']) {
    const v1 = write({ topic: Buffer.from('?') });
    const topicAt = v1.indexOf('?') - 1;
    const length = Buffer.alloc(2);
    length.writeInt16BE(topic.length);
    const v2 = Buffer.concat([v1.subarray(0, topicAt), length, Buffer.from(topic), v1.subarray(topicAt + 2)]);
    v2.writeInt32BE(v2.length, 0);
    v2.writeInt32BE(-626843477, 4);
    expect(readRecord(v2, 0)).toMatchObject({ topic, magic: -626843477, queueId: 1 });
    expect(readRecords(Buffer.concat([v1, v2, v1])).map((record) => record.topic)).toEqual(['?', topic, '?']);
  }
});

test('what a record cannot hold is refused by name, before anything is written', () => {
  const illegal = (field: string) => expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field });
  const target = Buffer.alloc(100_000);
  expect(() => writeRecord(target, 0, { ...fields, topic: Buffer.alloc(128, 'a') })).toThrow(illegal('topic'));
  expect(() => writeRecord(target, 0, { ...fields, properties: Buffer.alloc(32_768) })).toThrow(illegal('properties'));
  expect(() => encodeBatchBody([{ flag: 0, body: target, properties: Buffer.alloc(32_768) }])).toThrow(
    illegal('properties'),
  );
  expect(() => writeRecord(Buffer.alloc(write().length), 1, fields)).toThrow(RangeError);
  expect(target.every((byte) => byte === 0)).toBe(true);
});

test('a filler, a hole and a record cut short are no records', () => {
  const invalid = expect.objectContaining({ code: 'RMQ_BODY_INVALID' });
  const filler = Buffer.alloc(100);
  filler.writeInt32BE(100, 0);
  filler.writeInt32BE(-875286124, 4);
  for (const bytes of [filler, Buffer.alloc(100), Buffer.alloc(0), write().subarray(0, -1)]) {
    expect(() => readRecord(bytes, 0)).toThrow(invalid);
  }
  for (const position of [-1, 1, 1000]) expect(() => readRecord(write(), position)).toThrow(invalid);
  expect(() => decodeBatchBody(Buffer.alloc(21))).toThrow(invalid);
  expect(() => decodeBatchBody(Buffer.alloc(22))).toThrow(invalid);
});

test('int64s are exact to 2^53 and saturate', () => {
  const bytes = Buffer.alloc(8);
  for (const value of [0, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    writeInt64(bytes, 0, value);
    expect(bytes.readBigInt64BE()).toBe(BigInt(value));
    expect(readInt64(bytes, 0)).toBe(value);
  }
  writeInt64(bytes, 0, 2 ** 63);
  expect(bytes.readBigInt64BE()).toBe(2n ** 63n - 1n);
  writeInt64(bytes, 0, -(2 ** 64));
  expect(bytes.readBigInt64BE()).toBe(-(2n ** 63n));
  writeInt64(bytes, 0, -(2 ** 63));
  expect(bytes.readBigInt64BE()).toBe(-(2n ** 63n));
});

test('a received message holds no view into the answer, and shows its parts', () => {
  const properties = encodeProperties({ UNIQ_KEY: 'ID', TAGS: 't', KEYS: 'k1  k2 ', own: '1' });
  const record = readRecord(write({ properties, sysFlag: 1 }), 0);
  const message = toReceivedMessage<number>(record, 'broker-a', {
    body: Buffer.from('plain'),
    value: 5,
    topic: 'mine',
  });
  expect(message).toMatchObject({ topic: 'mine', msgId: 'ID', tag: 't', keys: ['k1', 'k2'], sysFlag: 0, value: 5 });
  expect(message.body.toString()).toBe('plain');
  expect(toReceivedMessage(record, 'broker-a')).toMatchObject({ topic: 'T', sysFlag: 1, value: undefined });
  const bare = toReceivedMessage(readRecord(write(), 0), 'b');
  expect([bare.tag, bare.keys, bare.msgId]).toEqual([undefined, [], bare.offsetMsgId]);
  expect(splitKeys('  ')).toEqual([]);
});

test('properties as Java reads them: a repeated name, entries too short, no separator, either ending', () => {
  const text =
    'A\u0001one\u0002A\u0001two\u0002b\u0001\u0002\u0001v\u0002x\u0002novalue\u0002c\u0001d\u0001e\u0002z\u00010';
  expect({ ...decodeProperties(text) }).toEqual({ A: 'two', c: 'd\u0001e', z: '0' });
  expect({ ...decodeProperties(`${text}\u0002`) }).toEqual({ A: 'two', c: 'd\u0001e', z: '0' });
  expect(decodeProperties(Buffer.alloc(0))).toEqual({});
  expect(findProperty(text, 'A')).toBe('two');
  expect(findProperty(text, 'b')).toBeUndefined();
  expect(findProperty('A\u0001x\u0002A\u0001', 'A')).toBe('x');
});

test('properties of any shape are read in time that grows with their length', () => {
  const shapes = ['ab\u0002', '\u0001', 'a\u0001', '\u0002', 'a\u0001b'];
  for (const shape of shapes) {
    const text = shape.repeat(500_000);
    const before = performance.now();
    decodeProperties(text);
    findProperty(text, 'TAGS');
    expect(performance.now() - before).toBeLessThan(5000);
  }
});

test('flags and tags', () => {
  expect([isCompressed(0x301), isCompressed(0x300)]).toEqual([true, false]);
  expect([transactionType(0xc | 1), transactionType(0x31)]).toEqual([SysFlag.TRANSACTION_ROLLBACK, 0]);
  expect([tagsCodeOf(undefined), tagsCodeOf('TagA')]).toEqual([0, 2598919]);
});
