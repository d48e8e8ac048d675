import type { MessageQueue } from '../../message/message.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';

/** What is to become of a position that is to be stored. */
export type PositionVerdict = 'sure' | 'overtaken' | 'unknown';

/**
 * Positions in queues that another member may have been given without a word to us: their broker was lost, or this process
 * stood still. Stored as they are they could take back what that member did, so that the group's stored offset is looked at
 * first: where it is beyond ours, somebody went on.
 */
export class DoubtfulPositions {
  readonly #read: (queue: MessageQueue) => Promise<number | undefined>;
  /** With the doubt about each, another one for each cause. */
  readonly #doubts = new WeakMap<ConsumedQueue, object>();

  constructor(read: (queue: MessageQueue) => Promise<number | undefined>) {
    this.#read = read;
  }

  add(consumed: ConsumedQueue): void {
    this.#doubts.set(consumed, {});
  }

  has(consumed: ConsumedQueue): boolean {
    return this.#doubts.has(consumed);
  }

  /** A position that is sure is not asked for again until it is in doubt again. Never rejects. */
  async judge(consumed: ConsumedQueue): Promise<PositionVerdict> {
    const doubt = this.#doubts.get(consumed);
    if (doubt === undefined) return 'sure';
    try {
      if (await this.isOvertaken(consumed)) return 'overtaken';
    } catch {
      // Its broker is away: it is in doubt until the next turn.
      return 'unknown';
    }
    // What was answered before the broker was lost once more says nothing.
    if (this.#doubts.get(consumed) !== doubt) return 'unknown';
    this.#doubts.delete(consumed);
    return 'sure';
  }

  /** @throws what asking throws */
  async isOvertaken({ queue, processQueue }: ConsumedQueue): Promise<boolean> {
    const stored = await this.#read(queue);
    return stored !== undefined && stored > processQueue.committableOffset;
  }
}
