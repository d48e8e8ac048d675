/** Offsets that could not be delivered and are tried again, in the order in which they failed. */
export class Retries {
  readonly #offsets = new Map<number, number>();

  get size(): number {
    return this.#offsets.size;
  }

  add(offset: number, atMonotonicMs: number): void {
    this.#offsets.set(offset, atMonotonicMs);
  }

  dueInMs(monotonicMs: number): number {
    const [first] = this.#offsets.values();
    return first === undefined ? Number.POSITIVE_INFINITY : first - monotonicMs;
  }

  take(monotonicMs: number, max: number): number[] {
    const due: number[] = [];
    for (const [offset, atMs] of this.#offsets) {
      if (atMs > monotonicMs || due.length >= max) break;
      due.push(offset);
    }
    for (const offset of due) this.#offsets.delete(offset);
    return due;
  }
}
