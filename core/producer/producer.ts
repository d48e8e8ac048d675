import type { Observable, OperatorFunction } from 'rxjs';
import type { RocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue, OutgoingMessage, ReceivedMessage } from '../message/message.js';
import type { ReadsBodies, TypedTopic } from '../message/typed-topic.js';
import type { QueueSelector, StateKey } from '../pipeline/context.js';
import type { StageEvent } from '../pipeline/events.js';
import type { SendResult } from '../pipeline/send-result.js';
import type { LifeCycleState } from '../runtime/life-cycle.js';

/** What a message may carry for its producer, beside what is sent of it. */
export interface MessageRouting {
  /** One key, one queue: messages of one key keep their order. Makes one attempt only. */
  readonly shardingKey?: string;
}

/** A message with its bytes. */
export type RawMessage = OutgoingMessage & MessageRouting;

/** A message of a typed topic: the codec writes `value` as the body. */
export type TypedMessage<T> = Omit<OutgoingMessage, 'topic' | 'body'> &
  MessageRouting & { readonly topic: TypedTopic<unknown, T>; readonly value: T };

/** What the sends of many messages take: raw or typed ones. */
export type AnyMessage = RawMessage | TypedMessage<unknown>;

/** Each of the messages with a value that its own topic takes: what the compiler holds the sends of many messages to. */
export type Fitting<M> = M extends { readonly topic: TypedTopic<unknown, infer Input> }
  ? M & { readonly value: Input }
  : M;

/** A value that a send brings along for an interceptor. */
export interface SendSlot<T> {
  readonly key: StateKey<T>;
  readonly value: T;
}

/** Settings of one send. */
export interface SendOptions {
  /** Deadline of the whole send. Default: the producer's, 3,000. */
  readonly timeoutMs?: number;
  /** Longest wait for one broker's answer. Default: the producer's. */
  readonly attemptTimeoutMs?: number;
  /** Cancels the send: RMQ_SEND_ABORTED. */
  readonly signal?: AbortSignal;
  /**
   * What interceptors find in the send's state (`context.get(key)`) from the beginning: for plugins that offer sends of
   * their own. Such a send waits for no others (`autoBatch`). Default none.
   */
  readonly slots?: readonly SendSlot<unknown>[];
  /** Exactly this queue. At most one of `queue`, `selector` and `shardingKey`. */
  readonly queue?: MessageQueue;
  /** Chooses the queue. Such a send makes one attempt only, as those with `queue` and `shardingKey`. */
  readonly selector?: QueueSelector;
  /** One key, one queue. */
  readonly shardingKey?: string;
}

/** Settings of one request. */
export interface RequestOptions<R = undefined> extends SendOptions {
  /** For everything: until the message is stored, consumed, and the reply is here. Default: the producer's. */
  readonly timeoutMs?: number;
  /** How the reply's body becomes its `value`: a codec such as `json<Quote>()`, or a Standard Schema. */
  readonly replyAs?: ReadsBodies<R>;
}

/** Settings of one recall. */
export interface RecallOptions {
  /** Default: the producer's, 3,000. */
  readonly timeoutMs?: number;
  /** Ends the call: RMQ_REQUEST_ABORTED. */
  readonly signal?: AbortSignal;
}

/** For `producer.sendAll`. */
export interface SendAllOptions extends Omit<SendOptions, 'queue' | 'shardingKey'> {
  /** Sends in flight at once. Default 256. */
  readonly concurrency?: number;
  /** After the first failure takes nothing more, ends what is in flight, then ends. Default false. */
  readonly stopOnError?: boolean;
}

/** For `producer.pipeline.operator`. */
export interface OperatorOptions extends Omit<SendAllOptions, 'signal'> {
  /** Messages that may wait for a slot; one more is the error RMQ_BACKPRESSURE. Default 1,024. */
  readonly bufferMax?: number;
}

/** How one message of many ended: `if (report.result !== undefined)` tells, also the compiler. */
export type SendReport<M> =
  | { readonly message: M; readonly result: SendResult; readonly error?: undefined }
  | { readonly message: M; readonly result?: undefined; readonly error: RocketMQError };

/** What `sendAll` reads from. */
export type MessageSource<M> = Iterable<M> | AsyncIterable<M>;

/** The pipeline as streams. */
export interface ProducerPipeline {
  /**
   * A cold stream of this message's own stage events: subscribing sends it. Ends with a `done` event that carries the
   * result; a failed send is a `failed` event and then the error. Unsubscribing cancels the send.
   */
  run(message: RawMessage, options?: SendOptions): Observable<StageEvent>;
  run<T>(message: TypedMessage<T>, options?: SendOptions): Observable<StageEvent>;
  /** A hot stream of the events of all sends; costs nothing while nobody listens. Never ends before `close`. */
  readonly events$: Observable<StageEvent>;
  /** The pipeline as an operator for push sources, which cannot be slowed: its buffer is bounded. */
  operator<M extends AnyMessage>(options?: OperatorOptions): OperatorFunction<M & Fitting<M>, SendReport<M>>;
}

