import type { PendingCommand } from './pending-command.js';

/** Places of the ring, at first and at most; powers of two. */
const PLACES_MIN = 16;
const PLACES_MAX = 4096;

/**
 * The requests of a connection that wait for an answer, by opaque. Opaques follow one another, so nearly all have a place
 * of their own in a ring, which costs a tenth of a map that is filled and emptied for every message. One whose place is
 * still taken, by a request that is held for long, goes to a map.
 */
export class PendingTable {
  #ring: (PendingCommand | undefined)[] = [];
  readonly #others = new Map<number, PendingCommand>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(opaque: number): boolean {
    return this.get(opaque) !== undefined;
  }

  get(opaque: number): PendingCommand | undefined {
    const ring = this.#ring;
    const here = ring[opaque & (ring.length - 1)];
    if (here !== undefined && here.opaque === opaque) return here;
    return this.#others.size === 0 ? undefined : this.#others.get(opaque);
  }

  add(pending: PendingCommand): void {
    while (this.#isTaken(pending.opaque) && this.#ring.length < PLACES_MAX) this.#grow();
    if (this.#isTaken(pending.opaque)) this.#others.set(pending.opaque, pending);
    else this.#ring[pending.opaque & (this.#ring.length - 1)] = pending;
    this.#size++;
  }

  /** One that is not here is left alone. */
  remove(pending: PendingCommand): void {
    const ring = this.#ring;
    const place = pending.opaque & (ring.length - 1);
    if (ring[place] === pending) ring[place] = undefined;
    else if (!this.#others.delete(pending.opaque)) return;
    this.#size--;
  }

  /** All of them in the order of their opaques, of which `last` was given out last. */
  list(last: number): PendingCommand[] {
    const all = [...this.#others.values()];
    for (const pending of this.#ring) if (pending !== undefined) all.push(pending);
    return all.sort((one, other) => ((one.opaque - last) | 0) - ((other.opaque - last) | 0));
  }

  #isTaken(opaque: number): boolean {
    const ring = this.#ring;
    return ring.length === 0 || ring[opaque & (ring.length - 1)] !== undefined;
  }

  /** No two that had places of their own meet in a ring twice as large. */
  #grow(): void {
    const before = this.#ring;
    const ring = new Array<PendingCommand | undefined>(Math.max(PLACES_MIN, before.length * 2)).fill(undefined);
    for (const pending of before) if (pending !== undefined) ring[pending.opaque & (ring.length - 1)] = pending;
    this.#ring = ring;
  }
}
