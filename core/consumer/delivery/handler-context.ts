import type { MessageQueue } from '../../message/message.js';

/** Beside a message: where and how often it is being handled. */
export interface HandlerContext {
  readonly group: string;
  readonly queue: MessageQueue;
  /** How often handling it failed before, here or at another member; 0 at first. */
  readonly attempt: number;
  /** Aborted when the queue went to another member, and when closing or the time-out did not want to wait any longer. */
  readonly signal: AbortSignal;
}
