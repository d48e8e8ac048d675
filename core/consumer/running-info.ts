import type { MessageQueue } from '../message/message.js';
import {
  type ConsumerRunningInfo,
  type ConsumeStatus,
  type PopProcessQueueInfo,
  type ProcessQueueInfo,
  RunningInfoProperty,
} from '../remoting/protocol/consumer-running-info.js';
import type { ConsumerMember } from '../routing/membership.js';
import type { Clock } from '../runtime/clock.js';
import type { ResolvedConsumerOptions } from './options/consumer-options.js';
import type { QueueLocks } from './ordered/queue-locks.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import type { Assignment } from './rebalance/assignment.js';
import type { ConsumeStatistics } from './report/consume-statistics.js';
import type { Subscriptions } from './subscription/subscriptions.js';

const MEBIBYTE = 1024 * 1024;

export interface RunningInfoFacts {
  /** The group on the wire. */
  readonly group: string;
  readonly options: Pick<
    ResolvedConsumerOptions,
    | 'messageModel'
    | 'consumeConcurrentlyMaxSpan'
    | 'pullThresholdForQueue'
    | 'pullThresholdSizeForQueueBytes'
    | 'pullIntervalMs'
    | 'pullBatchSize'
    | 'batchSize'
    | 'maxReconsumeTimes'
    | 'concurrency'
    | 'ordered'
  >;
  /** Default 'CONSUME_PASSIVELY': messages are handed to handlers. */
  readonly consumeType?: ConsumerMember['consumeType'];
  readonly subscriptions: Subscriptions;
  readonly assignment: Assignment;
  readonly statistics: ConsumeStatistics;
  readonly startedAtMs: number;
  readonly clock: Clock;
  /** Of a consumer in order. */
  readonly locks: QueueLocks | undefined;
  /** Lines that tell what runs; undefined where nobody asked. */
  readonly description: string | undefined;
}

/** What an operator's tools show of this consumer. Names are names on the wire. */
export function runningInfo(facts: RunningInfoFacts): ConsumerRunningInfo {
  const { subscriptions, assignment, statistics, clock } = facts;
  const nowMs = clock.monotonic();
  const statusTable = new Map<string, ConsumeStatus>();
  for (const [wireTopic, { topic }] of subscriptions.byWire) {
    statusTable.set(wireTopic, statistics.statusOf(topic, nowMs));
  }
  const mqTable = new Map<MessageQueue, ProcessQueueInfo>();
  const mqPopTable = new Map<MessageQueue, PopProcessQueueInfo>();
  for (const consumed of assignment.consumed) {
    const lastPullMs = assignment.lastPullMs(consumed);
    if (consumed.popped) mqPopTable.set(consumed.queue, popInfo(consumed, lastPullMs, clock));
    else mqTable.set(consumed.queue, queueInfo(consumed, lastPullMs, clock, facts.locks));
  }
  const subscriptionSet = subscriptions.forHeartbeat().map((one) => ({ ...one, classFilterMode: false }));
  return {
    properties: propertiesOf(facts),
    subscriptionSet,
    mqTable,
    ...(mqPopTable.size === 0 ? {} : { mqPopTable }),
    statusTable,
    jstack: facts.description,
  };
}

function propertiesOf({
  group,
  options,
  startedAtMs,
  consumeType = 'CONSUME_PASSIVELY',
}: RunningInfoFacts): Readonly<Record<string, string>> {
  return {
    consumerGroup: group,
    messageModel: options.messageModel.toUpperCase(),
    consumeConcurrentlyMaxSpan: String(options.consumeConcurrentlyMaxSpan),
    pullThresholdForQueue: String(options.pullThresholdForQueue),
    pullThresholdSizeForQueue: String(options.pullThresholdSizeForQueueBytes / MEBIBYTE),
    pullInterval: String(options.pullIntervalMs),
    pullBatchSize: String(options.pullBatchSize),
    consumeMessageBatchMaxSize: String(options.batchSize),
    maxReconsumeTimes: String(options.maxReconsumeTimes),
    [RunningInfoProperty.THREADPOOL_CORE_SIZE]: String(options.concurrency),
    [RunningInfoProperty.CONSUMEORDERLY]: String(options.ordered),
    [RunningInfoProperty.CONSUME_TYPE]: consumeType,
    [RunningInfoProperty.CLIENT_VERSION]: 'V4_9_7',
    [RunningInfoProperty.CONSUMER_START_TIMESTAMP]: String(startedAtMs),
  };
}

function queueInfo(
  { queue, processQueue, lastDeliveredMs, dropped }: ConsumedQueue,
  lastPullMs: number | undefined,
  clock: Clock,
  locks: QueueLocks | undefined,
): ProcessQueueInfo {
  const instant = (monotonicMs: number | undefined): number => instantOf(monotonicMs, clock);
  const { count, sizeBytes, committableOffset, nextOffset } = processQueue;
  return {
    commitOffset: committableOffset,
    cachedMsgMinOffset: count === 0 ? 0 : committableOffset,
    cachedMsgMaxOffset: count === 0 ? 0 : nextOffset - 1,
    cachedMsgCount: count,
    cachedMsgSizeInMiB: Math.floor(sizeBytes / MEBIBYTE),
    transactionMsgMinOffset: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgCount: 0,
    locked: locks?.holds(queue) ?? false,
    tryUnlockTimes: 0,
    lastLockTimestamp: instant(locks?.lockedAtMs(queue)),
    droped: dropped,
    lastPullTimestamp: instant(lastPullMs),
    lastConsumeTimestamp: instant(lastDeliveredMs),
  };
}

function popInfo(
  { processQueue, dropped }: ConsumedQueue,
  lastPopMs: number | undefined,
  clock: Clock,
): PopProcessQueueInfo {
  return { waitAckCount: processQueue.count, droped: dropped, lastPopTimestamp: instantOf(lastPopMs, clock) };
}

/** Of something that monotonic milliseconds tell; 0 for what never was. */
function instantOf(monotonicMs: number | undefined, clock: Clock): number {
  return monotonicMs === undefined ? 0 : Math.round(clock.now() - (clock.monotonic() - monotonicMs));
}
