import { ConsumerOffsetManager } from '../server/broker/groups/consumer-offset-manager.js';
import type { OpenServer } from '../server/run-server.js';

/** How far a consumer group has come in one queue, as the broker knows it. */
export interface ConsumerProgress {
  readonly topic: string;
  readonly queueId: number;
  /** The committed offset: the next to consume. */
  readonly offset: number;
  /** The offset that the next message of the queue gets. */
  readonly maxOffset: number;
  /** Messages between them. */
  readonly lag: number;
}

/** The committed offsets of a group, by topic and queue. */
export function consumerProgress(server: OpenServer, group: string, topic?: string): ConsumerProgress[] {
  const progress: ConsumerProgress[] = [];
  const offsets = server.part(ConsumerOffsetManager);
  for (const name of offsets.topicsOf(group)) {
    if (topic !== undefined && name !== topic) continue;
    for (const [queueId, offset] of offsets.queuesOf(group, name)) {
      const maxOffset = server.store.maxOffset(name, queueId);
      progress.push({ topic: name, queueId, offset, maxOffset, lag: Math.max(0, maxOffset - offset) });
    }
  }
  return progress.sort((one, other) => one.topic.localeCompare(other.topic) || one.queueId - other.queueId);
}
