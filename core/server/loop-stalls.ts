import { monitorEventLoopDelay } from 'node:perf_hooks';

const STALL_MS = 50;
/** A delay is seen as up to this much longer than the stall was. */
const RESOLUTION_MS = 10;
const NANOSECONDS = 1_000_000;

/** Counts how often the event loop stood still for more than 50 ms: nobody is served then, and clients time out. */
export class LoopStalls {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #count = 0;
  #longestMs = 0;

  start(): void {
    this.#delays.enable();
  }

  stop(): void {
    this.sample();
    this.#delays.disable();
  }

  /** Stalls seen so far, and the longest of them in milliseconds. */
  get statistics(): { readonly count: number; readonly longestMs: number } {
    this.sample();
    return { count: this.#count, longestMs: this.#longestMs };
  }

  /** Takes in what was measured since the last time. */
  sample(): void {
    const { count, max } = this.#delays;
    const limit = (STALL_MS + RESOLUTION_MS) * NANOSECONDS;
    if (count === 0 || max <= limit) {
      this.#delays.reset();
      return;
    }
    this.#count += this.#above(limit, count);
    this.#longestMs = Math.max(this.#longestMs, max / NANOSECONDS);
    this.#delays.reset();
  }

  /** How many of `count` delays are above `limit`: the histogram tells the delay of a rank, so the first such rank is searched. */
  #above(limit: number, count: number): number {
    let low = 1;
    let high = count;
    while (low < high) {
      const rank = Math.floor((low + high) / 2);
      if (this.#delays.percentile((100 * rank) / count) > limit) high = rank;
      else low = rank + 1;
    }
    return count - low + 1;
  }
}
