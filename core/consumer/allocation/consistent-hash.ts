import { createHash } from 'node:crypto';
import type { MessageQueue } from '../../message/message.js';
import type { AllocateStrategy } from './allocate-strategy.js';

/** For `allocateConsistently`. */
export interface ConsistentHashOptions {
  /** Places that each member has on the ring, at least 1. More share out more evenly. Default 10. */
  readonly virtualNodeCount?: number;
}

interface Place {
  readonly hash: number;
  readonly clientId: string;
}

/**
 * Queues go to the member whose place on a ring of hashes comes next: when a member comes or goes, only queues of its own
 * move. Matches Apache's AllocateMessageQueueConsistentHash.
 * @throws RangeError for fewer than one place a member
 */
export function allocateConsistently({ virtualNodeCount = 10 }: ConsistentHashOptions = {}): AllocateStrategy {
  if (!Number.isInteger(virtualNodeCount) || virtualNodeCount < 1) {
    throw new RangeError(`virtualNodeCount has to be a whole number from 1, not ${virtualNodeCount}`);
  }
  return {
    name: 'CONSISTENT_HASH',
    allocate(_group, clientId, queues, clientIds) {
      if (!clientIds.includes(clientId)) return [];
      const ring = ringOf(clientIds, virtualNodeCount);
      return queues.filter((queue) => ownerOf(ring, queue) === clientId);
    },
  };
}

/** Ordered by hash; of two at one place the later counts, as in Java's map. */
function ringOf(clientIds: readonly string[], places: number): readonly Place[] {
  const ring = new Map<number, Place>();
  for (const clientId of clientIds) {
    for (let index = 0; index < places; index++) {
      const hash = hashOf(`${clientId}-${index}`);
      ring.set(hash, { hash, clientId });
    }
  }
  return [...ring.values()].sort((a, b) => a.hash - b.hash);
}

function ownerOf(ring: readonly Place[], { topic, brokerName, queueId }: MessageQueue): string | undefined {
  const hash = hashOf(`MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`);
  return (ring.find((place) => place.hash >= hash) ?? ring[0])?.clientId;
}

/** The first four bytes of the MD5. */
function hashOf(key: string): number {
  return createHash('md5').update(key).digest().readUInt32BE(0);
}
