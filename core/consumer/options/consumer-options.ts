import type { AllocateStrategy } from '../allocation/allocate-strategy.js';
import type { Subscribe } from '../subscription/subscribe.js';

/**
 * Where to begin in a queue for which the group has **no stored offset**; a stored offset always wins. `'last'`: with
 * what is sent from now on (a broker answers 0 itself while the topic is young, so such a topic is read whole); `'first'`:
 * with the oldest message that is there; a timestamp in milliseconds since 1970: with the first message stored then or
 * later. The decision is logged for each queue.
 */
export type StartFrom = 'last' | 'first' | { readonly timestamp: number };

/** Tries of a failed message in this process, before it is sent back to its broker. */
export interface HandlerRetry {
  /** How many; `Infinity` never sends back: the message is tried here until it succeeds, and holds its offset. */
  readonly attempts: number;
  /** Default 1,000. */
  readonly initialDelayMs?: number;
  /** Default 30,000. */
  readonly maxDelayMs?: number;
}

/**
 * What becomes of a message whose body cannot be read (decompressing it fails) or is no value of its typed topic: `'retry'` as
 * if its handler had thrown, `'deadLetter'` at once, `'skip'` acknowledges it with a warning in the log.
 */
export type Undecodable = 'retry' | 'deadLetter' | 'skip';

/**
 * What becomes of a message that failed `maxReconsumeTimes` times where messages are delivered in order: `'deadLetter'`, or
 * `'skip'`, which acknowledges it with a warning in the log. Until then, and without `maxReconsumeTimes` for ever, it holds its
 * queue up.
 */
export type Poison = 'deadLetter' | 'skip';

/**
 * How a consumer comes by its messages. `'pull'`: each member reads its own queues and the group commits offsets. `'pop'`:
 * brokers give out what nobody has, to every member, and each message is acknowledged by itself; brokers of 5.x and ours.
 * `'assigned'`: brokers share the queues out and say of each whether it is pulled or popped, as an operator set it with
 * `mq.admin.setMessageRequestMode` (Java: `clientRebalance` false); brokers of 5.x and ours.
 */
export type RequestMode = 'pull' | 'pop' | 'assigned';

