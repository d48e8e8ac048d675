import type { ResolvedConsumerOptions } from '../options/consumer-options.js';

/** How much of one queue may be pulled and unacknowledged before pulling waits. */
export interface FlowLimits {
  readonly messages: number;
  readonly sizeBytes: number;
  /** Distance between the newest and the oldest offset. */
  readonly span: number;
}

/** What limits are made of. */
export type FlowOptions = Pick<
  ResolvedConsumerOptions,
  | 'pullThresholdForQueue'
  | 'pullThresholdSizeForQueueBytes'
  | 'pullThresholdForTopic'
  | 'pullThresholdSizeForTopicBytes'
  | 'consumeConcurrentlyMaxSpan'
>;

/**
 * The limits of a queue of a topic of which this member reads so many. A limit of the topic, where there is one, takes the
 * place of the queue's, shared evenly and at least 1: as Java does after each rebalance.
 */
export function flowLimits(options: FlowOptions, queues: number): FlowLimits {
  const share = (forTopic: number | undefined, forQueue: number): number =>
    forTopic === undefined ? forQueue : Math.max(1, Math.floor(forTopic / Math.max(1, queues)));
  return {
    messages: share(options.pullThresholdForTopic, options.pullThresholdForQueue),
    sizeBytes: share(options.pullThresholdSizeForTopicBytes, options.pullThresholdSizeForQueueBytes),
    span: options.consumeConcurrentlyMaxSpan,
  };
}