/** Sends messages of one group. Made by `mq.producer({ group })`. */
export interface Producer {
  readonly group: string;
  readonly state: LifeCycleState;
  /** The send path as streams: of one message, of all, and as an RxJS operator. */
  readonly pipeline: ProducerPipeline;
  /**
   * Sends one message. Resolves when a broker has stored it, after at most `retries` further attempts on other brokers, within
   * `timeoutMs`. With a `shardingKey`, `queue` or `selector` there is one attempt. The message is not changed.
   * @throws RMQ_MESSAGE_ILLEGAL, RMQ_VALUE_INVALID, RMQ_NOT_RUNNING, RMQ_ROUTE_NOT_FOUND, RMQ_NAME_SERVER_MISSING,
   * RMQ_NAME_SERVER_UNREACHABLE, RMQ_QUEUE_NOT_FOUND, RMQ_SEND_TIMEOUT, RMQ_SEND_FAILED, RMQ_SEND_ABORTED,
   * RMQ_SEND_FORBIDDEN, RMQ_NOT_STORED, RMQ_BACKPRESSURE, RMQ_BROKER_ERROR (an answer that is not retried)
   * @example await producer.send({ topic: 'orders', body: 'hello', tag: 'created', keys: ['42'] });
   */
  send(message: RawMessage, options?: SendOptions): Promise<SendResult>;
  send<T>(message: TypedMessage<T>, options?: SendOptions): Promise<SendResult>;
  /** The same as a cold Observable: each subscription sends once, unsubscribing cancels. */
  send$(message: RawMessage, options?: SendOptions): Observable<SendResult>;
  send$<T>(message: TypedMessage<T>, options?: SendOptions): Observable<SendResult>;
  /**
   * Sends many, pulling the next only when a slot is free. Yields how each ended, in order of completion; one failure
   * stops nothing unless `stopOnError` asks. Leaving the loop early takes nothing more and ends what is in flight.
   */
  sendAll<M extends AnyMessage>(
    messages: MessageSource<M & Fitting<M>>,
    options?: SendAllOptions,
  ): AsyncIterable<SendReport<M>>;
  /**
   * Sends messages of one topic as batches, which cost little more than one message each. Anything wrong with any of them
   * is said before anything is sent, with its `index`. What is larger than `maxMessageSizeBytes` together goes in parts,
   * one after another to the same queue, so that the order holds; `timeoutMs` is for all of it. None may be delayed or for
   * a retry topic, and all have the same `waitStored` and `shardingKey`. Batches are not compressed.
   *
   * Interceptors and events see each part as one send, with the messages in `context.batch`.
   * @returns one result for each message, in their order
   * @throws RMQ_MESSAGE_ILLEGAL, RMQ_VALUE_INVALID, RMQ_NOT_RUNNING, RMQ_OPTIONS_INVALID before anything is sent;
   * RMQ_BATCH_INCOMPLETE when a part fails, with the results in front of it and the messages without one; its `cause` is
   * what `send` would fail with
   * @example const results = await producer.sendBatch(lines.map((body) => ({ topic: 'lines', body })));
   */
  sendBatch<M extends AnyMessage>(
    messages: readonly (M & Fitting<M>)[],
    options?: SendOptions,
  ): Promise<readonly SendResult[]>;
  /** One attempt; resolves when the bytes are with the socket. Nothing tells whether the broker stored it. */
  sendOneway(message: RawMessage, options?: SendOptions): Promise<void>;
  sendOneway<T>(message: TypedMessage<T>, options?: SendOptions): Promise<void>;
  /**
   * Sends a message and waits for the reply that a consumer of it sends with `message.reply(…)`, or Java's
   * `MessageUtil.createReplyMessage`. Any number may be under way. Interceptors see a send whose `context.send.exchange`
   * is `'request'`. A reply that comes too late is dropped and counted in the client's `statistics`.
   * @returns the reply; it was pushed and not read from a queue, so its offsets and `storeSize` are 0
   * @throws as `send`; RMQ_REPLY_TIMEOUT when the message was sent and no reply came; RMQ_VALUE_INVALID,
   * RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED, RMQ_BODY_INVALID for a reply that cannot be read
   * @example const reply = await producer.request({ topic: 'prices', body: 'ACME' }, { timeoutMs: 2_000 });
   */
  request<R = undefined>(message: RawMessage, options?: RequestOptions<R>): Promise<ReceivedMessage<R>>;
  request<T, R = undefined>(message: TypedMessage<T>, options?: RequestOptions<R>): Promise<ReceivedMessage<R>>;
  /**
   * Takes a message back that a broker is to deliver at an instant (`deliverAt`, or a `delay` that is no level), until the
   * second it is due in. `recallHandle` is what the result of its send holds: brokers from 5.3.2 on give one out and take
   * it where `recallMessageEnable` is set, the embedded server as it is. Nobody can tell whether it was delivered before.
   * @returns the message's id
   * @throws RMQ_OPTIONS_INVALID for what is no handle, RMQ_BROKER_ERROR for what the broker refuses (604: too late), and
   * what a request throws
   * @example await producer.recall('reminders', result.recallHandle);
   */
  recall(topic: string, recallHandle: string, options?: RecallOptions): Promise<string>;
  /** The queues that messages of the topic can be sent to, in order. Loads the route. @throws as `send` on its way to a queue */
  fetchPublishMessageQueues(topic: string): Promise<readonly MessageQueue[]>;
  /** Stages and interceptors in the order they run, as a tree in text; derived from the composed chain. */
  describe(): string;
  /** Takes no more, ends what is in flight within `timeoutMs` (default: the longest deadline), leaves the group. */
  close(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
