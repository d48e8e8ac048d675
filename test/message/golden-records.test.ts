import { expect, test } from 'vitest';
import { decodeBatchBody, encodeBatchBody } from '../../core/message/batch-body.js';
import { decompressBody } from '../../core/message/compression/decompress.js';
import { encodeHost } from '../../core/message/host.js';
import { formatOffsetMsgId, parseOffsetMsgId } from '../../core/message/message-ids.js';
import {
  bodyCrcOf,
  readRecord,
  readRecords,
  type StoredRecord,
  writeRecord,
} from '../../core/message/message-record.js';
import { decodeProperties, encodeProperties, findProperty } from '../../core/message/properties.js';
import { toReceivedMessage } from '../../core/message/received-message.js';
import { isCompressed } from '../../core/message/sys-flag.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { goldenCommands, goldenStore } from '../kit/golden.js';

const RECORD_CARRIERS = new Set<number | undefined>([
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
  RequestCode.QUERY_MESSAGE,
  RequestCode.POP_MESSAGE,
]);

const commands = goldenCommands();

function rewrite(record: StoredRecord): Buffer {
  const target = Buffer.alloc(record.totalSize);
  const size = writeRecord(target, 0, {
    ...record,
    topic: Buffer.from(record.topic),
    bornHost: encodeHost(record.bornHost),
    storeHost: encodeHost(record.storeHost),
  });
  expect(size).toBe(record.totalSize);
  return target;
}

test.each(['apache-4.9.7-clean', 'apache-4.9.7-killed'] as const)(
  'all 71 records of the store %s write back to the same bytes',
  (name) => {
    const commitLog = goldenStore(name).get('commitlog/00000000000000000000')!;
    expect(commitLog).toHaveLength(65536);
    let position = 0;
    let records = 0;
    while (commitLog.readInt32BE(position) !== 0) {
      const record = readRecord(commitLog, position);
      expect(record.physicalOffset).toBe(position);
      expect(record.bodyCrc).toBe(bodyCrcOf(record.body));
      expect(rewrite(record).toString('hex')).toBe(commitLog.toString('hex', position, position + record.totalSize));
      position += record.totalSize;
      records++;
    }
    expect({ records, position }).toEqual({ records: 71, position: 15520 });
  },
);

test('records in answers to pulls and queries write back to the same bytes', () => {
  let records = 0;
  for (const { command, isResponse, requestCode } of commands) {
    if (!isResponse || !RECORD_CARRIERS.has(requestCode) || command.body.length === 0) continue;
    const rewritten: Buffer[] = [];
    for (const record of readRecords(command.body)) {
      records++;
      rewritten.push(rewrite(record));
      expect(record.bodyCrc).toBe(bodyCrcOf(record.body));
    }
    expect(Buffer.concat(rewritten).equals(command.body)).toBe(true);
  }
  expect(records).toBeGreaterThan(300);
});

test('bodies that Java compressed are read', async () => {
  const sends = commands.filter(
    ({ command, isResponse }) =>
      !isResponse && command.code === RequestCode.SEND_MESSAGE_V2 && isCompressed(Number(command.ext.f)),
  );
  expect(sends.length).toBeGreaterThan(0);
  for (const { command } of sends) {
    const body = await decompressBody(command.body, Number(command.ext.f));
    expect(body.length).toBeGreaterThanOrEqual(4096);
    await expect(async () =>
      decompressBody(command.body, Number(command.ext.f), undefined, 4095),
    ).rejects.toMatchObject({
      code: 'RMQ_DECOMPRESS_FAILED',
    });
  }
});

test('received records have the ids that Java shows', () => {
  const answer = commands.find(
    (one) => one.isResponse && one.requestCode === RequestCode.PULL_MESSAGE && one.command.body.length > 0,
  )!;
  for (const record of readRecords(answer.command.body)) {
    const message = toReceivedMessage(record, 'broker-a');
    expect(message.msgId).toBe(message.properties.UNIQ_KEY);
    expect(message.offsetMsgId).toBe(formatOffsetMsgId(record.storeHost, record.physicalOffset));
    expect(parseOffsetMsgId(message.offsetMsgId)).toEqual({ host: record.storeHost, offset: record.physicalOffset });
    expect(message.body.buffer).not.toBe(record.body.buffer);
    expect(message.storeSize).toBe(record.totalSize);
  }
});

test('recorded batches write back to the same bytes', () => {
  const sends = commands.filter(({ command, isResponse }) => !isResponse && command.ext.m === 'true');
  expect(sends.length).toBeGreaterThan(1);
  for (const { command } of sends) {
    const items = decodeBatchBody(command.body);
    expect(items.length).toBeGreaterThan(1);
    expect(encodeBatchBody(items).equals(command.body)).toBe(true);
  }
});

test('recorded properties keep their meaning, and are as long as 4.9 writes them', () => {
  const texts = commands
    .filter(({ command, isResponse }) => !isResponse && command.code === RequestCode.SEND_MESSAGE_V2)
    .map(({ command }) => command.ext.i!);
  expect(texts.length).toBe(196);
  for (const text of texts) {
    const properties = decodeProperties(text);
    expect(decodeProperties(encodeProperties(properties))).toEqual(properties);
    expect(encodeProperties(properties)).toHaveLength(Buffer.byteLength(text) - (text.endsWith('\u0002') ? 1 : 0));
    for (const [name, value] of Object.entries(properties)) expect(findProperty(text, name)).toBe(value);
  }
});
