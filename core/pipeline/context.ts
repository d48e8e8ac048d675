import type { RocketMQError } from '../errors/rocketmq-error.js';
import type { Exchange } from '../message/exchange.js';
import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import type { PublishInfo } from '../routing/topic-route.js';
import type { SendResult } from './send-result.js';

/** Chooses the queue of a message among the topic's queues (never empty). */
export type QueueSelector = (queues: readonly MessageQueue[], message: OutgoingMessage) => MessageQueue;

/** A queue fixed by the caller: by name, by a selector, or by a sharding key. Such a send makes one attempt, as Java's. */
export type SendTarget =
  | { readonly queue: MessageQueue }
  | { readonly selector: QueueSelector }
  | { readonly shardingKey: string };

/** What stays the same for all of one send. */
export interface SendFacts {
  readonly producerGroup: string;
  /** `oneway` where no answer is waited for. */
  readonly mode: 'send' | 'oneway';
  /** `request` when the send waits for a reply, `reply` when it is one; undefined for all others. */
  readonly exchange?: Exchange | undefined;
  /** The unique id the message gets (property UNIQ_KEY). */
  readonly msgId: string;
  /** Wall clock at the start, milliseconds since 1970. */
  readonly startTimestamp: number;
  /** Of the whole send. */
  readonly timeoutMs: number;
  /** Monotonic milliseconds after which the send fails. */
  readonly deadlineMs: number;
  /** Where the caller fixed the queue; undefined where `select` chooses. */
  readonly target: SendTarget | undefined;
  /**
   * The messages of a batch as its caller gave them; undefined for a send of one message. A batch is one send: its
   * `msgId` and those of its result are joined by commas, and `message` has what all share, with all of them as body.
   */
  readonly batch?: readonly OutgoingMessage[] | undefined;
}

/** A typed slot of a plugin in the state of one send. Make it once, at module level of the plugin. */
export interface StateKey<T> {
  readonly name: string;
  readonly __type?: T;
}

/** Common to all contexts of one send; only `context.with` makes another. */
export interface SendContext {
  /** What stays the same for all of the send. */
  readonly send: SendFacts;
  /** As the application writes it. */
  readonly topic: string;
  /** As the caller gave it, or as an interceptor passed it on; never changed in place. */
  readonly message: OutgoingMessage;
  /** The messages of a batch, as the caller gave them or as an interceptor passed them on; undefined for a single one. */
  readonly batch: readonly OutgoingMessage[] | undefined;
  /** Aborted when the send is cancelled or its deadline passes. Made on first use. */
  readonly signal: AbortSignal;
  /** State shared by all contexts and attempts of this send. */
  get<T>(key: StateKey<T>): T | undefined;
  set<T>(key: StateKey<T>, value: T): void;
}

/**
 * What is sent: `message` for a single one, `batch` for the messages of a batch, of which there stay as many. Of a batch's
 * `message` only the topic can be changed.
 */
export interface MessageChange {
  readonly message?: OutgoingMessage;
  readonly batch?: readonly OutgoingMessage[];
}

/** Before `check` and between `check` and `route`. */
export interface CreatedContext extends SendContext {
  with(change: MessageChange & { readonly topic?: string }): CreatedContext;
}

/** Between `route` and `select`. The message keeps its topic from here on. */
export interface RoutedContext extends SendContext {
  readonly publishInfo: PublishInfo;
  with(change: MessageChange): RoutedContext;
}

/** A broker as an attempt sees it; the address is the master's, undefined while the route does not name one. */
export interface BrokerFacts {
  readonly name: string;
  readonly address: string | undefined;
}

/** Between `select` and `compress`: one attempt. */
export interface AttemptContext extends SendContext {
  readonly publishInfo: PublishInfo;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly queue: MessageQueue;
  readonly broker: BrokerFacts;
  with(change: MessageChange & { readonly queue?: MessageQueue }): AttemptContext;
}

/** The body as it goes out. */
export interface Payload {
  readonly body: Uint8Array;
  /** Bits of sysFlag that describe it: 0, or compressed with a type. */
  readonly sysFlag: number;
}

/** Between `compress` and `send`. */
export interface EncodedContext extends SendContext {
  readonly publishInfo: PublishInfo;
  readonly attempt: number;
  readonly queue: MessageQueue;
  readonly broker: BrokerFacts;
  readonly payload: Payload;
  with(change: { readonly queue?: MessageQueue; readonly payload?: Payload }): EncodedContext;
}

/** How an attempt ended. `elapsedMs` is the time with the broker. */
export type AttemptOutcome =
  | { readonly kind: 'result'; readonly result: SendResult; readonly elapsedMs: number }
  | {
      readonly kind: 'failure';
      readonly error: RocketMQError;
      readonly retryable: boolean;
      readonly elapsedMs: number;
    };

/** Between `send` and `updateFault`. Nothing can be changed any more. */
export interface SettledContext extends SendContext {
  readonly publishInfo: PublishInfo;
  readonly attempt: number;
  readonly queue: MessageQueue;
  readonly broker: BrokerFacts;
  readonly payload: Payload;
  readonly outcome: AttemptOutcome;
}
