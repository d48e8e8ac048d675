import type { MessageQueue } from '../../message/message.js';
import { formatBody } from './body-fields.js';
import { queueMapValue } from './message-queue-body.js';
import type { SubscriptionData } from './subscription-data.js';

/** How far a consumer is in one queue; instants are milliseconds since 1970, 0 for never. Matches Apache's ProcessQueueInfo. */
export interface ProcessQueueInfo {
  readonly commitOffset: number;
  readonly cachedMsgMinOffset: number;
  readonly cachedMsgMaxOffset: number;
  readonly cachedMsgCount: number;
  readonly cachedMsgSizeInMiB: number;
  readonly transactionMsgMinOffset: number;
  readonly transactionMsgMaxOffset: number;
  readonly transactionMsgCount: number;
  readonly locked: boolean;
  readonly tryUnlockTimes: number;
  readonly lastLockTimestamp: number;
  /** Apache's spelling. */
  readonly droped: boolean;
  readonly lastPullTimestamp: number;
  readonly lastConsumeTimestamp: number;
}

/** How a consumer stands with a topic that it pops at a broker, or one queue of it. Matches Apache's PopProcessQueueInfo (5.x). */
export interface PopProcessQueueInfo {
  readonly waitAckCount: number;
  /** Apache's spelling. */
  readonly droped: boolean;
  readonly lastPopTimestamp: number;
}

/** Times in milliseconds, rates a second, all of the last minute; `consumeFailedMsgs` of the last hour. Matches Apache's ConsumeStatus. */
export interface ConsumeStatus {
  readonly pullRT: number;
  readonly pullTPS: number;
  readonly consumeRT: number;
  readonly consumeOKTPS: number;
  readonly consumeFailedTPS: number;
  readonly consumeFailedMsgs: number;
}

/** What a consumer answers to GET_CONSUMER_RUNNING_INFO. Matches Apache's ConsumerRunningInfo. */
export interface ConsumerRunningInfo {
  /** All values are text. */
  readonly properties: Readonly<Record<string, string>>;
  readonly subscriptionSet: readonly SubscriptionData[];
  readonly mqTable: ReadonlyMap<MessageQueue, ProcessQueueInfo>;
  /** Of what is popped; default nothing. */
  readonly mqPopTable?: ReadonlyMap<MessageQueue, PopProcessQueueInfo>;
  /** By topic. */
  readonly statusTable: ReadonlyMap<string, ConsumeStatus>;
  /** Java's threads; here whatever tells what runs. */
  readonly jstack: string | undefined;
}

/** Names of properties that Apache's tools look for. */
export const RunningInfoProperty = {
  NAMESERVER_ADDR: 'PROP_NAMESERVER_ADDR',
  THREADPOOL_CORE_SIZE: 'PROP_THREADPOOL_CORE_SIZE',
  CONSUMEORDERLY: 'PROP_CONSUMEORDERLY',
  CONSUME_TYPE: 'PROP_CONSUME_TYPE',
  CLIENT_VERSION: 'PROP_CLIENT_VERSION',
  CONSUMER_START_TIMESTAMP: 'PROP_CONSUMER_START_TIMESTAMP',
} as const;

export function encodeConsumerRunningInfo(info: ConsumerRunningInfo): Buffer {
  const { properties, subscriptionSet, mqTable, mqPopTable, statusTable, jstack } = info;
  return formatBody({
    properties,
    subscriptionSet,
    mqTable: queueMapValue(mqTable, (queue) => queue),
    ...(mqPopTable === undefined ? {} : { mqPopTable: queueMapValue(mqPopTable, (queue) => queue) }),
    statusTable: Object.fromEntries(statusTable),
    ...(jstack === undefined ? {} : { jstack }),
  });
}
