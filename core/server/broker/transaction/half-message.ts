import { withoutProperties, withProperties } from '../../../message/edited-properties.js';
import type { Properties } from '../../../message/message.js';
import type { StoredRecord } from '../../../message/message-record.js';
import { decodeProperties, findProperty, formatProperties, PROPERTIES_BYTES_MAX } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag } from '../../../message/sys-flag.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { StoreMessage } from '../message-store.js';
import { type RealDestination, realDestinationIn } from '../send/real-destination.js';
import { republish } from '../send/republish.js';
import type { SendProperties } from '../send/send-properties.js';
import { DISCARD_TOPIC, HALF_TOPIC, OP_TOPIC, REMOVE_TAG, TRANSACTION_QUEUE_ID } from './transaction-topics.js';

/** What checks write. A message that is sent on as it was received brings that of another transaction. */
const WRITTEN_BY_CHECKS = [PropertyName.TRANSACTION_CHECK_TIMES, PropertyName.TRAN_PREPARED_QUEUE_OFFSET];
/** Room for what checks add to the properties: their count, and where the half message was first. */
const CHECK_PROPERTIES_BYTES = 128;
const OP_PROPERTIES = Buffer.from(formatProperties({ [PropertyName.WAIT]: 'true', [PropertyName.TAGS]: REMOVE_TAG }));
const OP_TAGS_CODE = tagsCodeOf(REMOVE_TAG);

/** A half message as it was read. */
export interface HalfMessage {
  readonly record: StoredRecord;
  readonly properties: Properties;
  /** In the half topic's queue. */
  readonly offset: number;
  /** Offset of the first of its copies: each check stores it anew. Names the transaction. */
  readonly root: number;
}

/**
 * The properties of a message of a transaction, on its way to the half topic: where it really goes stands in REAL_TOPIC and
 * REAL_QID. Matches TransactionalMessageBridge.parseHalfMessageInner; as there, they keep WAIT.
 * @param stored as a plain message is stored with them
 * @param sent as they came
 * @returns undefined when they leave no room for that
 */
export function halfProperties(
  { stored }: SendProperties,
  sent: string | undefined,
  { topic, queueId }: RealDestination,
): Buffer | undefined {
  const wait = findProperty(sent ?? '', PropertyName.WAIT);
  // Looking for the bare names is a tenth of the price, and nearly all end there.
  const isOwn = WRITTEN_BY_CHECKS.every((name) => !stored.includes(name));
  const own = isOwn ? stored : withoutProperties(stored, WRITTEN_BY_CHECKS);
  const text = withProperties(own, {
    ...(wait !== undefined && { [PropertyName.WAIT]: wait }),
    [PropertyName.REAL_TOPIC]: topic,
    [PropertyName.REAL_QID]: queueId,
  });
  const properties = Buffer.from(text);
  return properties.length > PROPERTIES_BYTES_MAX - CHECK_PROPERTIES_BYTES ? undefined : properties;
}

export function halfMessageOf(record: StoredRecord): HalfMessage {
  const properties = decodeProperties(record.properties);
  const offset = record.queueOffset;
  const first = Number(properties[PropertyName.TRAN_PREPARED_QUEUE_OFFSET] ?? offset);
  return { record, properties, offset, root: Number.isSafeInteger(first) && first >= 0 ? first : offset };
}

/** Topic and queue that a half message is for; undefined when it does not say. */
export function destinationOf({ record }: HalfMessage): RealDestination | undefined {
  return realDestinationIn(record.properties.toString());
}

/**
 * The message as consumers get it. Its properties are those of the half message, unchanged, as 4.9.7 stores them. Matches
 * EndTransactionProcessor.endMessageTransaction.
 */
export function committedMessage(half: HalfMessage, storeHost: string): StoreMessage | undefined {
  const destination = destinationOf(half);
  if (destination === undefined) return undefined;
  const { record, properties } = half;
  return republish(record, {
    topic: destination.topic,
    queueId: destination.queueId,
    sysFlag: (record.sysFlag & ~SysFlag.TRANSACTION_MASK) | SysFlag.TRANSACTION_COMMIT,
    tagsCode: tagsCodeOf(properties[PropertyName.TAGS]),
    preparedTransactionOffset: record.physicalOffset,
    storeHost,
    waitStored: properties[PropertyName.WAIT]?.toLowerCase() !== 'false',
  });
}

/** The record that the half message at an offset has its end. Matches TransactionalMessageBridge.addRemoveTagInTransactionOp (4.9). */
export function opMessage(halfOffset: number, storeHost: string, nowMs: number): StoreMessage {
  return {
    topic: OP_TOPIC,
    queueId: TRANSACTION_QUEUE_ID,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: nowMs,
    bornHost: storeHost,
    storeHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(String(halfOffset)),
    properties: OP_PROPERTIES,
    tagsCode: OP_TAGS_CODE,
    waitStored: false,
  };
}

/** The half offsets that an op record names: one of 4.9, several of 5.x (`12,13,`). */
export function endedOffsets(body: Buffer): readonly number[] {
  return body
    .toString()
    .split(',')
    .filter((text) => /^\d{1,16}$/.test(text))
    .map(Number);
}

/** How often a producer was asked about it. */
export function checkTimesOf({ properties }: HalfMessage): number {
  const times = Number(properties[PropertyName.TRANSACTION_CHECK_TIMES] ?? 0);
  return Number.isInteger(times) && times > 0 ? times : 0;
}

/**
 * The half message once more, at the end of its topic: so the queue moves on while the transaction stays open. It names its
 * first copy in TRAN_PREPARED_QUEUE_OFFSET, always: after a crash only the newest of its copies counts.
 */
export function copiedHalfMessage(half: HalfMessage, checkTimes: number, storeHost: string): StoreMessage {
  return republish(half.record, {
    topic: HALF_TOPIC,
    queueId: TRANSACTION_QUEUE_ID,
    properties: copiedProperties(half, checkTimes),
    storeHost,
  });
}

/** Text, not a map that is written anew: what a producer put between 0x01 and 0x02 is not ours to judge. */
export function copiedProperties({ record, root }: HalfMessage, checkTimes: number): string {
  return withProperties(withoutProperties(record.properties.toString(), WRITTEN_BY_CHECKS), {
    ...(checkTimes > 0 && { [PropertyName.TRANSACTION_CHECK_TIMES]: checkTimes }),
    [PropertyName.TRAN_PREPARED_QUEUE_OFFSET]: root,
  });
}

/** A discarded transaction as a half message of its own, which nobody was asked about yet. */
export function resumedMessage(discarded: StoredRecord, storeHost: string): StoreMessage {
  return republish(discarded, {
    topic: HALF_TOPIC,
    queueId: TRANSACTION_QUEUE_ID,
    properties: withoutProperties(discarded.properties.toString(), WRITTEN_BY_CHECKS),
    preparedTransactionOffset: 0,
    storeHost,
  });
}

/** What is left of a transaction that nobody ended. Matches DefaultTransactionalMessageCheckListener.toMessageExtBrokerInner. */
export function discardedMessage(half: HalfMessage, storeHost: string): StoreMessage {
  return republish(half.record, {
    topic: DISCARD_TOPIC,
    queueId: TRANSACTION_QUEUE_ID,
    preparedTransactionOffset: half.record.physicalOffset,
    storeHost,
  });
}
