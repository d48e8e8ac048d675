import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { LifeCycleState } from '../../runtime/life-cycle.js';
import type { CloseOptions } from '../consumer.js';
import type { RetryAfter } from '../delivery/retry-after.js';
import type { ConsumerHealth } from '../report/health.js';
import type { Expression } from '../subscription/subscribe.js';

/** What a broker made of a pull. Matches Apache's PullStatus. */
export type PullStatus = 'FOUND' | 'NO_NEW_MSG' | 'NO_MATCHED_MSG' | 'OFFSET_ILLEGAL';

/** What one pull brought. Matches Apache's PullResult. */
export interface PullResult {
  /** `FOUND`, or why there are no messages. */
  readonly status: PullStatus;
  /** Empty unless `FOUND`; of what was found, those that match by their tag and that no plugin took. */
  readonly messages: readonly ReceivedMessage[];
  /** Where to pull next, and what to commit when the messages are handled. */
  readonly nextBeginOffset: number;
  /** Of the queue. */
  readonly minOffset: number;
  /** Of the queue: the offset that the next message will get. */
  readonly maxOffset: number;
}

/** For one pull. */
export interface PullOptions {
  /** The most messages to pull. 1 to 1,024, default 32; a broker has a limit of its own, usually 32. */
  readonly maxMessages?: number;
  /** How long to wait for the answer. Default the consumer's own. */
  readonly timeoutMs?: number;
  /** Ends the pull: RMQ_REQUEST_ABORTED. */
  readonly signal?: AbortSignal;
}

/** For `fetchConsumeOffset`. */
export interface OffsetOptions {
  /** Asks the store, whatever `updateConsumeOffset` was told. Default false. */
  readonly fromStore?: boolean;
}

/** Which dead end or delay a message goes to: `{ after: '1m' }`, `{ delayLevel: 3 }`, or `{ deadLetter: true }`. */
export type SendBackOptions = RetryAfter | { readonly deadLetter: true };

/**
 * The plain pull consumer: one request, one answer; offsets are the application's. Nothing is shared out, pulled ahead or
 * committed by itself but the offsets that `updateConsumeOffset` was told. Matches Apache's DefaultMQPullConsumer.
 */
export interface PullConsumer {
  readonly group: string;
  readonly state: LifeCycleState;
  /**
   * The messages of a queue from an offset on; answers at once.
   * @throws RMQ_POLL_FAILED (the first message cannot be given out), RMQ_SUBSCRIPTION_INVALID, RMQ_BROKER_ERROR,
   * RMQ_REQUEST_TIMEOUT, RMQ_REQUEST_ABORTED, RMQ_OPTIONS_INVALID, RMQ_NOT_RUNNING
   */
  pull(queue: MessageQueue, expression: Expression, offset: number, options?: PullOptions): Promise<PullResult>;
  /** The same, but the broker holds the pull while it finds nothing new, `suspendTimeoutMs` at most. */
  pullBlockIfNotFound(
    queue: MessageQueue,
    expression: Expression,
    offset: number,
    options?: PullOptions,
  ): Promise<PullResult>;
  /** All queues of a topic that can be read, asked for anew. @throws RMQ_ROUTE_NOT_FOUND */
  fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]>;
  /** The group's offset: as `updateConsumeOffset` was told last, else, or with `fromStore`, as stored; undefined without one. */
  fetchConsumeOffset(queue: MessageQueue, options?: OffsetOptions): Promise<number | undefined>;
  /** Remembers the group's offset: stored every `persistOffsetIntervalMs`, and on close. @throws RMQ_OPTIONS_INVALID */
  updateConsumeOffset(queue: MessageQueue, offset: number): void;
  /** Stores what is remembered now. @throws RMQ_COMMIT_FAILED */
  persistConsumeOffsets(): Promise<void>;
  minOffset(queue: MessageQueue): Promise<number>;
  /** The offset that the next message will get. */
  maxOffset(queue: MessageQueue): Promise<number>;
  /** The first offset stored at a time (milliseconds since 1970) or later. */
  searchOffset(queue: MessageQueue, timestamp: number): Promise<number>;
  /**
   * Gives a message back to its broker: it comes again from the group's retry topic `%RETRY%group`, later with each try or as
   * said, and is a dead letter after `maxReconsumeTimes`.
   */
  sendMessageBack(message: ReceivedMessage, options?: SendBackOptions): Promise<void>;
  /** How its pulls go: each queue that was pulled with the last pull, the lag as its answer told it, and whether pulls fail. */
  health(): ConsumerHealth;
  /** A line for people. */
  describe(): string;
  /**
   * Takes back pulls that wait, stores offsets, leaves the group. There is no handler to wait for, so `timeoutMs` and `signal`
   * change nothing. @throws RMQ_OPTIONS_INVALID
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
