import type { MessageQueue } from '../../message/message.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { queueKey } from '../queues/consumed-queue.js';

/** Before a broker that did not answer is told again which locks we do not need. */
const OWED_DELAY_MS = 500;
/** So long after a request ended without an answer its broker may still take it up: one that has just started is slow. */
const LATE_MS = 2_000;
/** A broker lets a lock go that was not renewed for so long (its lockMaxLiveTime). */
const KEPT_MS = 60_000;

export interface LockRequestsServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** LOCK_BATCH_MQ at one broker: those of the queues that are ours now. */
  readonly lock: (brokerName: string, queues: readonly MessageQueue[]) => Promise<readonly MessageQueue[]>;
  readonly unlock: (brokerName: string, queues: readonly MessageQueue[]) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Asks brokers for locks and gives them back, so that none is left at a broker for a minute. Brokers work on requests side by
 * side: of two that are under way the later may be the first. So nothing is given back while a request for it is under way; what
 * was given back without an answer is given back again; and where a request for a lock got no answer, once more when it cannot
 * be worked on any more.
 */
export class LockRequests {
  readonly #services: LockRequestsServices;
  /** Locks that the broker may keep for us though we do not have them, and since when that is so, in monotonic milliseconds. */
  readonly #owed = new Map<string, { readonly queue: MessageQueue; readonly sinceMs: number }>();
  /** By queue: until when a request for its lock that got no answer may be taken up, in monotonic milliseconds. */
  readonly #lateUntilMs = new Map<string, number>();
  /** Queues whose locks are being given back. */
  readonly #unlocking = new Set<string>();
  /** By broker: requests for locks that it has not answered. */
  readonly #asking = new Map<string, Set<Promise<unknown>>>();
  #later: Timer | undefined;
  #failed = false;
  #closed = false;

  constructor(services: LockRequestsServices) {
    this.#services = services;
  }

  /** Asks for locks that are not ours, those apart that are being given back. `onGranted` hears which are now. Never rejects. */
  async acquire(queues: readonly MessageQueue[], onGranted: (queue: MessageQueue) => void): Promise<void> {
    const free = queues.filter((queue) => !this.#unlocking.has(queueKey(queue)));
    const owedBefore = new Set(free.map(queueKey).filter((key) => this.#owed.delete(key)));
    const unsure: MessageQueue[] = [];
    await this.#atBrokers(free, async (brokerName, wanted) => {
      const locked = await this.#lock(brokerName, wanted).catch((error: unknown) => {
        unsure.push(...wanted.filter((queue) => this.#isLate(queue) || owedBefore.has(queueKey(queue))));
        throw error;
      });
      for (const queue of wanted) {
        if (locked.has(queueKey(queue))) onGranted(queue);
        else if (this.#isLate(queue)) unsure.push(queue);
      }
    });
    this.owe(unsure);
  }

  /** Asks for locks that we have. `onAnswer` hears of each whether it is ours; of a broker that does not answer nothing. Never rejects. */
  keep(
    queues: readonly MessageQueue[],
    onAnswer: (queue: MessageQueue, granted: boolean) => void | Promise<void>,
  ): Promise<void> {
    return this.#atBrokers(queues, async (brokerName, held) => {
      const locked = await this.#lock(brokerName, held);
      await Promise.all(held.map((queue) => onAnswer(queue, locked.has(queueKey(queue)))));
    });
  }

  /** Gives locks back; what did not arrive goes out again by itself. Tells which the broker has taken back. Never rejects. */
  async unlock(queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]> {
    const taken: MessageQueue[] = [];
    for (const queue of queues) {
      this.#note(queue);
      this.#unlocking.add(queueKey(queue));
    }
    await this.#atBrokers(queues, async (brokerName, given) => {
      await Promise.allSettled(this.#asking.get(brokerName) ?? []);
      const late = given.filter((queue) => this.#isLate(queue));
      await this.#services.unlock(brokerName, given);
      for (const queue of given) if (!late.includes(queue)) this.#owed.delete(queueKey(queue));
      taken.push(...given);
    });
    for (const queue of queues) this.#unlocking.delete(queueKey(queue));
    this.#payLater();
    return taken;
  }

