import { expect, test } from 'vitest';
import { encodeHost } from '../../../core/message/host.js';
import { readRecord, recordSize, type StoredRecord, writeRecord } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { tagsCodeOf } from '../../../core/message/tag-hash.js';
import { republish } from '../../../core/server/broker/send/republish.js';

function record(): StoredRecord {
  const fields = {
    queueId: 3,
    flag: 5,
    queueOffset: 9,
    physicalOffset: 1_234,
    sysFlag: 0x301,
    bornTimestamp: 1_700_000_000_000,
    bornHost: encodeHost('[2001:db8::1]:50000'),
    storeTimestamp: 1_700_000_000_123,
    storeHost: encodeHost('10.0.0.2:10911'),
    reconsumeTimes: 2,
    preparedTransactionOffset: 77,
    body: Buffer.from('hello'),
    topic: Buffer.from('SCHEDULE_TOPIC_XXXX'),
    properties: encodeProperties({ TAGS: 'TagA', REAL_TOPIC: 'orders', REAL_QID: '1' }),
  };
  const bytes = Buffer.alloc(recordSize(fields));
  writeRecord(bytes, 0, fields);
  return readRecord(bytes, 0);
}

test('a stored message goes to another topic with all that its sender gave it', () => {
  const stored = record();
  expect(republish(stored, { topic: 'orders', queueId: 1 })).toEqual({
    topic: 'orders',
    queueId: 1,
    flag: 5,
    sysFlag: stored.sysFlag,
    bornTimestamp: 1_700_000_000_000,
    bornHost: '[2001:db8::1]:50000',
    storeHost: '10.0.0.2:10911',
    reconsumeTimes: 2,
    preparedTransactionOffset: 77,
    body: Buffer.from('hello'),
    properties: stored.properties,
    tagsCode: tagsCodeOf('TagA'),
    waitStored: false,
    storedBefore: true,
  });
});

test('what is given takes the place of what was stored', () => {
  const message = republish(record(), {
    topic: '%RETRY%g',
    queueId: 0,
    properties: 'TAGS\u0001TagB',
    sysFlag: 0x8,
    reconsumeTimes: 3,
    preparedTransactionOffset: 0,
    storeHost: '10.0.0.9:10911',
    waitStored: true,
  });
  expect(message).toMatchObject({ sysFlag: 0x8, reconsumeTimes: 3, preparedTransactionOffset: 0, waitStored: true });
  expect(message).toMatchObject({ storeHost: '10.0.0.9:10911', tagsCode: tagsCodeOf('TagB') });
  expect(String(message.properties)).toBe('TAGS\u0001TagB');
  expect(republish(record(), { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 2, tagsCode: 1_700_000_010_000 }).tagsCode).toBe(
    1_700_000_010_000,
  );
});
