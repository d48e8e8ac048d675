import { monitorEventLoopDelay } from 'node:perf_hooks';

const STALL_MS = 50;
/** A delay is seen as up to this much longer than the stall was. */
const RESOLUTION_MS = 10;
const NANOSECONDS = 1_000_000;
const LIMIT = (STALL_MS + RESOLUTION_MS) * NANOSECONDS;

/** Counts how often the event loop stood still for more than 50 ms: nobody is served then, and clients time out. */
export class LoopStalls {
  /** Of all ticks so far; its memory is fixed. Never reset: that would lose what the present turn takes. */
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#delays.enable();
  }

  stop(): void {
    this.#delays.disable();
  }

  /** Stalls seen since the start, and the longest of them in milliseconds; 0 and 0 without one. */
  get statistics(): { readonly count: number; readonly longestMs: number } {
    const { count, max } = this.#delays;
    if (count === 0 || max <= LIMIT) return { count: 0, longestMs: 0 };
    return { count: this.#stallsAmong(count), longestMs: max / NANOSECONDS };
  }

  /** The histogram tells the delay of a rank, so the first rank above the limit is searched. */
  #stallsAmong(count: number): number {
    let low = 1;
    let high = count;
    while (low < high) {
      const rank = Math.floor((low + high) / 2);
      if (this.#delays.percentile((100 * rank) / count) > LIMIT) high = rank;
      else low = rank + 1;
    }
    return count - low + 1;
  }
}
