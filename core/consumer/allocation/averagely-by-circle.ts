import type { AllocateStrategy } from './allocate-strategy.js';

/**
 * Queues dealt out one by one: 5 queues and 2 members make [0, 2, 4] and [1, 3]. Spreads the queues of one broker over the
 * members. Matches Apache's AllocateMessageQueueAveragelyByCircle.
 */
export const allocateByCircle: AllocateStrategy = {
  name: 'AVG_BY_CIRCLE',
  allocate(_group, clientId, queues, clientIds) {
    const index = clientIds.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_queue, at) => at % clientIds.length === index);
  },
};
