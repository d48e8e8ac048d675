import type { MessageQueue } from '../../message/message.js';
import { backOffMs } from '../../runtime/back-off.js';
import type { Timer } from '../../runtime/clock.js';
import { queueKey } from '../queues/consumed-queue.js';
import { LockRequests, type LockRequestsServices } from './lock-requests.js';

/** A lock that was not renewed for so long is not relied on (Java: rocketmq.client.rebalance.lockMaxLiveTime). */
const LOCK_TRUSTED_MS = 30_000;
/** So long after the last renewal a broker may have given it to another member (its lockMaxLiveTime). */
const LOCK_KEPT_MS = 60_000;
/** Before a broker that did not answer is asked again whether a lock is still ours. */
const CONFIRM_DELAY_MS = 50;
const CONFIRM_DELAY_MS_MAX = 1_000;
/** A broker that has not renewed a lock for so long, and is in no route either, is not waited for any more. */
const FORSAKEN_MS = 600_000;

export interface QueueLocksServices extends LockRequestsServices {
  /** Whether the group's stored offset of a queue is beyond what we did: another member went on there. */
  readonly wentOn: (queue: MessageQueue) => Promise<boolean>;
  /** A lock that was in doubt is ours, and nobody else had the queue meanwhile. */
  readonly onConfirmed: (queue: MessageQueue) => void;
  /** A lock is another member's, or may have been: what was read of the queue may have been handled by it. */
  readonly onLost: (queue: MessageQueue) => void;
}

interface Lock {
  readonly queue: MessageQueue;
  /** Monotonic milliseconds of asking for it: never later than the broker's own count. */
  lockedAtMs: number;
  /** The connection to its broker was lost since: the broker may have been restarted, which forgets all locks. */
  doubtful: boolean;
}

/**
 * The locks that brokers keep for us of queues that are consumed in order: taken, renewed, trusted only while they are fresh,
 * and given back. Does the client's part of Apache's RebalanceImpl.
 *
 * A broker that is restarted knows no locks, and gives a queue to whoever asks first. So a lock whose broker was lost is not
 * trusted, as Java trusts it, but asked for again; and where it is granted, the stored offset tells whether another member
 * has had it in between.
 */
export class QueueLocks {
  readonly #services: QueueLocksServices;
  readonly #requests: LockRequests;
  readonly #locks = new Map<string, Lock>();
  /** Locks that are being asked for. */
  readonly #acquiring = new Set<Promise<void>>();
  #confirming: Promise<void> | undefined;
  #confirmLater: Timer | undefined;
  #failures = 0;
  /** Counts lost connections: an answer from before one says nothing. */
  #losses = 0;
  #closed = false;

  constructor(services: QueueLocksServices) {
    this.#services = services;
    this.#requests = new LockRequests(services);
  }

  /** Whether nobody else can be delivering messages of the queue now. */
  holds(queue: MessageQueue): boolean {
    const lock = this.#locks.get(queueKey(queue));
    return lock !== undefined && !lock.doubtful && this.#services.clock.monotonic() - lock.lockedAtMs < LOCK_TRUSTED_MS;
  }

  /** Whether another member may have been given the queue without a word to us. */
  isDoubtful(queue: MessageQueue): boolean {
    const lock = this.#locks.get(queueKey(queue));
    if (lock === undefined) return false;
    return lock.doubtful || this.#services.clock.monotonic() - lock.lockedAtMs >= LOCK_KEPT_MS;
  }

  /** Whether its broker has not been heard of for so long that nobody can wait for it. */
  isForsaken(queue: MessageQueue): boolean {
    const lock = this.#locks.get(queueKey(queue));
    return lock !== undefined && this.#services.clock.monotonic() - lock.lockedAtMs > FORSAKEN_MS;
  }

  /** Monotonic milliseconds at which the lock was renewed last; undefined without one. */
  lockedAtMs(queue: MessageQueue): number | undefined {
    return this.#locks.get(queueKey(queue))?.lockedAtMs;
  }

