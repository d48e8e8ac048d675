import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';

/** Whether a record of this sysFlag has a place in a queue: prepared and rolled-back transactions have none. */
export function hasQueueEntry(sysFlag: number): boolean {
  const type = transactionType(sysFlag);
  return type !== SysFlag.TRANSACTION_PREPARED && type !== SysFlag.TRANSACTION_ROLLBACK;
}

/**
 * What a message that waits in a delay level has in place of the hash of its tag: the time of its delivery. Undefined for
 * every other. `levelsMs` are the delays of levels 1, 2, 3 …; the queue is the level less one.
 */
export function scheduledTagsCode(
  topic: string,
  queueId: number,
  storeTimestamp: number,
  levelsMs: readonly number[],
): number | undefined {
  if (topic !== SystemTopic.SCHEDULE) return undefined;
  const delayMs = levelsMs[queueId];
  return delayMs === undefined ? undefined : storeTimestamp + delayMs;
}

/**
 * The tags code of a timer's queue entry: its instant, negative for one that takes another back. Apache has the hash of the
 * tag there and never reads it; so a start learns what is due when from the queue alone. Undefined where none is said.
 */
export function timerTagsCode(properties: string): number | undefined {
  const outMs = Number(findProperty(properties, PropertyName.TIMER_OUT_MS));
  if (!Number.isSafeInteger(outMs)) return undefined;
  return findProperty(properties, PropertyName.TIMER_DEL_UNIQKEY) === undefined ? outMs : -outMs;
}

/**
 * The tags code of a stored record's queue entry: the hash of its tag, or when it is due while it waits for that (Apache's
 * CommitLog.checkMessageAndReturnSize).
 */
export function tagsCodeOfRecord(record: StoredRecord, levelsMs: readonly number[]): number {
  const { topic, queueId, storeTimestamp } = record;
  const scheduled = scheduledTagsCode(topic, queueId, storeTimestamp, levelsMs);
  if (scheduled !== undefined) return scheduled;
  const properties = record.properties.toString();
  const timer = topic === TIMER_TOPIC ? timerTagsCode(properties) : undefined;
  return timer ?? tagsCodeOf(findProperty(properties, PropertyName.TAGS));
}
