import type { MessageQueue } from '../../message/message.js';
import { type Token, token } from '../../runtime/token.js';

/**
 * Which of a topic's queues a member of a group reads. Every member computes it alone from the same input, so it has to
 * be a function of its arguments only. Matches Apache's AllocateMessageQueueStrategy.
 */
export interface AllocateStrategy {
  /** As Apache names it, for logs: `AVG`. */
  readonly name: string;
  /**
   * @param group the group on the wire
   * @param clientId the member that asks
   * @param queues all readable queues of the topic, sorted by broker name and queue id
   * @param clientIds all members, sorted
   */
  allocate(
    group: string,
    clientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): readonly MessageQueue[];
}

export const AllocateStrategy: Token<AllocateStrategy> = token('AllocateStrategy');
