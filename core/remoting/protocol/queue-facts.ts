import type { MessageQueue } from '../../message/message.js';
import { formatBody } from './body-fields.js';
import { messageQueueValue } from './message-queue-body.js';
import type { SubscriptionData } from './subscription-data.js';

/** How far a group is in a queue, in time: milliseconds since 1970, −1 where there is no message. Matches Apache's QueueTimeSpan. */
export interface QueueTimeSpan {
  readonly messageQueue: MessageQueue;
  /** When the first and the last message of the queue were stored. */
  readonly minTimeStamp: number;
  readonly maxTimeStamp: number;
  /** When the last message was stored that the group has consumed; the first of the queue without one. */
  readonly consumeTimeStamp: number;
  /** How long the next one for the group has been waiting, in milliseconds; 0 when there is none. */
  readonly delayTime: number;
}

/** The answer to QUERY_CONSUME_TIME_SPAN. Matches Apache's QueryConsumeTimeSpanBody. */
export function encodeConsumeTimeSpans(spans: readonly QueueTimeSpan[]): Buffer {
  const consumeTimeSpanSet = spans.map(({ messageQueue, ...times }) => ({
    messageQueue: messageQueueValue(messageQueue),
    ...times,
  }));
  return formatBody({ consumeTimeSpanSet });
}

/** Entries of a consume queue as they lie there. Matches Apache's QueryConsumeQueueResponseBody. */
export interface ConsumeQueueFacts {
  readonly minQueueIndex: number;
  readonly maxQueueIndex: number;
  readonly queueData: readonly {
    readonly physicOffset: number;
    readonly physicSize: number;
    readonly tagsCode: number;
  }[];
  /** What the group in question wants of the topic; absent when it is not online, or none was asked for. */
  readonly subscriptionData?: SubscriptionData;
  /** The group's filter in words. */
  readonly filterData?: string;
}

/** The answer to QUERY_CONSUME_QUEUE. */
export function encodeConsumeQueueFacts({ queueData, ...facts }: ConsumeQueueFacts): Buffer {
  return formatBody({ ...facts, queueData: queueData.map((entry) => ({ ...entry, eval: false })) });
}

/** The answer to QUERY_CORRECTION_OFFSET: offset by queue id. Matches Apache's QueryCorrectionOffsetBody. */
export function encodeCorrectionOffsets(correctionOffsets: ReadonlyMap<number, number>): Buffer {
  return formatBody({ correctionOffsets });
}

/** The answer to QUERY_SUBSCRIPTION_BY_CONSUMER. Matches Apache's QuerySubscriptionResponseBody. */
export function encodeSubscriptionOf(group: string, topic: string, subscriptionData?: SubscriptionData): Buffer {
  return formatBody({ group, topic, ...(subscriptionData && { subscriptionData }) });
}
