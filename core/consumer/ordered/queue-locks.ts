import type { MessageQueue } from '../../message/message.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { queueKey } from '../consumed-queue.js';

/** A lock that was not renewed for so long is not relied on (Java: rocketmq.client.rebalance.lockMaxLiveTime). */
const LOCK_TRUSTED_MS = 30_000;
/** So long after the last renewal a broker may have given it to another member (its lockMaxLiveTime). */
const LOCK_KEPT_MS = 60_000;

export interface QueueLocksServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** LOCK_BATCH_MQ at one broker: those of the queues that are ours now. */
  readonly lock: (brokerName: string, queues: readonly MessageQueue[]) => Promise<readonly MessageQueue[]>;
  readonly unlock: (brokerName: string, queues: readonly MessageQueue[]) => Promise<void>;
  /** A lock is another member's, or may have been: what was read of the queue may have been handled by it. */
  readonly onLost: (queue: MessageQueue) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Lock {
  readonly queue: MessageQueue;
  /** Monotonic milliseconds of asking for it: never later than the broker's own count. */
  lockedAtMs: number;
}

/**
 * The locks that brokers keep for us of queues that are consumed in order: taken, renewed, trusted only while they are fresh,
 * and given back. Does the client's part of Apache's RebalanceImpl.
 */
export class QueueLocks {
  readonly #services: QueueLocksServices;
  readonly #locks = new Map<string, Lock>();

  constructor(services: QueueLocksServices) {
    this.#services = services;
  }

  /** Whether nobody else can be delivering messages of the queue now. */
  holds(queue: MessageQueue): boolean {
    const lock = this.#locks.get(queueKey(queue));
    return lock !== undefined && this.#services.clock.monotonic() - lock.lockedAtMs < LOCK_TRUSTED_MS;
  }

  /** Monotonic milliseconds at which the lock was renewed last; undefined without one. */
  lockedAtMs(queue: MessageQueue): number | undefined {
    return this.#locks.get(queueKey(queue))?.lockedAtMs;
  }

  /** Those of the queues that are ours from now on. Never rejects: what could not be asked is not ours. */
  async acquire(queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]> {
    const askedAtMs = this.#services.clock.monotonic();
    const granted: MessageQueue[] = [];
    await this.#atBrokers(queues, async (brokerName, wanted) => {
      const locked = new Set((await this.#services.lock(brokerName, wanted)).map(queueKey));
      for (const queue of wanted) {
        if (!locked.has(queueKey(queue))) continue;
        this.#locks.set(queueKey(queue), { queue, lockedAtMs: askedAtMs });
        granted.push(queue);
      }
    });
    return granted;
  }

  /** Renews what we have. A lock that is refused, or that was out of our hands in between, is lost. Never rejects. */
  async renew(): Promise<void> {
    const held = [...this.#locks.values()];
    const askedAtMs = this.#services.clock.monotonic();
    await this.#atBrokers(
      held.map(({ queue }) => queue),
      async (brokerName, queues) => {
        const locked = new Set((await this.#services.lock(brokerName, queues)).map(queueKey));
        for (const queue of queues) this.#renewed(queue, locked.has(queueKey(queue)), askedAtMs);
      },
    );
  }

  /** Gives locks back. Never rejects: a broker that is away lets them expire. */
  async release(queues: readonly MessageQueue[]): Promise<void> {
    const ours = queues.filter((queue) => this.#locks.delete(queueKey(queue)));
    await this.#atBrokers(ours, (brokerName, given) => this.#services.unlock(brokerName, given));
  }

  get queues(): readonly MessageQueue[] {
    return [...this.#locks.values()].map(({ queue }) => queue);
  }

  #renewed(queue: MessageQueue, granted: boolean, askedAtMs: number): void {
    const lock = this.#locks.get(queueKey(queue));
    // Given back, or taken anew, while this was asked.
    if (lock === undefined || lock.lockedAtMs >= askedAtMs) return;
    const wasKept = askedAtMs - lock.lockedAtMs < LOCK_KEPT_MS;
    lock.lockedAtMs = askedAtMs;
    if (granted && wasKept) return;
    this.#locks.delete(queueKey(queue));
    this.#services.logger.warn('the lock of a queue was lost; it is read anew from its stored offset', {
      group: this.#services.group,
      ...queue,
    });
    this.#services.onLost(queue);
  }

  async #atBrokers(
    queues: readonly MessageQueue[],
    ask: (brokerName: string, queues: readonly MessageQueue[]) => Promise<void>,
  ): Promise<void> {
    const { logger, group } = this.#services;
    const brokers = new Map<string, MessageQueue[]>();
    for (const queue of queues) brokers.set(queue.brokerName, [...(brokers.get(queue.brokerName) ?? []), queue]);
    await Promise.all(
      [...brokers].map(([brokerName, own]) =>
        ask(brokerName, own).catch((error: unknown) => {
          logger.warn('a broker could not be asked about locks of queues', { group, brokerName, error });
        }),
      ),
    );
  }
}
