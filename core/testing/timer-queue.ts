/** A timer of a clock that is moved by hand. */
export interface QueuedTimer {
  /** On the clock's monotonic scale. */
  readonly dueMs: number;
  /** Timers of one moment run in the order in which they were set. */
  readonly order: number;
  readonly callback: () => void;
  ref: boolean;
  cancelled: boolean;
}

/** Timers by the moment they are due: a binary heap in which a cancelled one stays until it would have its turn. */
export class TimerQueue {
  readonly #heap: QueuedTimer[] = [];
  #size = 0;
  #refs = 0;
  #order = 0;

  /** Timers that are set. */
  get size(): number {
    return this.#size;
  }

  /** Those among them that would keep a process alive. */
  get refs(): number {
    return this.#refs;
  }

  /** The next to run; it stays. */
  get first(): QueuedTimer | undefined {
    while (this.#heap[0]?.cancelled) this.#pop();
    return this.#heap[0];
  }

  add(dueMs: number, callback: () => void, ref: boolean): QueuedTimer {
    const timer: QueuedTimer = { dueMs, order: this.#order++, callback, ref, cancelled: false };
    this.#size++;
    if (ref) this.#refs++;
    this.#rise(timer);
    return timer;
  }

  /** Takes the first away when it is due at that moment. */
  takeDue(atMs: number): QueuedTimer | undefined {
    const { first } = this;
    if (first === undefined || first.dueMs > atMs) return undefined;
    this.cancel(first);
    return first;
  }

  cancel(timer: QueuedTimer): void {
    if (timer.cancelled) return;
    this.setRef(timer, false);
    timer.cancelled = true;
    this.#size--;
  }

  setRef(timer: QueuedTimer, ref: boolean): void {
    if (timer.cancelled || timer.ref === ref) return;
    timer.ref = ref;
    this.#refs += ref ? 1 : -1;
  }

  #rise(timer: QueuedTimer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (isBefore(heap[above]!, timer)) break;
      heap[index] = heap[above]!;
      index = above;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (isBefore(last, heap[below]!)) break;
      heap[index] = heap[below]!;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(one: QueuedTimer, other: QueuedTimer): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}
