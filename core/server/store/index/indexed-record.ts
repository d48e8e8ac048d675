import { HOST_BYTES_V4, HOST_BYTES_V6 } from '../../../message/host.js';
import { readInt64 } from '../../../message/int64.js';
import { RecordMagic, type StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { KEY_SEPARATOR, PropertyName } from '../../../message/property-names.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { readInt16, readInt32 } from '../../../runtime/big-endian.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { recordAt } from '../commitlog/record-at.js';
import { indexKeyHash } from './index-layout.js';

const SYS_FLAG_AT = 36;
const BORN_HOST_AT = 48;
/** Store time, between the two hosts. */
const STORE_TIMESTAMP_BYTES = 8;
/** Reconsume times and prepared transaction offset, between the store host and the length of the body. */
const BEFORE_BODY_LENGTH_BYTES = 12;

const NO_KEYS: readonly string[] = [];

/** What the index asks of a record. */
export interface IndexedRecord {
  readonly topic: string;
  readonly storeTimestamp: number;
  /**
   * What it is found by: its UNIQ_KEY, then each of KEYS. A transaction that was rolled back is found by nothing (Apache's
   * IndexService.buildIndex).
   */
  readonly keys: readonly string[];
}

export function keyHashesOf({ topic, keys }: IndexedRecord): number[] {
  return keys.map((key) => indexKeyHash(topic, key));
}

/** Where a record has what the index asks of it. */
export interface RecordPlaces {
  readonly storeTimestamp: number;
  readonly topicAt: number;
  readonly topicEnd: number;
  readonly propertiesAt: number;
  readonly end: number;
  /** A transaction that was rolled back is found by nothing. */
  readonly isRolledBack: boolean;
}

/** Undefined when the record's lengths do not add up. */
export function placesIn(source: Buffer, position: number): RecordPlaces | undefined {
  const end = position + readInt32(source, position);
  const sysFlag = readInt32(source, position + SYS_FLAG_AT);
  const storeTimestampAt = position + BORN_HOST_AT + hostBytes(sysFlag, SysFlag.BORN_HOST_V6);
  const storeHostAt = storeTimestampAt + STORE_TIMESTAMP_BYTES;
  const bodyLengthAt = storeHostAt + hostBytes(sysFlag, SysFlag.STORE_HOST_V6) + BEFORE_BODY_LENGTH_BYTES;
  const topicLengthAt = bodyLengthAt + 4 + readInt32(source, bodyLengthAt);
  if (topicLengthAt < bodyLengthAt || topicLengthAt + 2 > end) return undefined;
  const isV2 = readInt32(source, position + 4) === RecordMagic.V2;
  const topicAt = topicLengthAt + (isV2 ? 2 : 1);
  const topicEnd = topicAt + (isV2 ? readInt16(source, topicLengthAt) : source.readInt8(topicLengthAt));
  if (topicEnd < topicAt || topicEnd + 2 > end) return undefined;
  return {
    storeTimestamp: readInt64(source, storeTimestampAt),
    topicAt,
    topicEnd,
    propertiesAt: topicEnd + 2,
    end,
    isRolledBack: transactionType(sysFlag) === SysFlag.TRANSACTION_ROLLBACK,
  };
}

/** Reads of a record what the index wants, and nothing else of it; undefined when its lengths do not add up. */
export function readIndexedRecord(source: Buffer, position: number): IndexedRecord | undefined {
  const places = placesIn(source, position);
  if (places === undefined) return undefined;
  const { storeTimestamp, topicAt, topicEnd, propertiesAt, end, isRolledBack } = places;
  const topic = source.toString('utf8', topicAt, topicEnd);
  if (isRolledBack) return { topic, storeTimestamp, keys: NO_KEYS };
  return { topic, storeTimestamp, keys: keysIn(source.toString('utf8', propertiesAt, end)) };
}

/** The record at a place in the log; undefined when there is no whole one. */
export async function indexedRecordAt(log: CommitLog, commitLogOffset: number): Promise<IndexedRecord | undefined> {
  const record = await recordAt(log, commitLogOffset);
  return record && indexedRecordOf(record);
}

/** The same of a record that was read as a whole. */
export function indexedRecordOf({ topic, storeTimestamp, sysFlag, properties }: StoredRecord): IndexedRecord {
  const isRolledBack = transactionType(sysFlag) === SysFlag.TRANSACTION_ROLLBACK;
  return { topic, storeTimestamp, keys: isRolledBack ? NO_KEYS : keysIn(properties.toString()) };
}

function hostBytes(sysFlag: number, isV6: number): number {
  return (sysFlag & isV6) === 0 ? HOST_BYTES_V4 : HOST_BYTES_V6;
}

function keysIn(properties: string): readonly string[] {
  const uniqueKey = findProperty(properties, PropertyName.UNIQ_KEY);
  const keys = findProperty(properties, PropertyName.KEYS);
  if (keys === undefined) return uniqueKey === undefined ? NO_KEYS : [uniqueKey];
  const several = keys.split(KEY_SEPARATOR).filter((key) => key.length > 0);
  return uniqueKey === undefined ? several : [uniqueKey, ...several];
}
