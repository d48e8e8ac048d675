import type { Clock } from '../runtime/clock.js';
import type { DeadlineEntry } from '../runtime/deadline-entry.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import type { InFlight } from './in-flight.js';
import type { ProducerSend } from './producer-send.js';

/**
 * The deadlines of a producer's sends. Nearly all begin in the order in which they pass, because their time-outs are equal:
 * those share one entry in the heap, that of the oldest, and the list of what is in flight tells the next. A send whose
 * deadline precedes that of one before it has an entry of its own.
 */
export class SendDeadlines implements DeadlineEntry {
  /** That of the oldest send that shares the entry, or of one before it that has ended. */
  deadlineMs = Number.POSITIVE_INFINITY;
  heapIndex = -1;
  readonly #inFlight: InFlight;
  readonly #heap: DeadlineHeap;
  readonly #clock: Clock;
  /** How many sends share the entry. */
  #count = 0;
  /** The latest deadline among them. */
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(inFlight: InFlight, heap: DeadlineHeap, clock: Clock) {
    this.#inFlight = inFlight;
    this.#heap = heap;
    this.#clock = clock;
  }

  /** Watches a send that was just added to those in flight. */
  add(send: ProducerSend): void {
    const { deadlineMs } = send;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    if (deadlineMs < this.#lastMs) {
      this.#heap.add(send);
      return;
    }
    send.sharesDeadline = true;
    this.#lastMs = deadlineMs;
    if (++this.#count === 1) this.#watch(deadlineMs);
  }

  remove(send: ProducerSend): void {
    if (!send.sharesDeadline) {
      this.#heap.remove(send);
      return;
    }
    send.sharesDeadline = false;
    if (--this.#count > 0) return;
    this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#heap.remove(this);
  }

  /** Ends the sends that are late, and waits for the next. */
  onDeadline(): void {
    const nowMs = this.#clock.monotonic();
    try {
      for (let send = this.#oldest(); send !== undefined && send.deadlineMs <= nowMs; send = this.#oldest()) {
        this.remove(send);
        send.onDeadline();
      }
    } finally {
      const next = this.#oldest();
      if (next !== undefined && this.heapIndex === -1) this.#watch(next.deadlineMs);
    }
  }

  #watch(deadlineMs: number): void {
    this.deadlineMs = deadlineMs;
    this.#heap.add(this);
  }

  #oldest(): ProducerSend | undefined {
    let send = this.#inFlight.oldest;
    while (send !== undefined && !send.sharesDeadline) send = send.next;
    return send;
  }
}