/** What a push consumer can be told. Matches Apache's DefaultMQPushConsumer where the names are the same. */
export interface ConsumerOptions<S extends Subscribe = Subscribe> {
  /** Members of one group share the queues of their topics; all of them subscribe to the same. */
  readonly group: string;
  /** `{ orders: 'created || paid', audit: '*' }`, or topics with their expressions: `[orders, [payments, 'paid']]`. */
  readonly subscribe: S;
  /** Default `'last'`. */
  readonly from?: StartFrom;
  /** `'broadcasting'`: every member gets every message and keeps its own offsets, in a file. Default `'clustering'`. */
  readonly messageModel?: 'clustering' | 'broadcasting';
  /** Only in clustering and without `ordered`. Default `'pull'`. */
  readonly messageRequestMode?: RequestMode;
  /**
   * How long a popped message stays with this member when nothing is said of it; then it comes again. It is prolonged while
   * a handler is at work. 5,000 to 300,000, default 60,000.
   */
  readonly popInvisibleTimeMs?: number;
  /** Messages asked for in one pop. 1 to 32, default 32. */
  readonly popBatchSize?: number;
  /** Popped and unacknowledged messages of a topic at one broker at which popping waits. 1 to 65,535, default 96. */
  readonly popThresholdForQueue?: number;
  /**
   * Messages of a queue are delivered one after the other, in its order; one that fails comes again before the next. Only in
   * clustering. Default false: side by side.
   */
  readonly ordered?: boolean;
  /** Before a message that failed is delivered again, with `ordered`. 10 to 30,000, default 1,000. */
  readonly suspendCurrentQueueTimeMs?: number;
  /** With `ordered`. Default `'deadLetter'`. */
  readonly poison?: Poison;
  /** How the queues are shared out among the members; all of them have to have the same. Default `allocateAveragely`. */
  readonly allocateStrategy?: AllocateStrategy;
  /** Folder of the offsets with `'broadcasting'`; below it one for the client and one for the group. Default `.rocketmq_offsets` in the user's. */
  readonly localOffsetStoreDir?: string;
  /** Handlers running at one time, over all queues. 1 to 1,000, default 20. */
  readonly concurrency?: number;
  /** Messages of one queue that a handler of `runBatch` gets at a time, at most. 1 to 1,024, default 1. */
  readonly batchSize?: number;
  /** Messages asked for in one pull. 1 to 1,024, default 32; a broker has a limit of its own, usually 32. */
  readonly pullBatchSize?: number;
  /** Pulled and unacknowledged messages of a queue at which pulling waits. 1 to 65,535, default 1,000. */
  readonly pullThresholdForQueue?: number;
  /** The same by bytes of records, in MiB. 1 to 1,024, default 100. */
  readonly pullThresholdSizeForQueueMiB?: number;
  /** For all queues of a topic that this member reads together, shared evenly; then it counts instead of the queue's. 1 to 6,553,500, default none. */
  readonly pullThresholdForTopic?: number;
  /** The same by bytes of records, in MiB. 1 to 102,400, default none. */
  readonly pullThresholdSizeForTopicMiB?: number;
  /** Distance between the newest pulled and the oldest unacknowledged offset of a queue at which pulling waits. 1 to 65,535, default 2,000. */
  readonly consumeConcurrentlyMaxSpan?: number;
  /** Messages that handlers get in a second, over all queues. Above 0 to 1,000,000, default no limit. */
  readonly messagesPerSecond?: number;
  /** Pause between two pulls of a queue. 0 to 65,535, default 0. */
  readonly pullIntervalMs?: number;
  /** How long a broker may hold a pull that finds nothing. 1,000 to 60,000, default 15,000. */
  readonly suspendTimeoutMs?: number;
  /** How long to wait for the answer to a pull; more than `suspendTimeoutMs`. Default 30,000. */
  readonly pullTimeoutMs?: number;
  /** Before a queue is pulled again after an error. 1 to 60,000, default 1,000. */
  readonly pullRetryDelayMs?: number;
  /** Failed tries after which a message is a dead letter: `%DLQ%group`. 0 to 2,147,483,647, default 16; with `ordered` no end. */
  readonly maxReconsumeTimes?: number;
  /**
   * How long a message waits at its broker after so many failed tries (from 1): `'10s'` or milliseconds, rounded up to a delay
   * level. Default: as the broker counts, from 10 seconds over minutes to 2 hours.
   */
  readonly backOff?: (failedTries: number) => string | number;
  /** Tries here before that; they hold the offset, and start with 1,000 ms doubling to 30,000. Default none. */
  readonly handlerRetry?: HandlerRetry;
  /** Of messages whose body cannot be read, or is no value of their typed topic. Default `'retry'`. */
  readonly undecodable?: Undecodable;
  /**
   * How long a handler may take; then its messages are sent back and it is not waited for. With `ordered` a handler is always
   * waited for. 1,000 to 86,400,000, default 900,000.
   */
  readonly consumeTimeoutMs?: number;
  /** How often queues are shared out again without a cause. 1,000 to 3,600,000, default 20,000. */
  readonly rebalanceIntervalMs?: number;
  /** How often offsets are stored. 100 to 3,600,000, default 5,000. */
  readonly persistOffsetIntervalMs?: number;
  /** For requests other than pulls. 1 to 600,000, default 3,000. */
  readonly requestTimeoutMs?: number;
  /** What one body may grow to when it is decompressed. 1 to 1,073,741,824, default 16,777,216 (16 MiB). */
  readonly decompressedSizeBytesMax?: number;
  /** Closes the consumer once it was started, in whichever shape; `run`, `runBatch` and `messages` may be given another. Default none. */
  readonly signal?: AbortSignal;
}

/** How failed messages come again. */
export interface ResolvedRetry {
  readonly here: Required<HandlerRetry>;
  readonly backOff: ((failedTries: number) => string | number) | undefined;
}

/** The same with every default filled in. */
export interface ResolvedConsumerOptions {
  readonly from: StartFrom;
  readonly messageModel: 'clustering' | 'broadcasting';
  readonly messageRequestMode: RequestMode;
  readonly popInvisibleTimeMs: number;
  readonly popBatchSize: number;
  readonly popThresholdForQueue: number;
  readonly ordered: boolean;
  readonly suspendCurrentQueueTimeMs: number;
  readonly poison: Poison;
  readonly allocateStrategy: AllocateStrategy | undefined;
  readonly localOffsetStoreDir: string | undefined;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly pullBatchSize: number;
  readonly pullThresholdForQueue: number;
  readonly pullThresholdSizeForQueueBytes: number;
  readonly pullThresholdForTopic: number | undefined;
  readonly pullThresholdSizeForTopicBytes: number | undefined;
  readonly consumeConcurrentlyMaxSpan: number;
  readonly messagesPerSecond: number | undefined;
  readonly pullIntervalMs: number;
  readonly suspendTimeoutMs: number;
  readonly pullTimeoutMs: number;
  readonly pullRetryDelayMs: number;
  readonly maxReconsumeTimes: number;
  readonly retry: ResolvedRetry;
  readonly undecodable: Undecodable;
  readonly consumeTimeoutMs: number;
  readonly rebalanceIntervalMs: number;
  readonly persistOffsetIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly decompressedSizeBytesMax: number;
  readonly signal: AbortSignal | undefined;
}
