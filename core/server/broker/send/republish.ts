import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { StoreMessage } from '../message-store.js';

/** Where a stored message goes now, and what becomes different on the way. What is left out stays as it was stored. */
export interface Republication {
  readonly topic: string;
  readonly queueId: number;
  /** The properties string, whole. */
  readonly properties?: string | Buffer;
  readonly sysFlag?: number;
  /** Default: the hash of the tag in the properties. */
  readonly tagsCode?: number;
  readonly reconsumeTimes?: number;
  readonly preparedTransactionOffset?: number;
  readonly storeHost?: string;
  /** Default false: nobody's answer hangs on it. */
  readonly waitStored?: boolean;
}

/**
 * A stored record as a new message for the store: its body as it is, compressed or not, and flag, time and host of birth.
 * Half messages, delayed messages and consumers' retries reach their topics so; Apache does it in messageTimeUp,
 * endMessageTransaction and their like, each on its own.
 */
export function republish(record: StoredRecord, changes: Republication): StoreMessage {
  const { properties = record.properties } = changes;
  return {
    topic: changes.topic,
    queueId: changes.queueId,
    flag: record.flag,
    sysFlag: changes.sysFlag ?? record.sysFlag,
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    storeHost: changes.storeHost ?? record.storeHost,
    reconsumeTimes: changes.reconsumeTimes ?? record.reconsumeTimes,
    preparedTransactionOffset: changes.preparedTransactionOffset ?? record.preparedTransactionOffset,
    body: record.body,
    properties: typeof properties === 'string' ? Buffer.from(properties) : properties,
    tagsCode: changes.tagsCode ?? tagsCodeIn(properties),
    waitStored: changes.waitStored ?? false,
    storedBefore: true,
  };
}

function tagsCodeIn(properties: string | Buffer): number {
  return tagsCodeOf(findProperty(properties.toString(), PropertyName.TAGS));
}
