import type { Observable } from 'rxjs';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { LifeCycleState } from '../../runtime/life-cycle.js';
import type { AssignedQueue, CloseOptions, ConsumerServices, SeekPosition } from '../consumer.js';
import type { ConsumerEvent } from '../report/consumer-event.js';
import type { ConsumerHealth } from '../report/health.js';
import type { Expression, Subscribe, SubscribedTopic, SubscribedValue } from '../subscription/subscribe.js';
import type { QueuesListener } from './queue-watch.js';

/** For one `poll`. */
export interface PollOptions {
  /** How long to wait for messages; 0 takes only what is here. 0 to 86,400,000, default the option `pollTimeoutMs`. */
  readonly timeoutMs?: number;
  /** The most messages to give. 1 to 1,024, default the option `pullBatchSize`. */
  readonly maxMessages?: number;
  /** Gives the poll up: it rejects, and no message is lost to it. */
  readonly signal?: AbortSignal;
}

/** What is read of the assigned queues. */
export interface AssignOptions {
  /** By topic. Default: everything. */
  readonly expressions?: Readonly<Record<string, Expression>>;
}

/** What to commit: everything that was polled, that of some queues, or offsets. Everything below such an offset is done. */
export type CommitPositions = readonly MessageQueue[] | ReadonlyMap<MessageQueue, number>;

/**
 * A consumer whose messages are asked for: it pulls ahead and keeps a bounded number here, `poll` gives them out. It either
 * subscribes, and shares the queues with its group, or is assigned queues. Matches Apache's DefaultLitePullConsumer.
 *
 * At least once: what a poll gave is done when the next poll begins, or by `commit`. So handle the messages before you poll
 * again, and commit before you close when the last ones are handled too.
 */
export interface LitePullConsumer<S extends Subscribe = Subscribe> {
  readonly group: string;
  readonly state: LifeCycleState;
  /** What happens here, hot; costs nothing while nobody listens. Completes with the end of `close`. */
  readonly events$: Observable<ConsumerEvent>;
  /**
   * The next messages: of one queue, in its order. Waits for the first; none when the time is over or the consumer closes.
   * @example
   * for (;;) for (const message of await consumer.poll()) await store(message.body);
   * @throws RMQ_POLL_FAILED (a message cannot be given out; the queues behind others go on), RMQ_REQUEST_ABORTED,
   * RMQ_PULL_MISUSE (another poll has not ended), RMQ_OPTIONS_INVALID, RMQ_NOT_RUNNING
   */
  poll(options?: PollOptions): Promise<readonly ReceivedMessage<SubscribedValue<S>>[]>;
  /**
   * Reads a topic more, or a topic by another expression.
   * @throws RMQ_PULL_MISUSE after `assign`; RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL, RMQ_NOT_RUNNING
   */
  subscribe(topic: SubscribedTopic, expression?: Expression): Promise<void>;
  /** Reads a topic no longer; its queues are given back with their offsets. @throws RMQ_NOT_RUNNING */
  unsubscribe(topic: SubscribedTopic): Promise<void>;
  /**
   * Reads exactly these queues from now on, whatever others read: by the expression for their topic, or everything. Each goes
   * on at the group's stored offset, or where `from` says.
   * @throws RMQ_PULL_MISUSE after `subscribe`; RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL, RMQ_NOT_RUNNING
   */
  assign(queues: readonly MessageQueue[], options?: AssignOptions): Promise<void>;
  /** The queues that are read now. */
  assignment(): readonly AssignedQueue[];
  /**
   * Goes on elsewhere in a queue of `assignment()`; what was pulled of it is dropped. With `autoCommit` it is the group's
   * offset at once. Returns the offset. @throws RMQ_OFFSET_ILLEGAL, RMQ_OPTIONS_INVALID, RMQ_QUEUE_NOT_FOUND, RMQ_NOT_RUNNING
   */
  seek(queue: MessageQueue, to: SeekPosition): Promise<number>;
  /** Pulls nothing of these queues and gives nothing of them out; they stay ours. @throws RMQ_QUEUE_NOT_FOUND, RMQ_NOT_RUNNING */
  pause(queues: readonly MessageQueue[]): void;
  resume(queues: readonly MessageQueue[]): void;
  /**
   * Stores offsets now: of everything that was polled, which then is done, of some queues, or as they are given.
   * @throws RMQ_COMMIT_FAILED, RMQ_QUEUE_NOT_FOUND, RMQ_OPTIONS_INVALID, RMQ_NOT_RUNNING
   */
  commit(positions?: CommitPositions): Promise<void>;
  /** The same without waiting: stored at the next turn (`autoCommitIntervalMs`) or on close; failures are logged and tried again. */
  commitAsync(positions?: CommitPositions): void;
  /** The group's stored offset of a queue, of this consumer or not; undefined when there is none. */
  committed(queue: MessageQueue): Promise<number | undefined>;
  /** The first offset stored at a time (milliseconds since 1970) or later. */
  offsetForTimestamp(queue: MessageQueue, timestamp: number): Promise<number>;
  /** All queues of a topic that can be read, asked for anew. @throws RMQ_ROUTE_NOT_FOUND */
  fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]>;
  /** Calls `listener` with the queues of a topic whenever they are others than before. Resolves to a way to stop. */
  onQueuesChanged(topic: string, listener: QueuesListener): Promise<() => void>;
  /**
   * How it stands: each queue as `consumer.health()` tells it, and when the application last polled. That it has not polled for
   * long is no illness. Asks nobody; `events$` has `queueHealthChanged` and `healthChanged`.
   */
  health(): ConsumerHealth;
  /** A few lines for people. */
  describe(): string;
  /**
   * Takes nothing new, ends the poll that waits, stores what is done, leaves the group. There is no handler to wait for, so
   * `timeoutMs` and `signal` change nothing. @throws RMQ_OPTIONS_INVALID
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The services of a push consumer, and who hears of the end. */
export type LitePullServices = Omit<ConsumerServices, 'onClosed'> & {
  readonly onClosed?: (consumer: { readonly state: string; close(): Promise<void> }) => void;
};
