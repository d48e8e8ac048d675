import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import { type BatchItem, decodeBatchBody, encodeBatchBody } from '../../core/message/batch-body.js';
import { decodeHost, encodeHost } from '../../core/message/host.js';
import { formatOffsetMsgId, parseOffsetMsgId } from '../../core/message/message-ids.js';
import { formatMessageProperties } from '../../core/message/message-properties.js';
import {
  bodyCrcOf,
  type RecordFields,
  readRecord,
  readRecords,
  recordSize,
  writeRecord,
} from '../../core/message/message-record.js';
import { validateMessage } from '../../core/message/message-rules.js';
import { encodeProperties } from '../../core/message/properties.js';
import { RESERVED_PROPERTY_NAMES } from '../../core/message/property-names.js';
import { toReceivedMessage } from '../../core/message/received-message.js';
import { bytes, damaged, garbage, illegalText, int32, legalText, RUNS, safeInteger, tableOf } from './arbitraries.js';

const address = fc.oneof(
  fc.ipV4().map((ip) => ip),
  fc.ipV6().map((ip) => `[${ip}]`),
);
const host = fc.tuple(address, fc.integer({ min: 0, max: 65535 })).map(([ip, port]) => encodeHost(`${ip}:${port}`));
const name = fc.string({ unit: fc.constantFrom(...'%|aZ09_-'), minLength: 1, maxLength: 127 });

const fields: fc.Arbitrary<RecordFields> = fc.record({
  queueId: int32,
  flag: int32,
  queueOffset: safeInteger,
  physicalOffset: safeInteger,
  sysFlag: int32,
  bornTimestamp: safeInteger,
  bornHost: host,
  storeTimestamp: safeInteger,
  storeHost: host,
  reconsumeTimes: int32,
  preparedTransactionOffset: safeInteger,
  body: bytes,
  topic: name.map((topic) => Buffer.from(topic)),
  properties: fc.oneof(bytes, tableOf(legalText, legalText).map(encodeProperties)),
});

function write(one: RecordFields): Buffer {
  const target = Buffer.alloc(recordSize(one));
  expect(writeRecord(target, 0, one)).toBe(target.length);
  return target;
}

test('any record reads as what was written', () => {
  const property = fc.property(fields, fc.integer({ min: 0, max: 9 }), (one, offset) => {
    const written = write(one);
    const record = readRecord(Buffer.concat([Buffer.alloc(offset, 0xee), written, Buffer.alloc(3, 0xee)]), offset);
    const hostBits = (one.bornHost.length === 20 ? 0x10 : 0) | (one.storeHost.length === 20 ? 0x20 : 0);
    expect(record).toEqual({
      ...one,
      totalSize: written.length,
      magic: -626843481,
      bodyCrc: bodyCrcOf(one.body),
      sysFlag: (one.sysFlag & ~0x30) | hostBits,
      bornHost: decodeHost(one.bornHost),
      storeHost: decodeHost(one.storeHost),
      topic: one.topic.toString(),
    });
  });
  fc.assert(property, RUNS);
});

test('hosts and offsetMsgIds read as what was written', () => {
  const property = fc.property(host, safeInteger, (bytesOfHost, offset) => {
    const text = decodeHost(bytesOfHost);
    expect(encodeHost(text)).toEqual(bytesOfHost);
    expect(encodeHost(text.replace(/[[\]]/g, ''))).toEqual(bytesOfHost);
    expect(parseOffsetMsgId(formatOffsetMsgId(text, offset))).toEqual({ host: text, offset });
  });
  fc.assert(property, RUNS);
});

test('garbage and damaged records are refused by name or read within their bounds', () => {
  const source = fc.oneof(
    garbage,
    fields.chain((one) => damaged(write(one))),
    fc.array(fields, { maxLength: 3 }).chain((many) => damaged(Buffer.concat(many.map(write)))),
  );
  const property = fc.property(source, (buffer) => {
    const trapped = Buffer.concat([buffer, Buffer.alloc(64, 0x01)]).subarray(0, buffer.length);
    try {
      let total = 0;
      for (const record of readRecords(trapped)) total += record.totalSize;
      expect(total).toBe(buffer.length);
    } catch (error) {
      expect(isRocketMQError(error, 'RMQ_BODY_INVALID')).toBe(true);
    }
  });
  fc.assert(property, { numRuns: 3000 });
});

