import type { MessageQueue } from '../../message/message.js';
import type { AllocateStrategy } from './allocate-strategy.js';

/**
 * A fixed list of queues for this member, whoever else there is; those that a topic has not (any more) are left out. Who
 * gives two members the same queue has every message twice. Matches Apache's AllocateMessageQueueByConfig, which takes
 * the list for every topic as it is.
 */
export function allocateByConfig(queues: readonly MessageQueue[]): AllocateStrategy {
  const wanted = new Set(queues.map(keyOf));
  return {
    name: 'CONFIG',
    allocate: (_group, _clientId, all) => all.filter((queue) => wanted.has(keyOf(queue))),
  };
}

function keyOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${queueId}@${brokerName}@${topic}`;
}
