import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { queueKey } from '../queues/consumed-queue.js';

/** Positions by queue, names on the wire. */
export type Positions = readonly (readonly [queue: MessageQueue, offset: number])[];

/**
 * A group's offsets where the application decides what is committed: it hears whether its offsets are stored, and without
 * `autoCommit` nothing is stored that it did not name.
 */
export class CommittedOffsets {
  readonly #store: OffsetStore;
  readonly #latest = new Map<string, number>();
  readonly #stored = new Map<string, number>();

  constructor(createStore: (onPersisted: (queue: MessageQueue, offset: number) => void) => OffsetStore) {
    this.#store = createStore((queue, offset) => this.#stored.set(queueKey(queue), offset));
  }

  /** What the assignment writes to: with `autoCommit` how far every queue is done, without it nothing. */
  forAssignment(autoCommit: boolean): OffsetStore {
    const update = (queue: MessageQueue, offset: number): void => this.remember([[queue, offset]]);
    return {
      read: (queue) => this.#store.read(queue),
      update: autoCommit ? update : () => undefined,
      persist: (queues) => this.#store.persist(queues),
      remove: (queue) => {
        this.#latest.delete(queueKey(queue));
        this.#stored.delete(queueKey(queue));
        this.#store.remove(queue);
      },
    };
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return this.#store.read(queue);
  }

  /** Stored with the next `persist`. */
  remember(positions: Positions): void {
    for (const [queue, offset] of positions) {
      this.#latest.set(queueKey(queue), offset);
      this.#store.update(queue, offset);
    }
  }

  /** What is remembered and not stored yet. Never rejects. */
  persist(): Promise<void> {
    return this.#store.persist();
  }

  /** Stores positions now. @throws RMQ_COMMIT_FAILED */
  async commit(positions: Positions): Promise<void> {
    this.remember(positions);
    const queues = positions.map(([queue]) => queue);
    const failed: MessageQueue[] = [];
    let cause: unknown;
    try {
      await this.#store.persist(queues);
      for (const queue of queues) if (!(await this.#isStored(queue))) failed.push(queue);
    } catch (error) {
      cause = error;
      failed.push(...queues);
    }
    if (failed.length === 0) return;
    const topics = [...new Set(failed.map(({ topic }) => topic))];
    const message = `the offsets of ${failed.length} of ${queues.length} queues could not be stored, of topics ${topics.join(', ')}`;
    throw rocketMQError('RMQ_COMMIT_FAILED', message, { topics }, { cause });
  }

  /** By the word of the store, or, of a store that says nothing, by what it reads. */
  async #isStored(queue: MessageQueue): Promise<boolean> {
    const key = queueKey(queue);
    const latest = this.#latest.get(key);
    return this.#stored.get(key) === latest || (await this.#store.read(queue)) === latest;
  }
}