  /** The broker may have these locks for us; we do not need them. */
  owe(queues: readonly MessageQueue[]): void {
    for (const queue of queues) this.#note(queue);
    this.#payLater();
  }

  /** Gives back what is owed, over new connections where the old ones were lost; waits for what may come late, but not longer than `patienceMs`. Never rejects. */
  async close(patienceMs: number): Promise<void> {
    this.#closed = true;
    this.#later?.cancel();
    const taken = await this.unlock(this.#debts());
    const late = taken.filter((queue) => this.#owed.has(queueKey(queue)));
    if (late.length === 0 || patienceMs <= 0) return;
    const { clock } = this.#services;
    const leftMs = Math.max(...late.map((queue) => this.#lateUntilMs.get(queueKey(queue)) ?? 0)) - clock.monotonic();
    await new Promise<void>((resolve) => {
      clock.setTimer(Math.min(leftMs, patienceMs), resolve, { ref: true });
    });
    await this.unlock(late);
  }

  /** Keys of those of the queues that are ours now. */
  async #lock(brokerName: string, queues: readonly MessageQueue[]): Promise<ReadonlySet<string>> {
    const answer = this.#services.lock(brokerName, queues);
    const asking = this.#asking.get(brokerName) ?? new Set();
    this.#asking.set(brokerName, asking.add(answer));
    try {
      return new Set((await answer).map(queueKey));
    } catch (error) {
      if ((error as { sent?: unknown }).sent === 'maybe') {
        const lateUntilMs = this.#services.clock.monotonic() + LATE_MS;
        for (const queue of queues) this.#lateUntilMs.set(queueKey(queue), lateUntilMs);
      }
      throw error;
    } finally {
      asking.delete(answer);
    }
  }

  #isLate(queue: MessageQueue): boolean {
    const untilMs = this.#lateUntilMs.get(queueKey(queue));
    if (untilMs === undefined) return false;
    if (untilMs > this.#services.clock.monotonic()) return true;
    this.#lateUntilMs.delete(queueKey(queue));
    return false;
  }

  #payLater(): void {
    this.#later?.cancel();
    if (this.#closed || this.#owed.size === 0) return;
    this.#later = this.#services.clock.setTimer(OWED_DELAY_MS, () => {
      void this.unlock(this.#debts().filter((queue) => !this.#unlocking.has(queueKey(queue))));
    });
  }

  #note(queue: MessageQueue): void {
    const key = queueKey(queue);
    if (!this.#owed.has(key)) this.#owed.set(key, { queue, sinceMs: this.#services.clock.monotonic() });
  }

  /** What is owed still. */
  #debts(): readonly MessageQueue[] {
    const keptSinceMs = this.#services.clock.monotonic() - KEPT_MS;
    for (const [key, { sinceMs }] of [...this.#owed]) if (sinceMs < keptSinceMs) this.#owed.delete(key);
    return [...this.#owed.values()].map(({ queue }) => queue);
  }

  async #atBrokers(
    queues: readonly MessageQueue[],
    ask: (brokerName: string, queues: readonly MessageQueue[]) => Promise<void>,
  ): Promise<void> {
    const { logger, group } = this.#services;
    const brokers = new Map<string, MessageQueue[]>();
    for (const queue of queues) brokers.set(queue.brokerName, [...(brokers.get(queue.brokerName) ?? []), queue]);
    const asked = await Promise.allSettled([...brokers].map(([brokerName, own]) => ask(brokerName, own)));
    const brokerNames = [...brokers.keys()];
    for (const [index, outcome] of asked.entries()) {
      if (outcome.status === 'fulfilled') continue;
      logger[this.#failed ? 'debug' : 'warn']('a broker could not be asked about locks of queues', {
        ...{ group, brokerName: brokerNames[index], error: outcome.reason },
      });
    }
    if (asked.length > 0) this.#failed = asked.some(({ status }) => status === 'rejected');
  }
}
