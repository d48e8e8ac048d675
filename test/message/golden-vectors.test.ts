import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeBatchBody, encodeBatchBody } from '../../core/message/batch-body.js';
import { compressionTypeOf } from '../../core/message/compression/decompress.js';
import { zlibCompressor } from '../../core/message/compression/zlib.js';
import { encodeHost } from '../../core/message/host.js';
import { formatOffsetMsgId, parseOffsetMsgId } from '../../core/message/message-ids.js';
import { type RecordFields, readRecord, recordSize, writeRecord } from '../../core/message/message-record.js';
import { decodeProperties, encodeProperties } from '../../core/message/properties.js';
import { javaStringHash } from '../../core/message/tag-hash.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const K1_V1_AS_5X_WRITES_IT = hex('6b3101763102');

/** Written by Apache 5.x, whose properties end with 0x02. */
const RECORD = hex(`
  0000006c daa320a7 3610a686 00000003 00000000 0000000000000009 00000000000004d2 00000000 0000018bcfe56800
  0a000001 0000c350 0000018bcfe5687b 0a000002 00002a9f 00000000 0000000000000000 00000005 68656c6c6f
  06 546f70696341 0006 6b3101763102`);

const FIELDS: RecordFields = {
  queueId: 3,
  flag: 0,
  queueOffset: 9,
  physicalOffset: 1234,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  bornHost: encodeHost('10.0.0.1:50000'),
  storeTimestamp: 1_700_000_000_123,
  storeHost: encodeHost('10.0.0.2:10911'),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('hello'),
  topic: Buffer.from('TopicA'),
  properties: K1_V1_AS_5X_WRITES_IT,
};

test('a record is byte for byte what Apache writes', () => {
  const target = Buffer.alloc(RECORD.length + 7, 0xee);
  expect(recordSize(FIELDS)).toBe(RECORD.length);
  expect(writeRecord(target, 5, FIELDS)).toBe(RECORD.length);
  expect(target.subarray(5, 5 + RECORD.length)).toEqual(RECORD);
  expect([target[4], target[5 + RECORD.length]]).toEqual([0xee, 0xee]);
});

test('Apache’s record reads as what it was written from', () => {
  const record = readRecord(RECORD, 0);
  expect(record).toMatchObject({
    totalSize: 108,
    bodyCrc: 907_060_870,
    queueId: 3,
    queueOffset: 9,
    physicalOffset: 1234,
    bornTimestamp: 1_700_000_000_000,
    bornHost: '10.0.0.1:50000',
    storeTimestamp: 1_700_000_000_123,
    storeHost: '10.0.0.2:10911',
    topic: 'TopicA',
  });
  expect(record.body.toString()).toBe('hello');
  expect(decodeProperties(record.properties)).toEqual({ k1: 'v1' });
});

test('a record as 4.9 writes it is one byte shorter', () => {
  const properties = encodeProperties({ k1: 'v1' });
  expect(properties).toHaveLength(5);
  expect(recordSize({ ...FIELDS, properties })).toBe(107);
});

test('a batch item is what Apache writes', () => {
  const item = hex(`0000002b 00000000 00000000 00000000 00000005 68656c6c6f 0010 6b3101763102
    57414954017472756502`);
  const properties = hex('6b310176310257414954017472756502');
  expect(encodeBatchBody([{ flag: 0, body: Buffer.from('hello'), properties }])).toEqual(item);
  const [read] = decodeBatchBody(item);
  expect(decodeProperties(read!.properties)).toEqual({ k1: 'v1', WAIT: 'true' });
  const as49 = encodeProperties({ k1: 'v1', WAIT: 'true' });
  expect(encodeBatchBody([{ flag: 0, body: Buffer.from('hello'), properties: as49 }])).toHaveLength(42);
});

test('hashes are Java’s', () => {
  expect(javaStringHash('TagA')).toBe(2598919);
  expect(javaStringHash('TagB')).toBe(2598920);
  expect(javaStringHash('order-created')).toBe(-392709271);
  expect(Math.abs(javaStringHash('TopicA#KEY1'))).toBe(640873123);
  expect(javaStringHash('')).toBe(0);
});

test('an offsetMsgId is what Apache makes of host and offset', () => {
  const id = '0A00000200002A9F00000000000004D2';
  expect(formatOffsetMsgId('10.0.0.2:10911', 1234)).toBe(id);
  expect(parseOffsetMsgId(id)).toEqual({ host: '10.0.0.2:10911', offset: 1234 });
});

test('zlib reads what Apache compressed, and writes the same at the same level', async () => {
  const plain = Buffer.alloc(40, 'a');
  const apache = hex('785e4b4c240e000036eb0f29');
  expect(await zlibCompressor.decompress(apache, 40)).toEqual(plain);
  expect(await zlibCompressor.compress(plain, 5)).toEqual(deflateSync(plain, { level: 5 }));
  expect(compressionTypeOf(apache, 0x1)).toBe('ZLIB');
  expect(compressionTypeOf(hex('04224d186070730b'), 0x1)).toBe('LZ4');
  expect(compressionTypeOf(hex('28b52ffd00584400'), 0x1)).toBe('ZSTD');
  expect(compressionTypeOf(apache, 0x301)).toBe('ZLIB');
  expect(compressionTypeOf(apache, 0x101)).toBe('LZ4');
  expect(compressionTypeOf(apache, 0x201)).toBe('ZSTD');
});
