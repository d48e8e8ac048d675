/** So much of a second may be used up at once, so that the precision of timers does not lower the rate. */
const BURST_MS = 50;

/** At most so many messages a second, in bursts of a twentieth of one. Pure: the time is an argument. */
export class RateLimit {
  readonly #costMs: number;
  /** When everything that was taken will be paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY;

  constructor(messagesPerSecond: number) {
    this.#costMs = 1_000 / messagesPerSecond;
  }

  /** How long to wait before the next one; 0 for now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#paidAtMs - nowMs - BURST_MS);
  }

  take(messages: number, nowMs: number): void {
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + messages * this.#costMs;
  }
}
