import { crc32 } from 'node:zlib';
import { rocketMQError } from '../errors/rocketmq-error.js';
import { writeInt16, writeInt32 } from '../runtime/big-endian.js';
import { decodeHost, HOST_BYTES_V4, HOST_BYTES_V6 } from './host.js';
import { readInt64, writeInt64 } from './int64.js';
import { PROPERTIES_BYTES_MAX } from './properties.js';
import { SysFlag } from './sys-flag.js';

/**
 * A message as the commit log holds it and as pull, view and query answers carry it.
 *
 * ```
 *  0    i32 totalSize                  whole record
 *  4    i32 magic                      v1 0xDAA320A7, v2 0xDAA320AB
 *  8    i32 bodyCRC                    CRC-32 of the stored body in 31 bits, 0 without one
 * 12    i32 queueId
 * 16    i32 flag
 * 20    i64 queueOffset
 * 28    i64 physicalOffset
 * 36    i32 sysFlag
 * 40    i64 bornTimestamp
 * 48    A   bornHost                   A = 8, or 20 with sysFlag 0x10
 *       i64 storeTimestamp
 *       B   storeHost                  B = 8, or 20 with sysFlag 0x20
 *       i32 reconsumeTimes
 *       i64 preparedTransactionOffset
 *       i32 bodyLength,       body
 *       i8  topicLength,      topic    v2: i16
 *       i16 propertiesLength, properties
 * ```
 * Matches Apache's MessageDecoder and MessageExtEncoder.
 */
export const RecordMagic = {
  V1: 0xdaa320a7 | 0,
  /** Written by 5.x for topics longer than 127 bytes; we read it. */
  V2: 0xdaa320ab | 0,
  /** Begins the filler at the end of a commit-log file, after an i32 with the bytes that remain. */
  BLANK: 0xcbd43194 | 0,
} as const;

/** Bytes of a record besides body, topic, properties and its two hosts. */
const FIXED_BYTES = 75;
/** Longest topic of a v1 record: its length is a signed byte. */
export const RECORD_TOPIC_BYTES_MAX = 127;

/** What a record is written from. A store may fill one object again and again. */
export interface RecordFields {
  readonly queueId: number;
  readonly flag: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** The bits that tell the length of the hosts are set from the hosts. */
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  /** As `encodeHost` gives it. */
  readonly bornHost: Buffer;
  readonly storeTimestamp: number;
  readonly storeHost: Buffer;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly body: Uint8Array;
  /** UTF-8. */
  readonly topic: Uint8Array;
  /** As `encodeProperties` gives it. */
  readonly properties: Uint8Array;
}

/** A record that was read. Body and properties are views into the bytes it was read from. */
export interface StoredRecord {
  readonly totalSize: number;
  readonly magic: number;
  readonly bodyCrc: number;
  readonly queueId: number;
  readonly flag: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  /** `ip:port`. */
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly body: Buffer;
  readonly topic: string;
  readonly properties: Buffer;
}

/** Bytes of the record that {@link writeRecord} would write. */
export function recordSize(
  fields: Pick<RecordFields, 'bornHost' | 'storeHost' | 'body' | 'topic' | 'properties'>,
): number {
  return (
    FIXED_BYTES +
    fields.bornHost.length +
    fields.storeHost.length +
    fields.body.length +
    fields.topic.length +
    fields.properties.length
  );
}

/** CRC-32 of a body as records hold it: 31 bits, 0 without a body. */
export function bodyCrcOf(body: Uint8Array): number {
  return body.length === 0 ? 0 : crc32(body) & 0x7fffffff;
}

/**
 * Writes a v1 record into `target` at `position`; returns its bytes. Allocates nothing.
 * @throws RMQ_MESSAGE_ILLEGAL for a topic beyond 127 bytes or properties beyond 32,767
 * @throws RangeError when `target` has no room; what it held there may be overwritten then
 */
export function writeRecord(target: Buffer, position: number, fields: RecordFields): number {
  const { bornHost, storeHost, body, topic, properties } = fields;
  if (topic.length > RECORD_TOPIC_BYTES_MAX) throw tooLong('topic', topic.length, RECORD_TOPIC_BYTES_MAX);
  if (properties.length > PROPERTIES_BYTES_MAX) throw tooLong('properties', properties.length, PROPERTIES_BYTES_MAX);
  const size = recordSize(fields);
  if (position + size > target.length) throw new RangeError(`A record of ${size} bytes does not fit at ${position}`);
  let at = position;
  writeInt32(target, at, size);
  writeInt32(target, at + 4, RecordMagic.V1);
  writeInt32(target, at + 8, bodyCrcOf(body));
  writeInt32(target, at + 12, fields.queueId);
  writeInt32(target, at + 16, fields.flag);
  writeInt64(target, at + 20, fields.queueOffset);
  writeInt64(target, at + 28, fields.physicalOffset);
  writeInt32(target, at + 36, withHostBits(fields));
  writeInt64(target, at + 40, fields.bornTimestamp);
  at += 48;
  target.set(bornHost, at);
  at += bornHost.length;
  writeInt64(target, at, fields.storeTimestamp);
  at += 8;
  target.set(storeHost, at);
  at += storeHost.length;
  writeInt32(target, at, fields.reconsumeTimes);
  writeInt64(target, at + 4, fields.preparedTransactionOffset);
  writeInt32(target, at + 12, body.length);
  at += 16;
  target.set(body, at);
  at += body.length;
  target[at] = topic.length;
  target.set(topic, at + 1);
  at += 1 + topic.length;
  writeInt16(target, at, properties.length);
  target.set(properties, at + 2);
  return size;
}

