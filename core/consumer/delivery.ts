import type { Observable } from 'rxjs';
import type { MessageQueue, ReceivedMessage } from '../message/message.js';

/** One call of a handler on its way: what delivery interceptors see. */
export interface DeliveryContext {
  readonly group: string;
  readonly queue: MessageQueue;
  /** One message unless the consumer asked for batches. */
  readonly messages: readonly ReceivedMessage[];
  /** How often delivery of them was tried here before; 0 at first. */
  readonly attempt: number;
  /** Aborted when the consumer closes or loses the queue. */
  readonly signal: AbortSignal;
  with(change: { readonly messages?: readonly ReceivedMessage[] }): DeliveryContext;
}

/** What a delivery ends in. A handler that throws ends in `retry` with its error. */
export type DeliveryOutcome = { readonly kind: 'ack' } | { readonly kind: 'retry'; readonly error: unknown };

/** Ends in exactly one outcome; never errors at its outer end. */
export type DeliveryHandler = (context: DeliveryContext) => Observable<DeliveryOutcome>;

/** The same shape as a send interceptor, on the receiving side. */
export type DeliveryInterceptor = (context: DeliveryContext, next: DeliveryHandler) => Observable<DeliveryOutcome>;

/** One delivery interceptor as the plugin host collects it. */
export interface DeliveryAttachment {
  readonly plugin: string;
  readonly order: { readonly before?: readonly string[]; readonly after?: readonly string[] } | undefined;
  /** Undefined leaves this consumer alone. */
  readonly create: (consumer: { readonly group: string }) => DeliveryInterceptor | undefined;
}
