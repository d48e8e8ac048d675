import type { ReceivedMessage } from './message.js';
import type { StoredRecord } from './message-record.js';
import { offsetMsgIdOf } from './offset-msg-ids.js';
import { decodeProperties } from './properties.js';
import { KEY_SEPARATOR, PropertyName } from './property-names.js';
import { SysFlag } from './sys-flag.js';

export interface ReceivedMessageParts<T> {
  /** The decompressed body of a record that is compressed; the record's own is copied otherwise. */
  readonly body?: Buffer;
  /** The decoded body where the topic is typed. */
  readonly value?: T;
  /** The topic as the application names it, when that differs from the wire. */
  readonly topic?: string;
}

/** A record as consumers see it. Holds no view into the bytes that the record was read from. */
export function toReceivedMessage<T = unknown>(
  record: StoredRecord,
  brokerName: string,
  parts: ReceivedMessageParts<T> = {},
): ReceivedMessage<T> {
  const properties = decodeProperties(record.properties);
  const offsetMsgId = offsetMsgIdOf(record.storeHost, record.physicalOffset);
  return {
    topic: parts.topic ?? record.topic,
    brokerName,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    msgId: properties[PropertyName.UNIQ_KEY] ?? offsetMsgId,
    offsetMsgId,
    body: parts.body ?? Buffer.from(record.body),
    tag: properties[PropertyName.TAGS],
    keys: splitKeys(properties[PropertyName.KEYS]),
    properties,
    flag: record.flag,
    sysFlag: parts.body === undefined ? record.sysFlag : record.sysFlag & ~SysFlag.COMPRESSED,
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    storeTimestamp: record.storeTimestamp,
    storeHost: record.storeHost,
    reconsumeTimes: record.reconsumeTimes,
    commitLogOffset: record.physicalOffset,
    preparedTransactionOffset: record.preparedTransactionOffset,
    storeSize: record.totalSize,
    value: parts.value as T,
  };
}

/** The keys of a KEYS property, which several share with a blank between them. */
export function splitKeys(keys: string | undefined): readonly string[] {
  return keys === undefined ? [] : keys.split(KEY_SEPARATOR).filter((key) => key.length > 0);
}
