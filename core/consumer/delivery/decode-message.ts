import type { Compressor } from '../../message/compression/compressor.js';
import { decompressBody } from '../../message/compression/decompress.js';
import type { ReceivedMessage } from '../../message/message.js';
import { readRecord } from '../../message/message-record.js';
import { findProperty } from '../../message/properties.js';
import { PropertyName } from '../../message/property-names.js';
import { toReceivedMessage } from '../../message/received-message.js';
import { SysFlag } from '../../message/sys-flag.js';
import type { TopicSubscription } from '../subscription/subscription.js';

/** Where a record lies among the bytes of a pull. */
export interface RecordPlace {
  readonly records: Buffer;
  readonly position: number;
}

export interface DecodeOptions {
  readonly topicFromWire: (topic: string) => string;
  readonly compressors: readonly Compressor[] | undefined;
  /** What a body may grow to. */
  readonly sizeBytesMax: number;
}

/**
 * Reads a pulled record into the message that a handler gets, its body decompressed. By promise only where a large body
 * is decompressed. Bodies are views into the copy that the pull made. A message that comes again has the topic and the id
 * that it was sent with.
 * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED, also by its promise
 */
export function decodeMessage(
  place: RecordPlace,
  brokerName: string,
  { topic, retried }: Pick<TopicSubscription, 'topic' | 'retried'>,
  { topicFromWire, compressors, sizeBytesMax }: DecodeOptions,
): ReceivedMessage | Promise<ReceivedMessage> {
  const record = readRecord(place.records, place.position);
  const received = (body: Buffer): ReceivedMessage => {
    const message = toReceivedMessage(record, brokerName, { topic, body });
    return retried ? asSent(message, record.topic, topicFromWire) : message;
  };
  if ((record.sysFlag & SysFlag.COMPRESSED) === 0 || record.body.length === 0) return received(record.body);
  const body = decompressBody(record.body, record.sysFlag, compressors, sizeBytesMax);
  return body instanceof Promise ? body.then(received) : received(body);
}

/** The topic that a message was sent to, as the application writes it; also of one whose body cannot be read. */
export function sentTopicOf(
  { records, position }: RecordPlace,
  { topic, retried }: Pick<TopicSubscription, 'topic' | 'retried'>,
  topicFromWire: (topic: string) => string,
): string {
  if (!retried) return topic;
  const properties = propertiesIn(records, position);
  const sentTo = properties && findProperty(properties, PropertyName.RETRY_TOPIC);
  return sentTo === undefined ? topic : topicFromWire(sentTo);
}

/** Undefined for a record that is damaged throughout. */
function propertiesIn(records: Buffer, position: number): string | undefined {
  try {
    return readRecord(records, position).properties.toString();
  } catch {
    return undefined;
  }
}

/** A message of a retry topic under the names that it was sent with (properties RETRY_TOPIC and ORIGIN_MESSAGE_ID). */
function asSent(
  message: ReceivedMessage,
  wireTopic: string,
  topicFromWire: (topic: string) => string,
): ReceivedMessage {
  const { RETRY_TOPIC, UNIQ_KEY, ORIGIN_MESSAGE_ID } = message.properties;
  return {
    ...message,
    topic: topicFromWire(RETRY_TOPIC ?? wireTopic),
    msgId: UNIQ_KEY ?? ORIGIN_MESSAGE_ID ?? message.msgId,
  };
}
