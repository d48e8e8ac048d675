import type { Observable } from 'rxjs';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';

/** One call of a handler on its way: what delivery interceptors see. */
export interface DeliveryContext {
  readonly group: string;
  readonly queue: MessageQueue;
  /** One message unless the consumer asked for batches. */
  readonly messages: readonly ReceivedMessage[];
  /** How often handling them failed before, here or at another member; 0 at first. Of a batch the most. */
  readonly attempt: number;
  /** Aborted when the consumer closes, loses the queue, or does not wait for this delivery any longer. */
  readonly signal: AbortSignal;
  with(change: { readonly messages?: readonly ReceivedMessage[] }): DeliveryContext;
}

/**
 * What the delivery of one message ends in, on every kind of consumer.
 * - `ack`: done, it does not come again. A handler that returns.
 * - `retry`: it comes again. A handler that throws (`error` is what it threw), or `message.retry()` (`error` is undefined).
 *   `delayLevel` is the broker's own level, `afterMs` the least it should wait; without either the mode decides.
 * - `deadLetter`: it comes to nobody any more; where the mode has dead letters it goes there.
 */
export type MessageOutcome =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly error: unknown; readonly afterMs?: number; readonly delayLevel?: number }
  | { readonly kind: 'deadLetter'; readonly reason: string; readonly error?: unknown };

/** The outcome of a message that was not handled. */
export type FailedOutcome = Exclude<MessageOutcome, { readonly kind: 'ack' }>;

/** What a delivery ends in: the same for all of its messages, or one outcome for each, in their order. */
export type DeliveryOutcome = MessageOutcome | { readonly kind: 'each'; readonly outcomes: readonly MessageOutcome[] };

/** Ends in exactly one outcome; never errors at its outer end. */
export type DeliveryHandler = (context: DeliveryContext) => Observable<DeliveryOutcome>;

/** The same shape as a send interceptor, on the receiving side. */
export type DeliveryInterceptor = (context: DeliveryContext, next: DeliveryHandler) => Observable<DeliveryOutcome>;

/** The consumer as `create` sees it when its chain is composed. */
export interface ConsumerFacts {
  readonly group: string;
  /** How long its handlers may take; undefined where nobody watches that. */
  readonly consumeTimeoutMs?: number;
}

/** One delivery interceptor as the plugin host collects it. */
export interface DeliveryAttachment {
  readonly plugin: string;
  readonly order: { readonly before?: readonly string[]; readonly after?: readonly string[] } | undefined;
  /** Undefined leaves this consumer alone. */
  readonly create: (consumer: ConsumerFacts) => DeliveryInterceptor | undefined;
}

export const ACK: MessageOutcome = Object.freeze({ kind: 'ack' });

/** What a delivery's end means for its message at `index`. */
export function outcomeOf(outcome: DeliveryOutcome, index: number): MessageOutcome {
  return outcome.kind === 'each' ? (outcome.outcomes[index] as MessageOutcome) : outcome;
}
