import { MinHeap } from './min-heap.js';

/** Apache delivers in the second after the one that the instant falls into, so never early; so do we. */
const AFTER_MS = 1_000;

/** What was taken of a second. */
interface SecondInHand {
  readonly outMs: number;
  readonly offsets: readonly number[];
  taken: number;
}

/**
 * Timers that came while the wall clock went steadily: queue offsets by the second they are for. Seconds are due in their
 * order. When the clock is set back by more than a correction another epoch begins, and this one goes on by elapsed time.
 */
export class TimerEpoch {
  /** Queue offset of the first message that may belong to it. */
  readonly from: number;
  /** Behind the last; undefined while it goes on. */
  to: number | undefined;
  /** What the wall clock showed, by this epoch's reckoning, when the monotonic one was at 0. */
  wallAtZeroMs: number;
  readonly #seconds = new Map<number, number[]>();
  readonly #heap = new MinHeap();
  #inHand: SecondInHand | undefined;
  /** The last second of which all was taken. */
  #doneMs: number;

  /** Seconds up to `doneMs` were delivered before. */
  constructor(from: number, wallAtZeroMs: number, doneMs = Number.NEGATIVE_INFINITY) {
    this.from = from;
    this.wallAtZeroMs = wallAtZeroMs;
    this.#doneMs = doneMs;
  }

  /** The first second that something waits for; undefined when nothing does. */
  get firstMs(): number | undefined {
    const { first } = this.#heap;
    return this.#inHand === undefined ? first : Math.min(this.#inHand.outMs, first ?? Number.POSITIVE_INFINITY);
  }

  /** The first that waits; Infinity when none does. */
  get firstOffset(): number {
    let first = this.#inHand?.offsets[this.#inHand.taken] ?? Number.POSITIVE_INFINITY;
    // Those of a second are in the order in which they came.
    for (const [offset = first] of this.#seconds.values()) first = Math.min(first, offset);
    return first;
  }

  /** All that wait are of this second or later, but for those that came when theirs was done. */
  get readMs(): number | undefined {
    const { firstMs } = this;
    return firstMs === undefined ? undefined : Math.max(firstMs, this.#doneMs + 1);
  }

  /** Whether part of a second was taken. */
  get isMidway(): boolean {
    return this.#inHand !== undefined;
  }

  /** Whether something waits for that second. */
  has(outMs: number): boolean {
    return this.#seconds.has(outMs) || this.#inHand?.outMs === outMs;
  }

  /** False when that second was done already: then nothing but its offset tells that it waits. */
  add(outMs: number, offset: number): boolean {
    this.#second(outMs).push(offset);
    return outMs > this.#doneMs;
  }

  /** Sees to it that the second is looked at, though no message may be due in it. */
  visit(outMs: number): void {
    this.#second(outMs);
  }

  remove(outMs: number, offset: number): void {
    const offsets = this.#seconds.get(outMs);
    const index = offsets?.indexOf(offset) ?? -1;
    if (index >= 0) offsets?.splice(index, 1);
  }

  dueInMs(monotonicMs: number): number {
    const outMs = this.#inHand?.outMs ?? this.#heap.first;
    return outMs === undefined ? Number.POSITIVE_INFINITY : outMs + AFTER_MS - this.wallAtZeroMs - monotonicMs;
  }

  /** Takes from the first second; `done` when that was all of it. */
  take(messagesMax: number): { readonly outMs: number; readonly offsets: readonly number[]; readonly done: boolean } {
    this.#inHand ??= this.#takeSecond();
    const { outMs, offsets, taken } = this.#inHand;
    const now = offsets.slice(taken, taken + messagesMax);
    this.#inHand.taken += now.length;
    const done = this.#inHand.taken >= offsets.length;
    if (done) {
      this.#inHand = undefined;
      this.#doneMs = Math.max(this.#doneMs, outMs);
    }
    return { outMs, offsets: now, done };
  }

  *waiting(): IterableIterator<readonly [outMs: number, offset: number]> {
    const { outMs = 0, offsets = [], taken = 0 } = this.#inHand ?? {};
    for (const offset of offsets.slice(taken)) yield [outMs, offset];
    for (const [second, there] of this.#seconds) for (const offset of there) yield [second, offset];
  }

  #takeSecond(): SecondInHand {
    const outMs = this.#heap.first ?? 0;
    this.#heap.removeFirst();
    const offsets = this.#seconds.get(outMs) ?? [];
    this.#seconds.delete(outMs);
    return { outMs, offsets, taken: 0 };
  }

  #second(outMs: number): number[] {
    let offsets = this.#seconds.get(outMs);
    if (offsets === undefined) {
      offsets = [];
      this.#seconds.set(outMs, offsets);
      this.#heap.add(outMs);
    }
    return offsets;
  }
}
