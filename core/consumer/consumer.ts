import type { Observable } from 'rxjs';
import type { Compressor } from '../message/compression/compressor.js';
import type { MessageQueue } from '../message/message.js';
import type { ResourceNames } from '../message/resource-names.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { Membership } from '../routing/membership.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Scheduler } from '../runtime/scheduler.js';
import type { AllocateStrategy } from './allocation/allocate-strategy.js';
import type { ConsumerRegistry } from './consumer-registry.js';
import type { ConsumerState } from './consumer-state.js';
import type { ConsumedMessage, SubscribedMessage } from './delivery/consumed-message.js';
import type { DeliveryAttachment } from './delivery/delivery.js';
import type { DeliveryFilterAttachment } from './delivery/delivery-filter.js';
import type { HandlerContext } from './delivery/handler-context.js';
import type { HandlerPolicies } from './delivery/handler-policies.js';
import type { ReplySender } from './delivery/reply-sender.js';
import type { OffsetStoreFactory } from './offsets/offset-store.js';
import type { ConsumerEvent } from './report/consumer-event.js';
import type { ConsumerHealth } from './report/health.js';
import type { IterationOptions } from './shapes/message-iterator.js';
import type { TopicHandler } from './shapes/topic-handler.js';
import type { DecodableTopic, Expression, Subscribe, SubscribedTopic } from './subscription/subscribe.js';

/**
 * The application's own work. Returning (or the promise resolving) acknowledges the message; throwing (or rejecting) has it
 * come again later; `message.retry()`, `message.deadLetter()` and `message.ack()` say more.
 */
export type MessageHandler<S extends Subscribe = Subscribe> = (
  message: SubscribedMessage<S>,
  context: HandlerContext,
) => unknown;

/** The same for `runBatch`: messages of one queue, up to `batchSize`. What is said of a message counts for it alone. */
export type BatchHandler<S extends Subscribe = Subscribe> = (
  messages: readonly SubscribedMessage<S>[],
  context: HandlerContext,
) => unknown;

/** For `run` and `runBatch`. */
export interface RunOptions {
  /** Closes the consumer. Default: the `signal` of its options. */
  readonly signal?: AbortSignal;
}

/** Where a queue goes on: an offset, the oldest or the next message, or the first stored at a time (milliseconds since 1970) or later. */
export type SeekPosition = number | 'first' | 'last' | { readonly timestamp: number };

/** A queue that this consumer reads now; its id is -1 where all queues of a topic at a broker are popped. */
export interface AssignedQueue extends MessageQueue {
  /** The next offset to pull; -1 where it is popped. */
  readonly pullOffset: number;
  /** Everything below is acknowledged; -1 where it is popped: its broker knows. */
  readonly committableOffset: number;
  /** Pulled or popped and not acknowledged. */
  readonly unacknowledged: number;
  /** By `pause([queue])`. */
  readonly paused: boolean;
}

/** How long `consumer.close()` waits. */
export interface CloseOptions {
  /** How long running handlers may take to end. Default 30,000. */
  readonly timeoutMs?: number;
  /** Stops waiting for them earlier. */
  readonly signal?: AbortSignal;
}