  /** Those of the queues that are ours from now on. Never rejects: what could not be asked is not ours. */
  async acquire(queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]> {
    if (this.#closed) return [];
    const lockedAtMs = this.#services.clock.monotonic();
    const granted: MessageQueue[] = [];
    const asking = this.#requests.acquire(queues, (queue) => {
      this.#locks.set(queueKey(queue), { queue, lockedAtMs, doubtful: false });
      granted.push(queue);
    });
    this.#acquiring.add(asking);
    await asking;
    this.#acquiring.delete(asking);
    return granted;
  }

  /** Renews what we have. A lock that is refused, or that was out of our hands in between, is lost. Never rejects. */
  async renew(): Promise<void> {
    const held = [...this.#locks.values()].filter(({ doubtful }) => !doubtful);
    const askedAtMs = this.#services.clock.monotonic();
    await this.#requests.keep(
      held.map(({ queue }) => queue),
      (queue, granted) => this.#renewed(queue, granted, askedAtMs),
    );
  }

  /** The connection to a broker was lost: its locks are asked for again, until it answers. */
  doubt(isOfBroker: (brokerName: string) => boolean): void {
    this.#losses++;
    const doubtful = [...this.#locks.values()].filter(({ queue }) => isOfBroker(queue.brokerName));
    for (const lock of doubtful) lock.doubtful = true;
    if (doubtful.length > 0 && !this.#closed) void this.confirm();
  }

  /** One try to learn about the locks that are in doubt; others follow by themselves while it fails. Never rejects. */
  confirm(): Promise<void> {
    this.#confirmLater?.cancel();
    this.#confirming ??= this.#confirm().finally(() => {
      this.#confirming = undefined;
      if (this.#closed || ![...this.#locks.values()].some(({ doubtful }) => doubtful)) {
        this.#failures = 0;
        return;
      }
      this.#failures++;
      const delayMs = backOffMs(this.#failures, CONFIRM_DELAY_MS, CONFIRM_DELAY_MS_MAX);
      this.#confirmLater = this.#services.clock.setTimer(delayMs, () => void this.confirm());
    });
    return this.#confirming;
  }

  /** Gives locks back. Never rejects: a broker that is away lets them expire. */
  async release(queues: readonly MessageQueue[]): Promise<void> {
    await this.#requests.unlock(queues.filter((queue) => this.#locks.delete(queueKey(queue))));
  }

  /**
   * Takes no lock any more, and gives back what it has, also what is granted right now; all but those to keep. Never rejects.
   * @param patienceMs how long it may wait to give back what a broker may grant late
   */
  async close(isKept: (queue: MessageQueue) => boolean, patienceMs: number): Promise<void> {
    this.#closed = true;
    this.#confirmLater?.cancel();
    await Promise.all(this.#acquiring);
    await this.release(this.queues.filter((queue) => !isKept(queue)));
    await this.#requests.close(patienceMs);
  }

  get queues(): readonly MessageQueue[] {
    return [...this.#locks.values()].map(({ queue }) => queue);
  }

  async #confirm(): Promise<void> {
    const doubtful = [...this.#locks.values()].filter((lock) => lock.doubtful);
    const asked = { atMs: this.#services.clock.monotonic(), losses: this.#losses };
    await this.#requests.keep(
      doubtful.map(({ queue }) => queue),
      (queue, granted) => this.#learn(queue, granted, asked),
    );
  }

  async #learn(
    queue: MessageQueue,
    granted: boolean,
    asked: { readonly atMs: number; readonly losses: number },
  ): Promise<void> {
    const lock = this.#locks.get(queueKey(queue));
    const lost = !granted || (await this.#services.wentOn(queue));
    // Given back, or taken anew, while this was asked.
    if (lock === undefined || this.#locks.get(queueKey(queue)) !== lock) return;
    if (asked.losses !== this.#losses) return;
    if (lost) {
      this.#lost(queue);
      return;
    }
    lock.lockedAtMs = asked.atMs;
    lock.doubtful = false;
    this.#services.onConfirmed(queue);
  }

  #renewed(queue: MessageQueue, granted: boolean, askedAtMs: number): void {
    const lock = this.#locks.get(queueKey(queue));
    // Given back, or taken anew, or in doubt, while this was asked.
    if (lock === undefined || lock.lockedAtMs >= askedAtMs || lock.doubtful) return;
    const wasKept = askedAtMs - lock.lockedAtMs < LOCK_KEPT_MS;
    lock.lockedAtMs = askedAtMs;
    if (!granted || !wasKept) this.#lost(queue);
  }

  #lost(queue: MessageQueue): void {
    this.#locks.delete(queueKey(queue));
    // It may be granted to us, and the queue be another's by the next round.
    this.#requests.owe([queue]);
    this.#services.logger.warn('the lock of a queue was lost; it is read anew from its stored offset', {
      group: this.#services.group,
      ...queue,
    });
    this.#services.onLost(queue);
  }
}
