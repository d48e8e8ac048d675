import type { MessageQueue } from '../../message/message.js';
import type { QueueVerdict } from './health.js';

/** Where a queue's first offset came from: the group's stored position, or an option because it had none; `broker` where it is popped. */
export type StartReason = 'broker' | 'stored' | 'first' | 'last' | 'timestamp' | 'reset' | 'seek';

/**
 * What becomes of a message that was not handled: tried again by this member (`here`), sent back to the broker to come again
 * (`broker`), a dead letter (`deadLetter`), or given up (`dropped`: a mode without retries).
 */
export type FailureNext = 'here' | 'broker' | 'deadLetter' | 'dropped';

/** What a consumer does, as `consumer.events$` tells it. Queues carry topic names as the application writes them. */
export type ConsumerEvent = {
  /** Monotonic milliseconds, fractional. */
  readonly atMs: number;
  readonly group: string;
} & (
  | { readonly type: 'started' }
  | {
      readonly type: 'rebalanced';
      readonly topic: string;
      /** Members of the group, this one included. */
      readonly members: number;
      /** Queues of the topic. */
      readonly queues: number;
      readonly added: readonly MessageQueue[];
      readonly removed: readonly MessageQueue[];
    }
  | {
      readonly type: 'rebalanceFailed';
      readonly topic: string;
      readonly error: unknown;
    }
  | {
      /** Another member of the group subscribes to something else: messages get lost to both. */
      readonly type: 'subscriptionConflict';
      readonly topic: string;
      readonly ours: string;
      /** Undefined when the other does not subscribe to the topic at all. */
      readonly theirs: string | undefined;
    }
  | {
      readonly type: 'queueAssigned';
      /** Its id is -1 where all queues of a broker are popped. */
      readonly queue: MessageQueue;
      /** -1 where it is popped: the broker knows. */
      readonly offset: number;
      readonly reason: StartReason;
    }
  | {
      readonly type: 'queueLost';
      readonly queue: MessageQueue;
      /** Messages that were pulled and not acknowledged; their new owner gets them again. */
      readonly unacknowledged: number;
      readonly why:
        | 'rebalance'
        | 'lock lost'
        /** Another member went on with it while this one had lost its broker, or stood still. */
        | 'overtaken'
        | 'stalled'
        | 'unsubscribed'
        | 'offset illegal'
        | 'seek'
        | 'administrator';
    }
  | {
      readonly type: 'pulled';
      readonly queue: MessageQueue;
      readonly messages: number;
      readonly sizeBytes: number;
      readonly nextOffset: number;
      /** With the broker; a held pull counts its waiting. */
      readonly elapsedMs: number;
    }
  | {
      /** The answer to a pop. */
      readonly type: 'popped';
      readonly queue: MessageQueue;
      readonly messages: number;
      readonly sizeBytes: number;
      /** Left at the broker in all queues of the topic. */
      readonly restCount: number;
      /** With the broker; a held pop counts its waiting. */
      readonly elapsedMs: number;
    }
  | {
      /** The invisible time of a popped message was over before something was said of it: it comes again, here or elsewhere. */
      readonly type: 'receiptExpired';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      /** Undefined where it was not read yet. */
      readonly msgId: string | undefined;
    }
  | {
      /** A popped message was handled, and its broker could not be told: it comes again. */
      readonly type: 'ackFailed';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      readonly msgId: string | undefined;
      readonly error: unknown;
    }
  | {
      /** A queue has had no room for minutes: its oldest message holds it up, by a handler that hangs or fails. */
      readonly type: 'queueBlocked';
      readonly queue: MessageQueue;
      /** Of that message. */
      readonly queueOffset: number;
      readonly unacknowledged: number;
      readonly forMs: number;
    }
  | {
      /** What `health()` says of a queue is another than it was; looked at each 5 seconds. A stalled queue is read anew at once. */
      readonly type: 'queueHealthChanged';
      readonly queue: MessageQueue;
      readonly verdict: QueueVerdict;
      readonly was: QueueVerdict;
      /** Undefined where nothing is wrong. */
      readonly reason: string | undefined;
    }
  | {
      /** The same of the consumer. */
      readonly type: 'healthChanged';
      readonly verdict: 'healthy' | 'unhealthy';
      readonly reasons: readonly string[];
    }
  /** The process stood still, suspended or busy in one turn of its event loop; consumption goes on. */
  | { readonly type: 'suspended'; readonly forMs: number }
  /** A pull or a pop. */
  | { readonly type: 'pullFailed'; readonly queue: MessageQueue; readonly error: unknown; readonly retryInMs: number }
  | {
      readonly type: 'handled';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      readonly msgId: string;
      readonly attempt: number;
      readonly elapsedMs: number;
    }
  | {
      readonly type: 'failed';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      /** Undefined when the record itself could not be read. */
      readonly msgId: string | undefined;
      readonly attempt: number;
      /** What the handler threw; undefined when it asked for a retry or a dead letter itself. */
      readonly error: unknown;
      readonly next: FailureNext;
      /** Until it is tried again, `here` or where it was popped; undefined where others decide that. */
      readonly retryInMs: number | undefined;
      /** Of a dead letter. */
      readonly reason?: string;
    }
  | {
      /** The broker took a message back: it comes again after its delay level (0: as the broker counts), or is a dead letter (-1). */
      readonly type: 'sentBack';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      readonly msgId: string | undefined;
      readonly delayLevel: number;
    }
  | {
      /** The broker did not take it; it is handled again here, or comes again where it was popped. */
      readonly type: 'sendBackFailed';
      readonly queue: MessageQueue;
      readonly queueOffset: number;
      readonly msgId: string | undefined;
      readonly error: unknown;
      readonly retryInMs: number;
    }
  | {
      /** A queue begins anew elsewhere: the broker does not have the offset asked for, the application or an administrator said so. */
      readonly type: 'offsetReset';
      readonly queue: MessageQueue;
      readonly from: number;
      readonly to: number;
      readonly why: 'offset illegal' | 'seek' | 'administrator';
    }
  | { readonly type: 'committed'; readonly queue: MessageQueue; readonly offset: number }
  | {
      readonly type: 'closed';
      /** Handlers that were still running when the time to drain was over. */
      readonly unfinished: number;
    }
);
