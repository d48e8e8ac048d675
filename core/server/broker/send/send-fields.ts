import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { FieldReader } from '../../../remoting/protocol/field-reader.js';
import { TopicSysFlag } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { MQVersion } from '../../../remoting/protocol/version.js';

/** Names of a send's header fields on the wire. */
export interface SendFields {
  readonly producerGroup: string;
  readonly topic: string;
  readonly defaultTopic: string;
  readonly defaultTopicQueueNums: string;
  readonly queueId: string;
  readonly sysFlag: string;
  readonly bornTimestamp: string;
  readonly flag: string;
  readonly properties: string;
  readonly reconsumeTimes: string;
  readonly unitMode: string;
  readonly maxReconsumeTimes: string;
  readonly batch: string;
}

/** The same by their place in the list of names, which is how a {@link FieldReader} names them. */
const Field = {
  producerGroup: 0,
  topic: 1,
  defaultTopic: 2,
  defaultTopicQueueNums: 3,
  queueId: 4,
  sysFlag: 5,
  bornTimestamp: 6,
  flag: 7,
  properties: 8,
  reconsumeTimes: 9,
  unitMode: 10,
  maxReconsumeTimes: 11,
  batch: 12,
} as const satisfies Record<keyof SendFields, number>;

/** SEND_MESSAGE writes them out. */
export const SEND_FIELDS: SendFields = {
  producerGroup: 'producerGroup',
  topic: 'topic',
  defaultTopic: 'defaultTopic',
  defaultTopicQueueNums: 'defaultTopicQueueNums',
  queueId: 'queueId',
  sysFlag: 'sysFlag',
  bornTimestamp: 'bornTimestamp',
  flag: 'flag',
  properties: 'properties',
  reconsumeTimes: 'reconsumeTimes',
  unitMode: 'unitMode',
  maxReconsumeTimes: 'maxReconsumeTimes',
  batch: 'batch',
};

/** SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE use one letter each. Matches Apache's SendMessageRequestHeaderV2. */
export const SEND_FIELDS_V2: SendFields = {
  producerGroup: 'a',
  topic: 'b',
  defaultTopic: 'c',
  defaultTopicQueueNums: 'd',
  queueId: 'e',
  sysFlag: 'f',
  bornTimestamp: 'g',
  flag: 'h',
  properties: 'i',
  reconsumeTimes: 'j',
  unitMode: 'k',
  maxReconsumeTimes: 'l',
  batch: 'm',
};

const READER = readerOf(SEND_FIELDS);
const READER_V2 = readerOf(SEND_FIELDS_V2);

function readerOf(names: SendFields): FieldReader {
  return new FieldReader(Object.keys(Field).map((field) => names[field as keyof SendFields]));
}

/** A send's header, read and checked. */
export interface SendRequest {
  readonly topic: string;
  readonly defaultTopic: string;
  readonly defaultTopicQueueNums: number;
  readonly topicSysFlag: number;
  /** Below 0: any. */
  readonly queueId: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly flag: number;
  readonly properties: string | undefined;
  readonly reconsumeTimes: number;
  /** Undefined also when the client is too old to mean it. */
  readonly maxReconsumeTimes: number | undefined;
  readonly batch: boolean;
}

/** @throws RMQ_BODY_INVALID when a required field is missing or of another type */
export function readSend(names: SendFields, request: RemotingCommand): SendRequest {
  const fields = (names === SEND_FIELDS_V2 ? READER_V2 : READER).open(request);
  fields.require(Field.producerGroup);
  const topic = fields.requiredText(Field.topic);
  return {
    topic,
    defaultTopic: fields.requiredText(Field.defaultTopic),
    defaultTopicQueueNums: fields.requiredInt32(Field.defaultTopicQueueNums),
    topicSysFlag: fields.text(Field.unitMode) === 'true' ? unitFlagOf(topic) : 0,
    queueId: fields.requiredInt32(Field.queueId),
    sysFlag: fields.requiredInt32(Field.sysFlag),
    bornTimestamp: fields.requiredInt64(Field.bornTimestamp),
    flag: fields.requiredInt32(Field.flag),
    properties: fields.text(Field.properties),
    reconsumeTimes: fields.optionalInt32(Field.reconsumeTimes) ?? 0,
    maxReconsumeTimes: request.version >= MQVersion.V3_4_9 ? fields.optionalInt32(Field.maxReconsumeTimes) : undefined,
    // Not by the code: also SEND_BATCH_MESSAGE is a plain send without it.
    batch: fields.text(Field.batch) === 'true',
  };
}

function unitFlagOf(topic: string): number {
  return topic.startsWith(RETRY_TOPIC_PREFIX) ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT;
}
