import type { DueBatch } from './delay-source.js';

interface Retry {
  readonly atMs: number;
  readonly recalls: readonly number[];
}

/** Offsets that could not be delivered and are tried again, in the order in which they failed. */
export class Retries {
  readonly #offsets = new Map<number, Retry>();

  /** @param recalls what may take it back still: of the batch that it was in */
  add(offset: number, atMonotonicMs: number, recalls: readonly number[]): void {
    this.#offsets.set(offset, { atMs: atMonotonicMs, recalls });
  }

  dueInMs(monotonicMs: number): number {
    const [first] = this.#offsets.values();
    return first === undefined ? Number.POSITIVE_INFINITY : first.atMs - monotonicMs;
  }

  /** Those of one batch that are due; undefined when none is. */
  take(monotonicMs: number, max: number): DueBatch | undefined {
    const [first] = this.#offsets.values();
    if (first === undefined) return undefined;
    const { recalls } = first;
    const offsets: number[] = [];
    for (const [offset, retry] of this.#offsets) {
      if (retry.atMs > monotonicMs || retry.recalls !== recalls || offsets.length >= max) break;
      offsets.push(offset);
    }
    for (const offset of offsets) this.#offsets.delete(offset);
    return offsets.length === 0 ? undefined : { offsets, recalls };
  }
}