function withHostBits({ sysFlag, bornHost, storeHost }: RecordFields): number {
  const bare = sysFlag & ~(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6);
  return (
    bare |
    (bornHost.length === HOST_BYTES_V6 ? SysFlag.BORN_HOST_V6 : 0) |
    (storeHost.length === HOST_BYTES_V6 ? SysFlag.STORE_HOST_V6 : 0)
  );
}

/**
 * Reads the record at `position`, v1 or v2. The body's CRC is read and not checked: see {@link bodyCrcOf}.
 * @throws RMQ_BODY_INVALID when there is no whole record whose parts add up to its size
 */
export function readRecord(buffer: Buffer, position: number): StoredRecord {
  if (position < 0 || buffer.length - position < 8) throw damaged(position, 'too few bytes');
  const totalSize = buffer.readInt32BE(position);
  const magic = buffer.readInt32BE(position + 4);
  if (magic !== RecordMagic.V1 && magic !== RecordMagic.V2) throw damaged(position, `magic ${magic} is unknown`);
  const topicLengthBytes = magic === RecordMagic.V2 ? 2 : 1;
  const sizeMin = FIXED_BYTES - 1 + topicLengthBytes + 2 * HOST_BYTES_V4;
  const end = position + totalSize;
  if (totalSize < sizeMin || end > buffer.length) throw damaged(position, `a size of ${totalSize}`);

  const sysFlag = buffer.readInt32BE(position + 36);
  const bornHostLength = sysFlag & SysFlag.BORN_HOST_V6 ? HOST_BYTES_V6 : HOST_BYTES_V4;
  const storeHostLength = sysFlag & SysFlag.STORE_HOST_V6 ? HOST_BYTES_V6 : HOST_BYTES_V4;
  const bornHostAt = position + 48;
  const storeTimestampAt = bornHostAt + bornHostLength;
  const storeHostAt = storeTimestampAt + 8;
  const reconsumeTimesAt = storeHostAt + storeHostLength;
  const bodyAt = reconsumeTimesAt + 16;
  if (bodyAt + topicLengthBytes + 2 > end) throw damaged(position, `a size of ${totalSize}`);

  const bodyLength = buffer.readInt32BE(bodyAt - 4);
  const topicLengthAt = bodyAt + bodyLength;
  if (bodyLength < 0 || topicLengthAt + topicLengthBytes + 2 > end)
    throw damaged(position, `a body of ${bodyLength} bytes`);
  const topicLength = topicLengthBytes === 1 ? buffer.readInt8(topicLengthAt) : buffer.readInt16BE(topicLengthAt);
  const topicAt = topicLengthAt + topicLengthBytes;
  const propertiesLengthAt = topicAt + topicLength;
  if (topicLength < 0 || propertiesLengthAt + 2 > end) throw damaged(position, `a topic of ${topicLength} bytes`);
  const propertiesLength = buffer.readInt16BE(propertiesLengthAt);
  if (propertiesLength < 0 || propertiesLengthAt + 2 + propertiesLength !== end) {
    throw damaged(position, `properties of ${propertiesLength} bytes`);
  }

  return {
    totalSize,
    magic,
    bodyCrc: buffer.readInt32BE(position + 8),
    queueId: buffer.readInt32BE(position + 12),
    flag: buffer.readInt32BE(position + 16),
    queueOffset: readInt64(buffer, position + 20),
    physicalOffset: readInt64(buffer, position + 28),
    sysFlag,
    bornTimestamp: readInt64(buffer, position + 40),
    bornHost: decodeHost(buffer, bornHostAt, bornHostLength),
    storeTimestamp: readInt64(buffer, storeTimestampAt),
    storeHost: decodeHost(buffer, storeHostAt, storeHostLength),
    reconsumeTimes: buffer.readInt32BE(reconsumeTimesAt),
    preparedTransactionOffset: readInt64(buffer, reconsumeTimesAt + 4),
    body: buffer.subarray(bodyAt, topicLengthAt),
    topic: buffer.toString('utf8', topicAt, propertiesLengthAt),
    properties: buffer.subarray(propertiesLengthAt + 2, end),
  };
}

/** The bytes that a record was read from, as long as they are what they were. */
export function bytesOfRecord({ properties, totalSize }: StoredRecord): Buffer {
  const end = properties.byteOffset + properties.length;
  return Buffer.from(properties.buffer, end - totalSize, totalSize);
}

/** Reads records that follow one another to the end of `buffer`, as answers to pulls carry them. @throws RMQ_BODY_INVALID */
export function readRecords(buffer: Buffer): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let position = 0; position < buffer.length; ) {
    const record = readRecord(buffer, position);
    records.push(record);
    position += record.totalSize;
  }
  return records;
}

function damaged(position: number, what: string) {
  return rocketMQError('RMQ_BODY_INVALID', `No message record at byte ${position}: ${what}`, {});
}

function tooLong(field: string, length: number, max: number) {
  const message = `The ${field} of the message are ${length} bytes, at most ${max} are allowed`;
  return rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field });
}
