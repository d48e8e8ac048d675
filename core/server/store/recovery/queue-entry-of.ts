import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { SystemTopic } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Apache's default `messageDelayLevel`: 1s 5s 10s 30s 1m … 10m 20m 30m 1h 2h. */
const DELAY_LEVELS_MS: readonly number[] = [
  ...[1, 5, 10, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2].map((hours) => hours * HOUR_MS),
];

/** Whether a record of this sysFlag has a place in a queue: prepared and rolled-back transactions have none. */
export function hasQueueEntry(sysFlag: number): boolean {
  const type = transactionType(sysFlag);
  return type !== SysFlag.TRANSACTION_PREPARED && type !== SysFlag.TRANSACTION_ROLLBACK;
}

/**
 * The tags code of a stored record's queue entry: the hash of its tag, or the time of delivery of one that waits in a
 * delay level (Apache's CommitLog.checkMessageAndReturnSize).
 */
export function tagsCodeOfRecord(record: StoredRecord): number {
  const properties = record.properties.toString();
  if (record.topic === SystemTopic.SCHEDULE) {
    const level = Math.min(Number(findProperty(properties, PropertyName.DELAY) ?? 0), DELAY_LEVELS_MS.length);
    const delayMs = DELAY_LEVELS_MS[level - 1];
    if (delayMs !== undefined) return record.storeTimestamp + delayMs;
  }
  return tagsCodeOf(findProperty(properties, PropertyName.TAGS));
}
