import type { DeliveryOutcome } from './delivery.js';
import type { DeliveryEnd } from './delivery-chain.js';
import type { TopicValues } from './handler-end.js';
import type { HandlerPolicies } from './handler-policies.js';

/** The shape in which an application takes its messages: a handler, a handler of batches, an iterator, an Observable. */
export interface Receiver {
  /** As `describe()` calls it. */
  readonly kind: 'handler' | 'batch handler' | 'iterator' | 'observable';
  /** Messages in one delivery, at most. */
  readonly batchSize: number;
  /** Whether a delivery ends with a handler; otherwise when the application has said what becomes of its message. */
  readonly endsByItself: boolean;
  /** The innermost part of the delivery chain. */
  end(values: TopicValues): DeliveryEnd;
  /** What a topic's handler has of its own; absent where there are no handlers by topic. */
  policiesOf?(topic: string): HandlerPolicies | undefined;
  /** Whether another delivery may start while `running` have not ended; the bound of concurrency is kept by others. */
  wants(running: number): boolean;
  /**
   * A delivery is not waited for any longer: it timed out, or its queue has gone. Whoever holds its messages ends it with
   * `outcome`, so that interceptors see an end.
   */
  abandon(delivery: object, outcome: DeliveryOutcome): void;
  /** No further delivery will come. */
  stop(): void;
}
