import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { optionalInt32, requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
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
export function readSend(fields: SendFields, request: RemotingCommand): SendRequest {
  const { ext } = request;
  requiredString(request, fields.producerGroup);
  const topic = requiredString(request, fields.topic);
  return {
    topic,
    defaultTopic: requiredString(request, fields.defaultTopic),
    defaultTopicQueueNums: requiredInt32(request, fields.defaultTopicQueueNums),
    topicSysFlag: ext[fields.unitMode] === 'true' ? unitFlagOf(topic) : 0,
    queueId: requiredInt32(request, fields.queueId),
    sysFlag: requiredInt32(request, fields.sysFlag),
    bornTimestamp: requiredInt64(request, fields.bornTimestamp),
    flag: requiredInt32(request, fields.flag),
    properties: ext[fields.properties],
    reconsumeTimes: optionalInt32(request, fields.reconsumeTimes) ?? 0,
    maxReconsumeTimes:
      request.version >= MQVersion.V3_4_9 ? optionalInt32(request, fields.maxReconsumeTimes) : undefined,
    // Not by the code: also SEND_BATCH_MESSAGE is a plain send without it.
    batch: ext[fields.batch] === 'true',
  };
}

function unitFlagOf(topic: string): number {
  return topic.startsWith(RETRY_TOPIC_PREFIX) ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT;
}
