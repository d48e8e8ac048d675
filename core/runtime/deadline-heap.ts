import type { Clock, Timer } from './clock.js';

/** Something that must end by a moment. The object itself is the heap's entry, so that waiting allocates nothing. */
export interface DeadlineEntry {
  /** On the clock's monotonic scale. Must not change while the entry is in a heap. Infinity is allowed. */
  readonly deadlineMs: number;
  /** Where the heap keeps the entry; -1 outside. Only the heap writes it. */
  heapIndex: number;
  /** Called once, when the deadline has passed and the entry has left the heap. */
  onDeadline(): void;
}

/**
 * An indexed binary heap of deadlines over one timer. An entry that is done leaves at once, wherever it stands. The timer
 * keeps the process alive while the heap has entries, because somebody awaits each of them. It is not moved when its
 * entry leaves early: it fires, finds nothing due and looks for the next, so that short requests with long deadlines
 * cost no timer each.
 */
export class DeadlineHeap {
  readonly #clock: Clock;
  readonly #entries: DeadlineEntry[] = [];
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.length;
  }

  add(entry: DeadlineEntry): void {
    if (entry.heapIndex !== -1) throw new TypeError('the entry is in a deadline heap already');
    const entries = this.#entries;
    entry.heapIndex = entries.length;
    entries.push(entry);
    this.#rise(entry, entry.heapIndex);
    if (entry.deadlineMs < this.#timerDueMs) this.#setTimer(entry.deadlineMs);
    else if (entries.length === 1) this.#timer?.setRef?.(true);
  }

  /** Takes an entry out; one that is not in the heap is left alone. Tells whether it was there. */
  remove(entry: DeadlineEntry): boolean {
    const entries = this.#entries;
    const index = entry.heapIndex;
    if (index === -1 || entries[index] !== entry) return false;
    const last = entries.pop()!;
    entry.heapIndex = -1;
    if (last !== entry) {
      this.#rise(last, index);
      this.#sink(last, last.heapIndex);
    }
    if (entries.length === 0) this.#letProcessEnd();
    return true;
  }

  /** Forgets every entry without calling it. */
  clear(): void {
    for (const entry of this.#entries) entry.heapIndex = -1;
    this.#entries.length = 0;
    this.#cancelTimer();
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonic();
    try {
      for (let first = this.#entries[0]; first && first.deadlineMs <= nowMs; first = this.#entries[0]) {
        this.remove(first);
        first.onDeadline();
      }
    } finally {
      const next = this.#entries[0];
      if (next && next.deadlineMs < this.#timerDueMs) this.#setTimer(next.deadlineMs);
    }
  }

  #setTimer(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    // Timers count whole milliseconds and may fire a little early: rounding up avoids waking for nothing.
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonic()));
    this.#timer = this.#clock.setTimer(delayMs, () => this.#fire(), { ref: true });
  }

  #letProcessEnd(): void {
    if (this.#timer?.setRef) this.#timer.setRef(false);
    else this.#cancelTimer();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #rise(entry: DeadlineEntry, from: number): void {
    const entries = this.#entries;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex]!;
      if (parent.deadlineMs <= entry.deadlineMs) break;
      entries[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    entries[index] = entry;
    entry.heapIndex = index;
  }

  #sink(entry: DeadlineEntry, from: number): void {
    const entries = this.#entries;
    const half = entries.length >> 1;
    let index = from;
    while (index < half) {
      let childIndex = 2 * index + 1;
      let child = entries[childIndex]!;
      const right = entries[childIndex + 1];
      if (right && right.deadlineMs < child.deadlineMs) {
        childIndex++;
        child = right;
      }
      if (entry.deadlineMs <= child.deadlineMs) break;
      entries[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    entries[index] = entry;
    entry.heapIndex = index;
  }
}
