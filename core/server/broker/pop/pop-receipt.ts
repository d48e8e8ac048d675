import { rocketMQError } from '../../../errors/rocketmq-error.js';
import { popRetryTopicOf, popRetryTopicV2Of, RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';

/** Of a group that is popped in order: no checkpoint is kept, the queue waits instead. Matches KeyBuilder.POP_ORDER_REVIVE_QUEUE. */
export const ORDER_REVIVE_QUEUE = 999;

/** Which kind of topic a message was popped from: `0` the one asked for, `1` and `2` the two versions of its retry topic. */
export type RetryFlag = '0' | '1' | '2';

/**
 * What a consumer shows to acknowledge a message, the property POP_CK. Matches Apache's ExtraInfoUtil.
 *
 * ```
 * startOffset popTime invisibleTime reviveQueueId retryFlag brokerName queueId queueOffset
 * ```
 */
export interface PopReceipt {
  /** With the pop time it names the checkpoint. */
  readonly startOffset: number;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly popTime: number;
  /** Milliseconds from the pop time on. */
  readonly invisibleTime: number;
  readonly reviveQueueId: number;
  readonly retryFlag: RetryFlag;
  readonly brokerName: string;
  readonly queueId: number;
}

const FIELDS_MIN = 7;
const INTEGER = /^-?\d{1,19}$/;

/** @throws RMQ_BODY_INVALID */
export function parseReceipt(text: string): PopReceipt {
  const fields = text.split(' ');
  if (fields.length < FIELDS_MIN) throw invalid(text);
  const number = (index: number): number => {
    const field = fields[index]!;
    if (!INTEGER.test(field)) throw invalid(text);
    return Number(field);
  };
  return {
    startOffset: number(0),
    popTime: number(1),
    invisibleTime: number(2),
    reviveQueueId: number(3),
    retryFlag: retryFlagOf(fields[4]!),
    brokerName: fields[5]!,
    queueId: number(6),
  };
}

export function formatReceipt(receipt: PopReceipt, queueOffset: number): string {
  const { startOffset, popTime, invisibleTime, reviveQueueId, retryFlag, brokerName, queueId } = receipt;
  return `${startOffset} ${popTime} ${invisibleTime} ${reviveQueueId} ${retryFlag} ${brokerName} ${queueId} ${queueOffset}`;
}

/** One item of startOffsetInfo, msgOffsetInfo or orderCountInfo; items are joined by `;`. */
export function formatInfoItem(retryFlag: RetryFlag, key: number | string, value: number | string): string {
  return `${retryFlag} ${key} ${value}`;
}

/** Anything but `1` and `2` stands for the topic itself, as in Java. */
export function retryFlagOf(text: string): RetryFlag {
  return text === '1' || text === '2' ? text : '0';
}

/** The topic that a message was popped from. */
export function poppedTopicOf(retryFlag: RetryFlag, topic: string, group: string): string {
  if (retryFlag === '0') return topic;
  return retryFlag === '1' ? popRetryTopicOf(topic, group) : popRetryTopicV2Of(topic, group);
}

/** The topic that a message was sent to, from the one that it was popped from. Matches KeyBuilder.parseNormalTopic. */
export function originalTopicOf(topic: string, group: string): string {
  const prefix = `${RETRY_TOPIC_PREFIX}${group}`;
  return topic.startsWith(prefix) ? topic.slice(prefix.length + 1) : topic;
}

function invalid(text: string) {
  const shown = JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
  return rocketMQError('RMQ_BODY_INVALID', `${shown} is no receipt of a popped message`, {});
}
