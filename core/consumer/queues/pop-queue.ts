import type { HeldMessage, HeldQueue } from './process-queue.js';

/**
 * What was popped and is not acknowledged yet. It comes from several queues of a broker and each message is acknowledged by
 * itself, so there is no order to keep and no offset to commit: offsets here are counts. Pure: no clock, no I/O. Does the work
 * of Apache's PopProcessQueue.
 */
export class PopQueue<M extends HeldMessage> implements HeldQueue<M> {
  readonly #held = new Set<M>();
  readonly #untaken = new Set<M>();
  #sizeBytes = 0;
  #came = 0;

  /** How many came. */
  get nextOffset(): number {
    return this.#came;
  }

  /** How many of them are done. */
  get committableOffset(): number {
    return this.#came - this.#held.size;
  }

  get count(): number {
    return this.#held.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get span(): number {
    return 0;
  }

  get oldest(): M | undefined {
    return this.#held.values().next().value;
  }

  get hasUntaken(): boolean {
    return this.#untaken.size > 0;
  }

  put(messages: readonly M[]): number {
    for (const message of messages) {
      this.#held.add(message);
      this.#untaken.add(message);
      this.#sizeBytes += message.sizeBytes;
    }
    this.#came += messages.length;
    return messages.length;
  }

  /** Brokers give out what is there; nothing is skipped. */
  skipTo(): void {}

  takeUpTo(max: number): M[] {
    const taken: M[] = [];
    for (const message of this.#untaken) {
      if (taken.length === max) break;
      this.#untaken.delete(message);
      taken.push(message);
    }
    return taken;
  }

  acknowledge(message: M): boolean {
    if (!this.#held.delete(message)) return false;
    this.#untaken.delete(message);
    message.acknowledged = true;
    this.#sizeBytes -= message.sizeBytes;
    return true;
  }
}
