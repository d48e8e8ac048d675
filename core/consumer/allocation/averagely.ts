import type { MessageQueue } from '../../message/message.js';
import type { AllocateStrategy } from './allocate-strategy.js';

/**
 * Neighbouring queues to the same member, the first members one more when it does not divide: 5 queues and 2 members
 * make [0, 1, 2] and [3, 4]. A member that the brokers do not know gets nothing. Matches Apache's
 * AllocateMessageQueueAveragely, so that members of ours and of Java share one group.
 */
export const allocateAveragely: AllocateStrategy = {
  name: 'AVG',
  allocate(_group, clientId, queues, clientIds): readonly MessageQueue[] {
    const index = clientIds.indexOf(clientId);
    if (index < 0) return [];
    const share = Math.floor(queues.length / clientIds.length);
    const remainder = queues.length % clientIds.length;
    const start = index * share + Math.min(index, remainder);
    return queues.slice(start, start + share + (index < remainder ? 1 : 0));
  },
};
