import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import type { AllocateStrategy } from '../allocation/allocate-strategy.js';
import type { StartFrom } from '../options/consumer-options.js';
import { flag, whole } from '../options/option-checks.js';
import { commonOptions, heldTimeout, readingOptions, suspendTimeout } from '../options/shared-options.js';
import type { Subscribe } from '../subscription/subscribe.js';

/** What a lite pull consumer can be told. Matches Apache's DefaultLitePullConsumer where the names are the same. */
export interface LitePullConsumerOptions<S extends Subscribe = Subscribe> {
  /** Members of one group share the queues of the topics they subscribe to. */
  readonly group: string;
  /** As of `mq.consumer`. Without it nothing is read before `subscribe` or `assign`. */
  readonly subscribe?: S;
  /** Where to begin in a queue for which the group has no stored offset. Default `'last'`. */
  readonly from?: StartFrom;
  /** `'broadcasting'`: every member gets every message and keeps its own offsets, in a file. Default `'clustering'`. */
  readonly messageModel?: 'clustering' | 'broadcasting';
  /** Whether a poll commits what the polls before it gave out. Default true. */
  readonly autoCommit?: boolean;
  /** How often offsets are stored. 1,000 to 3,600,000, default 5,000. */
  readonly autoCommitIntervalMs?: number;
  /** How long a poll waits for messages, unless it is told. 0 to 86,400,000, default 5,000. */
  readonly pollTimeoutMs?: number;
  /** Messages asked for in one pull, and given out by one poll. 1 to 1,024, default 10. */
  readonly pullBatchSize?: number;
  /** Pulled messages of all queues, not done, at which pulling waits. 1 to 10,000,000, default 10,000. */
  readonly pullThresholdForAll?: number;
  /** The same for each queue. 1 to 65,535, default 1,000. */
  readonly pullThresholdForQueue?: number;
  /** The same by bytes of records, in MiB. 1 to 1,024, default 100. */
  readonly pullThresholdSizeForQueueMiB?: number;
  /** Distance between the newest pulled and the oldest offset of a queue that is not done, at which pulling waits. 1 to 65,535, default 2,000. */
  readonly consumeMaxSpan?: number;
  /** How long a broker may hold a pull that finds nothing. 1,000 to 60,000, default 20,000. */
  readonly suspendTimeoutMs?: number;
  /** How long to wait for the answer to a pull; more than `suspendTimeoutMs`. Default 30,000. */
  readonly pullTimeoutMs?: number;
  /** Before a queue is pulled again after an error. 1 to 60,000, default 1,000. */
  readonly pullRetryDelayMs?: number;
  /** How the queues are shared out among the members; all of them have to have the same. Default `allocateAveragely`. */
  readonly allocateStrategy?: AllocateStrategy;
  /** How often queues are shared out again without a cause. 1,000 to 3,600,000, default 20,000. */
  readonly rebalanceIntervalMs?: number;
  /** How often the queues of a topic are looked at for `onQueuesChanged`. 100 to 3,600,000, default 30,000. */
  readonly topicMetadataCheckIntervalMs?: number;
  /** As of `mq.consumer`. */
  readonly localOffsetStoreDir?: string;
  /** For requests other than pulls. 1 to 600,000, default 3,000. */
  readonly requestTimeoutMs?: number;
  /** What one body may grow to when it is decompressed. 1 to 1,073,741,824, default 16,777,216 (16 MiB). */
  readonly decompressedSizeBytesMax?: number;
  /** Closes the consumer. */
  readonly signal?: AbortSignal;
}

/** The same with every default filled in, and what the parts it shares with a push consumer want to know. */
export type ResolvedLitePullOptions = ReturnType<typeof resolveLitePullOptions>;

const LITE_PULL: OptionNames = {
  of: 'a lite pull consumer',
  names: new Set<keyof LitePullConsumerOptions>([
    'group',
    'subscribe',
    'from',
    'messageModel',
    'autoCommit',
    'autoCommitIntervalMs',
    'pollTimeoutMs',
    'pullBatchSize',
    'pullThresholdForAll',
    'pullThresholdForQueue',
    'pullThresholdSizeForQueueMiB',
    'consumeMaxSpan',
    'suspendTimeoutMs',
    'pullTimeoutMs',
    'pullRetryDelayMs',
    'allocateStrategy',
    'rebalanceIntervalMs',
    'topicMetadataCheckIntervalMs',
    'localOffsetStoreDir',
    'requestTimeoutMs',
    'decompressedSizeBytesMax',
    'signal',
  ]),
};

/** Checks every option by name and fills in the defaults. @throws RMQ_OPTIONS_INVALID */
export function resolveLitePullOptions(options: LitePullConsumerOptions) {
  requireKnown(options ?? null, LITE_PULL);
  const suspendTimeoutMs = suspendTimeout(options.suspendTimeoutMs, 20_000);
  const pullBatchSize = whole('pullBatchSize', options.pullBatchSize, 10, 1, 1_024);
  return {
    ...commonOptions(options),
    ...readingOptions(options),
    autoCommit: flag('autoCommit', options.autoCommit ?? true),
    autoCommitIntervalMs: whole('autoCommitIntervalMs', options.autoCommitIntervalMs, 5_000, 1_000, 3_600_000),
    pollTimeoutMs: whole('pollTimeoutMs', options.pollTimeoutMs, 5_000, 0, 86_400_000),
    pullBatchSize,
    pullThresholdForAll: whole('pullThresholdForAll', options.pullThresholdForAll, 10_000, 1, 10_000_000),
    pullThresholdForTopic: undefined,
    pullThresholdSizeForTopicBytes: undefined,
    consumeConcurrentlyMaxSpan: whole('consumeMaxSpan', options.consumeMaxSpan, 2_000, 1, 65_535),
    pullIntervalMs: 0,
    suspendTimeoutMs,
    pullTimeoutMs: heldTimeout('pullTimeoutMs', options.pullTimeoutMs, suspendTimeoutMs, 10_000),
    topicMetadataCheckIntervalMs: whole(
      'topicMetadataCheckIntervalMs',
      options.topicMetadataCheckIntervalMs,
      30_000,
      100,
      3_600_000,
    ),
    // As an operator's tools show it.
    batchSize: pullBatchSize,
    maxReconsumeTimes: 0,
    concurrency: 1,
    ordered: false,
  };
}
