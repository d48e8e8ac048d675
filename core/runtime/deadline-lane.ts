import type { DeadlineEntry } from './deadline-entry.js';

const SLOTS_AT_FIRST = 64;

/**
 * Deadlines that came in the order in which they pass, as those of equal time-outs do: a ring in which adding and
 * removing touch one slot, where a heap moves entries through all its levels. `heapIndex` is the slot, counted from
 * `firstIndex`.
 */
export class DeadlineLane {
  readonly #firstIndex: number;
  readonly #slotsMax: number;
  #slots: (DeadlineEntry | undefined)[] = new Array(SLOTS_AT_FIRST).fill(undefined);
  #head = 0;
  /** Slots from the first entry to the last, those of removed ones between them included. */
  #span = 0;
  /** The deadline that an entry must not precede; -Infinity while the lane is empty. */
  lastMs = Number.NEGATIVE_INFINITY;

  constructor(firstIndex: number, slotsMax: number) {
    this.#firstIndex = firstIndex;
    this.#slotsMax = slotsMax;
  }

  /** The entry that passes first. */
  get first(): DeadlineEntry | undefined {
    return this.#span === 0 ? undefined : this.#slots[this.#head];
  }

  /** Takes an entry whose deadline does not precede `lastMs`; refuses when the ring cannot grow any more. */
  add(entry: DeadlineEntry): boolean {
    if (this.#span === this.#slots.length && !this.#grow()) return false;
    const slot = (this.#head + this.#span++) & (this.#slots.length - 1);
    this.#slots[slot] = entry;
    this.lastMs = entry.deadlineMs;
    entry.heapIndex = this.#firstIndex + slot;
    return true;
  }

  remove(entry: DeadlineEntry): boolean {
    const slot = entry.heapIndex - this.#firstIndex;
    if (this.#slots[slot] !== entry) return false;
    this.#slots[slot] = undefined;
    entry.heapIndex = -1;
    if (slot === this.#head) this.#skipGaps();
    return true;
  }

  clear(): void {
    for (const entry of this.#slots) if (entry !== undefined) entry.heapIndex = -1;
    this.#slots = new Array(SLOTS_AT_FIRST).fill(undefined);
    this.#head = 0;
    this.#span = 0;
    this.lastMs = Number.NEGATIVE_INFINITY;
  }

  /** Keeps the first slot filled, so that `first` is one look. */
  #skipGaps(): void {
    const mask = this.#slots.length - 1;
    while (this.#span > 0 && this.#slots[this.#head] === undefined) {
      this.#head = (this.#head + 1) & mask;
      this.#span--;
    }
    if (this.#span === 0) this.lastMs = Number.NEGATIVE_INFINITY;
  }

  /** Leaves the gaps out; takes twice the room where that is not enough. */
  #grow(): boolean {
    const { length } = this.#slots;
    const entries: DeadlineEntry[] = [];
    for (let step = 0; step < this.#span; step++) {
      const entry = this.#slots[(this.#head + step) & (length - 1)];
      if (entry !== undefined) entries.push(entry);
    }
    const wanted = entries.length * 2 > length ? length * 2 : length;
    if (wanted > this.#slotsMax) return false;
    this.#slots = new Array(wanted).fill(undefined);
    for (const [slot, entry] of entries.entries()) {
      this.#slots[slot] = entry;
      entry.heapIndex = this.#firstIndex + slot;
    }
    this.#head = 0;
    this.#span = entries.length;
    return true;
  }
}