test('any batch reads as what was written; damaged ones are refused by name or read within their bounds', () => {
  const item: fc.Arbitrary<BatchItem> = fc.record({ flag: int32, body: bytes, properties: bytes });
  const batch = fc.array(item, { maxLength: 5 });
  const roundTrip = fc.property(batch, (items) => {
    expect(decodeBatchBody(encodeBatchBody(items))).toEqual(items);
  });
  fc.assert(roundTrip, RUNS);
  const hostile = fc.property(
    fc.oneof(
      garbage,
      batch.chain((items) => damaged(encodeBatchBody(items))),
    ),
    (body) => {
      try {
        for (const { body: one, properties } of decodeBatchBody(body))
          expect(one.length + properties.length).toBeLessThan(body.length);
      } catch (error) {
        expect(isRocketMQError(error, 'RMQ_BODY_INVALID')).toBe(true);
      }
    },
  );
  fc.assert(hostile, { numRuns: 2000 });
});

const word = legalText.filter((text) => text.trim() !== '');
const key = word.filter((text) => !text.includes(' '));
const ownName = word.filter((text) => !RESERVED_PROPERTY_NAMES.has(text));
const message = fc.record(
  {
    topic: name,
    body: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.string({ unit: 'grapheme', minLength: 1 })),
    tag: word,
    keys: fc.oneof(key, fc.array(key, { maxLength: 4 })),
    properties: tableOf(ownName, word),
    flag: int32,
    waitStored: fc.boolean(),
  },
  { requiredKeys: ['topic', 'body'] },
);

test('any legal message comes back from its record as it was sent', () => {
  const property = fc.property(message, fields, (sent, rest) => {
    validateMessage(sent);
    const uniqueId = '0A0000010D9A18B4AAC2123456780001';
    const record = write({
      ...rest,
      sysFlag: 0,
      flag: sent.flag ?? 0,
      topic: Buffer.from(sent.topic),
      body: Buffer.from(sent.body as string),
      properties: Buffer.from(formatMessageProperties(sent, uniqueId)),
    });
    const received = toReceivedMessage(readRecord(record, 0), 'broker-a');
    expect(received).toMatchObject({
      topic: sent.topic,
      msgId: uniqueId,
      flag: sent.flag ?? 0,
      brokerName: 'broker-a',
    });
    expect(received.body).toEqual(Buffer.from(sent.body as string));
    expect(received.tag).toBe(sent.tag);
    expect(received.keys).toEqual(typeof sent.keys === 'string' ? [sent.keys] : (sent.keys ?? []));
    const { UNIQ_KEY, WAIT, TAGS, KEYS, ...own } = received.properties;
    expect(Object.entries(own).sort()).toEqual(Object.entries(sent.properties ?? {}).sort());
    expect(WAIT).toBe(String(sent.waitStored ?? true));
    expect([UNIQ_KEY, TAGS === undefined, KEYS === undefined]).toEqual([
      uniqueId,
      sent.tag === undefined,
      received.keys.length === 0,
    ]);
  });
  fc.assert(property, RUNS);
});

test('a message with an illegal piece is refused by the name of its field', () => {
  const illegalName = fc.oneof(
    fc.constant(''),
    fc.constant('a b'),
    fc.constant('ü'),
    fc.constant('a'.repeat(128)),
    illegalText,
  );
  const breakage = fc.oneof(
    illegalName.map((topic) => ({ field: 'topic', change: { topic } })),
    fc.constantFrom('', new Uint8Array()).map((body) => ({ field: 'body', change: { body } })),
    illegalText.map((tag) => ({ field: 'tag', change: { tag } })),
    fc.oneof(illegalText, fc.constant('two keys')).map((one) => ({ field: 'keys', change: { keys: ['ok', one] } })),
    illegalText.map((one) => ({ field: 'properties', change: { properties: { [one]: 'v' } } })),
    fc
      .tuple(ownName, illegalText)
      .map(([own, one]) => ({ field: `properties.${own}`, change: { properties: Object.fromEntries([[own, one]]) } })),
    fc
      .constantFrom(...RESERVED_PROPERTY_NAMES)
      .map((one) => ({ field: `properties.${one}`, change: { properties: { [one]: 'v' } } })),
  );
  const property = fc.property(message, breakage, (legal, { field, change }) => {
    expect(() => validateMessage({ ...legal, ...change })).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field }),
    );
  });
  fc.assert(property, RUNS);
});
