import type { MessageQueue } from '../../message/message.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';

/**
 * What has to be agreed with others before a queue is taken or given back, where being assigned is not enough: consumption
 * in order.
 */
export interface QueueOwnership {
  /** Which of these queues may be taken now; the others are asked for again in the next round. Never rejects. */
  acquire(queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]>;
  /** Delivers nothing more of a queue. False when something of it still runs, or it is in doubt: it stays ours until the next round. Never rejects. */
  prepareToLeave(consumed: ConsumedQueue): Promise<boolean>;
  /** Whether another member may have the queue without a word to us: of such a queue no offset is stored. */
  isDoubtful(queue: MessageQueue): boolean;
  /** What was acquired of a topic and is not read after all is given back. Never rejects. */
  keepOnly(wireTopic: string, isRead: (queue: MessageQueue) => boolean): Promise<void>;
  /** Queues that were given back, with their offsets stored. Never rejects. */
  released(queues: readonly MessageQueue[]): Promise<void>;
}
