import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { DeliveryOutcome } from './delivery.js';

/** A delivery that has ended: its messages are of one queue, which is still ours. */
export interface EndedDelivery {
  readonly consumed: ConsumedQueue;
  /** In the order in which the mode gave them. */
  readonly held: readonly PulledMessage[];
  /** Monotonic milliseconds. */
  readonly startedMs: number;
}

/**
 * How a consumer takes its messages and what it makes of their outcomes: what differs between clustering, orderly,
 * broadcasting and pop. The handler runner asks it what to deliver next and tells it how each delivery ended; decoding,
 * concurrency, interceptors, handlers and time-outs are the runner's and the same for all. Does the work of what Apache's
 * ConsumeMessageServices differ in.
 */
export interface DeliveryMode {
  /**
   * Whether a message must not be delivered before the one before it: one that cannot be read is then dealt with when it is
   * the first, and what was taken behind it waits.
   */
  readonly inOrder?: boolean;
  /**
   * The messages of one queue to deliver next, together, at most `max`. None means that there is nothing now; whoever gives
   * the queue something to take calls the runner's `wake`. An orderly mode gives none while one delivery of the queue runs.
   */
  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[];
  /** Messages that are none of this consumer's business (another tag, a filter): done, and nobody was asked. */
  skip(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void;
  /** Once per delivery: carries out the outcome. Never throws. The delivery's slot is free again. */
  settle(ended: EndedDelivery, outcome: DeliveryOutcome): void;
  /** Where messages are delivered in order: some that were taken were not delivered; they are next. */
  putBack?(consumed: ConsumedQueue, untouched: readonly PulledMessage[]): void;
  /** Nothing of what the last `take` of the queue gave runs any more, whether it was settled or its queue is gone. */
  ended?(consumed: ConsumedQueue): void;
  /** Starts nothing any more. Resolves when what the mode itself has under way (a send-back) has ended. Never rejects. */
  drain(): Promise<void>;
}
