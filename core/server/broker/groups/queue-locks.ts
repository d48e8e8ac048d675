import type { MessageQueue } from '../../../message/message.js';

/** How long a lock holds without being asked for again (Apache: rocketmq.broker.rebalance.lockMaxLiveTime). */
const LOCK_LIVE_MS = 60_000;

interface Lock {
  clientId: string;
  /** Monotonic milliseconds. */
  renewedAtMs: number;
}

/**
 * Which client of a group may consume a queue in order. A lock is its owner's until it is given back or was not renewed
 * for a minute; a connection that closes keeps it, since its client may come back. Matches Apache's RebalanceLockManager.
 */
export class QueueLocks {
  /** By group, then by topic and queue. */
  readonly #groups = new Map<string, Map<string, Lock>>();

  /** Locks what is free, expired or this client's already. Returns the queues that are this client's now. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string, nowMs: number): readonly MessageQueue[] {
    let locks = this.#groups.get(group);
    if (locks === undefined) {
      locks = new Map();
      this.#groups.set(group, locks);
    }
    const locked = queues.filter((queue) => take(locks, keyOf(queue), clientId, nowMs));
    if (locks.size === 0) this.#groups.delete(group);
    return locked;
  }

  /** Gives back what is this client's. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#groups.get(group);
    if (locks === undefined) return;
    for (const key of queues.map(keyOf)) {
      if (locks.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks.size === 0) this.#groups.delete(group);
  }

  /** Groups that have locks, also such as expired and are not forgotten yet. */
  get size(): number {
    return this.#groups.size;
  }

  /** Forgets what expired: groups come and go, and nobody gives back a lock that its process took along. */
  expire(nowMs: number): void {
    for (const [group, locks] of [...this.#groups]) {
      for (const [key, lock] of [...locks]) if (isExpired(lock, nowMs)) locks.delete(key);
      if (locks.size === 0) this.#groups.delete(group);
    }
  }
}

function take(locks: Map<string, Lock>, key: string, clientId: string, nowMs: number): boolean {
  const lock = locks.get(key);
  if (lock !== undefined && lock.clientId !== clientId && !isExpired(lock, nowMs)) return false;
  locks.set(key, { clientId, renewedAtMs: nowMs });
  return true;
}

function isExpired({ renewedAtMs }: Lock, nowMs: number): boolean {
  return nowMs - renewedAtMs > LOCK_LIVE_MS;
}

/** As Apache keys them: a queue with its broker's name, as the client wrote it. */
function keyOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${queueId}@${brokerName}@${topic}`;
}
