import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { FieldReader } from '../../../remoting/protocol/field-reader.js';
import { TopicSysFlag } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { MQVersion } from '../../../remoting/protocol/version.js';

/** A send's header fields, by their place in the lists below. */
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
} as const;

/** SEND_MESSAGE writes the names out. */
export const SEND_FIELDS = new FieldReader(Object.keys(Field));

/** SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE use one letter each. Matches Apache's SendMessageRequestHeaderV2. */
export const SEND_FIELDS_V2 = new FieldReader([...'abcdefghijklm']);

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
export function readSend(fields: FieldReader, request: RemotingCommand): SendRequest {
  fields.open(request);
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