/** A push consumer: pulls the queues it shares with its group, calls a handler, commits what is done. */
export interface Consumer<S extends Subscribe = Subscribe> {
  readonly group: string;
  readonly state: ConsumerState;
  /** What happens here, hot; costs nothing while nobody listens. Completes with the end of `close`. */
  readonly events$: Observable<ConsumerEvent>;
  /**
   * Starts: joins the group, takes its share of the queues, calls `handler` from then on, or for each topic its own
   * (`on(topic, handler)`). Resolves when the first share is taken. A consumer is started once, in one of four shapes: `run`,
   * `runBatch`, `messages()`, `messages$`.
   * @throws RMQ_NOT_RUNNING, RMQ_OPTIONS_INVALID, RMQ_GROUP_DUPLICATE, RMQ_NAME_SERVER_MISSING, RMQ_NAME_SERVER_UNREACHABLE,
   * RMQ_SUBSCRIPTION_INVALID (the broker refuses an expression)
   */
  run(handler: MessageHandler<S>, options?: RunOptions): Promise<void>;
  run(handlers: readonly TopicHandler[], options?: RunOptions): Promise<void>;
  /** The same with up to `batchSize` messages of one queue in a call: returning acknowledges all, throwing has all come again. */
  runBatch(handler: BatchHandler<S>, options?: RunOptions): Promise<void>;
  /**
   * The messages one by one, as they are asked for: the first `next()` starts the consumer, leaving the loop closes it. Each is
   * in flight until `ack()`, `retry()` or `deadLetter()` is called on it, `concurrency` of them at most, or until
   * `consumeTimeoutMs` is over.
   * @example for await (const message of consumer.messages()) { await store(message.body); message.ack(); }
   * @throws RMQ_OPTIONS_INVALID; `next()` what `run` throws
   */
  messages(options?: IterationOptions): AsyncIterableIterator<SubscribedMessage<S>, undefined>;
  /**
   * The same pushed, for one subscriber: subscribing starts the consumer, unsubscribing closes it, and so does the `signal` of
   * the options; then it completes. No more than `concurrency` come before something is said of one.
   */
  readonly messages$: Observable<SubscribedMessage<S>>;
  /**
   * Pulls nothing and starts no handler until `resume`; the queues stay ours. Everything, or some queues of `assignment()`;
   * a queue that goes to another member forgets it. @throws RMQ_QUEUE_NOT_FOUND, RMQ_NOT_RUNNING (with queues)
   */
  pause(queues?: readonly MessageQueue[]): void;
  resume(queues?: readonly MessageQueue[]): void;
  /**
   * Goes on elsewhere in a queue of `assignment()`: what was pulled of it is dropped, running handlers of it no longer count.
   * The group's offset is stored at once. Returns it. Not of a queue that is popped. @throws RMQ_OPTIONS_INVALID, RMQ_QUEUE_NOT_FOUND, RMQ_NOT_RUNNING
   */
  seek(queue: MessageQueue, to: SeekPosition): Promise<number>;
  /**
   * Reads a topic more, or a topic by another expression, while it runs. All members of the group have to do the same. With
   * handlers by topic a new one needs its own, with policies of its own where it has some.
   * @throws RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL, RMQ_OPTIONS_INVALID, RMQ_NOT_RUNNING
   */
  subscribe<T>(
    topic: DecodableTopic<T>,
    expression?: Expression,
    handler?: (message: ConsumedMessage<T>, context: HandlerContext) => unknown,
    policies?: HandlerPolicies,
  ): Promise<void>;
  subscribe(
    topic: string,
    expression?: Expression,
    handler?: (message: ConsumedMessage, context: HandlerContext) => unknown,
    policies?: HandlerPolicies,
  ): Promise<void>;
  /** Reads a topic no longer; its queues are given back with their offsets. @throws RMQ_NOT_RUNNING */
  unsubscribe(topic: SubscribedTopic): Promise<void>;
  /** The queues of its topics that this member reads now; those of the group's retry topic come beside them. */
  assignment(): readonly AssignedQueue[];
  /**
   * How it stands: each queue with its last pull, its progress, what is in flight and a verdict, and one verdict with reasons
   * for all. Asks nobody; `events$` has `queueHealthChanged` and `healthChanged`.
   */
  health(): ConsumerHealth;
  /** A few lines for people: group, state, interceptors in their order, queues. */
  describe(): string;
  /**
   * Takes nothing new, waits for running handlers, commits, leaves the group; closing twice is fine. A handler must not await
   * the close of its own consumer: it would wait for itself until the time is over. @throws RMQ_OPTIONS_INVALID
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a consumer is built on; the client has all of it. */
export interface ConsumerServices {
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly names: ResourceNames;
  readonly scheduler: Scheduler;
  /** In order of registration; this consumer's chain is composed of them once. */
  readonly deliveryAttachments: readonly DeliveryAttachment[];
  /** What plugins filter by, in order of registration. Default none. */
  readonly deliveryFilters?: readonly DeliveryFilterAttachment[];
  /** The default is `createRemoteOffsetStoreFactory` of remote-offset-store.ts. */
  readonly offsetStore: OffsetStoreFactory;
  /** The default is `allocateAveragely`. */
  readonly allocateStrategy: AllocateStrategy;
  /** One per client: `createConsumerRegistry(remoting, logger)`. */
  readonly registry: ConsumerRegistry;
  /** Sends what `message.reply` says. */
  readonly replies: ReplySender;
  /** What compressed bodies are read with. Default: zlib, lz4 and zstd. */
  readonly compressors?: readonly Compressor[];
  /** As the heartbeat says it. Default false. */
  readonly unitMode?: boolean;
  /** 0 to below 1. Default Math.random. */
  readonly random?: () => number;
  /** Called once when the consumer has been closed, whoever closed it. */
  readonly onClosed?: (consumer: Consumer) => void;
}
