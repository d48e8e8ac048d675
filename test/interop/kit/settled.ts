import type { Client, MessageQueue, SendResult } from '../../../core/index.js';
import { waitFor } from './ports.js';

type Placed = Pick<SendResult, 'queue' | 'queueOffset'>;

/** Resolves when these messages can be pulled: Apache's broker makes the entries of queues a moment after it acknowledged them. */
export async function canBePulled(mq: Client, sent: readonly Placed[]): Promise<void> {
  for (const { queue, queueOffset = -1 } of sent) {
    await waitFor('the queue entries', async () => (await mq.admin.maxOffset(queue)) > queueOffset);
  }
}

/**
 * The queues of a topic that was just made, once name servers know it: Apache's broker tells them of one that a send has made
 * without waiting for an answer.
 */
export async function queuesOf(mq: Client, topic: string): Promise<readonly MessageQueue[]> {
  let queues: readonly MessageQueue[] = [];
  await waitFor(`a route to ${topic}`, async () => {
    queues = await mq.admin.fetchSubscribeMessageQueues(topic).catch(() => []);
    return queues.length > 0;
  });
  return queues;
}
