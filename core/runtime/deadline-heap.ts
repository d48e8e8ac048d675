import type { Clock, Timer } from './clock.js';
import type { DeadlineEntry } from './deadline-entry.js';
import { DeadlineLane } from './deadline-lane.js';

/** Time-outs of so many different lengths keep a lane each. */
const LANES = 4;
/** Where the indexes of the first lane begin, and how far apart those of two lanes are; the heap's lie below. */
const LANE_INDEX_BITS = 24;
const LANE_INDEXES = 2 ** LANE_INDEX_BITS;

/**
 * A timer that comes later than this was held up by something that kept the process busy. Answers may have arrived in time
 * and wait to be read: they are, before anything counts as late.
 */
const STALL_MS = 50;

/**
 * An indexed binary heap of deadlines over one timer, with lanes beside it for deadlines that come in the order in which
 * they pass: nearly all do, since they are equal time-outs from now, and in a lane they cost no moving about. An entry that is done leaves at once, wherever it stands. The timer
 * keeps the process alive while the heap has entries, because somebody awaits each of them. It is not moved when its
 * entry leaves early: it fires, finds nothing due and looks for the next, so that short requests with long deadlines
 * cost no timer each.
 */
export class DeadlineHeap {
  readonly #clock: Clock;
  readonly #entries: DeadlineEntry[] = [];
  readonly #lanes: readonly DeadlineLane[] = Array.from(
    { length: LANES },
    (_, lane) => new DeadlineLane((lane + 1) * LANE_INDEXES, LANE_INDEXES),
  );
  #size = 0;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  /** The timer came late, and what arrived meanwhile was given a turn. */
  #lateAlready = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  add(entry: DeadlineEntry): void {
    if (entry.heapIndex !== -1) throw new TypeError('the entry is in a deadline heap already');
    if (this.#laneFor(entry.deadlineMs)?.add(entry) !== true) this.#push(entry);
    this.#size++;
    if (entry.deadlineMs < this.#timerDueMs) this.#setTimer(entry.deadlineMs);
    else if (this.#size === 1) this.#timer?.setRef?.(true);
  }

  /** Takes an entry out; one that is not in the heap is left alone. Tells whether it was there. */
  remove(entry: DeadlineEntry): boolean {
    const index = entry.heapIndex;
    if (index === -1) return false;
    const isThere =
      index < LANE_INDEXES
        ? this.#pull(entry, index)
        : (this.#lanes[(index >> LANE_INDEX_BITS) - 1]?.remove(entry) ?? false);
    if (!isThere) return false;
    this.#size--;
    if (this.#size === 0) this.#letProcessEnd();
    return true;
  }

  /** Forgets every entry without calling it. */
  clear(): void {
    for (const entry of this.#entries) entry.heapIndex = -1;
    this.#entries.length = 0;
    for (const lane of this.#lanes) lane.clear();
    this.#size = 0;
    this.#cancelTimer();
  }

  /** The lane whose last deadline precedes this one by least; undefined when it precedes the last of all. */
  #laneFor(deadlineMs: number): DeadlineLane | undefined {
    let best: DeadlineLane | undefined;
    for (const lane of this.#lanes) {
      if (lane.lastMs <= deadlineMs && (best === undefined || lane.lastMs > best.lastMs)) best = lane;
    }
    return best;
  }

  #first(): DeadlineEntry | undefined {
    let first = this.#entries[0];
    for (const lane of this.#lanes) {
      const entry = lane.first;
      if (entry !== undefined && (first === undefined || entry.deadlineMs < first.deadlineMs)) first = entry;
    }
    return first;
  }

  #push(entry: DeadlineEntry): void {
    entry.heapIndex = this.#entries.length;
    this.#entries.push(entry);
    this.#rise(entry, entry.heapIndex);
  }

  #pull(entry: DeadlineEntry, index: number): boolean {
    const entries = this.#entries;
    if (entries[index] !== entry) return false;
    const last = entries.pop()!;
    entry.heapIndex = -1;
    if (last !== entry) {
      this.#rise(last, index);
      this.#sink(last, last.heapIndex);
    }
    return true;
  }

  #fire(): void {
    const nowMs = this.#clock.monotonic();
    const lateMs = nowMs - this.#timerDueMs;
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    if (lateMs > STALL_MS && !this.#lateAlready) {
      this.#lateAlready = true;
      this.#setTimer(nowMs);
      return;
    }
    this.#lateAlready = false;
    try {
      for (let first = this.#first(); first && first.deadlineMs <= nowMs; first = this.#first()) {
        this.remove(first);
        first.onDeadline();
      }
    } finally {
      const next = this.#first();
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
