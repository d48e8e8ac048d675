const TICK_MS = 10;
/** A tick that takes longer counts as this: the machine was busy with something else. */
const TICK_MS_MAX = 25;

/**
 * Milliseconds in which this process could work. A machine that is busy, or stands still, takes time away from whatever runs
 * in the process: limits of behaviour that are kept in real time would be exceeded without any fault of what is tested.
 */
export class AwakeTime {
  #awakeMs = 0;
  #tickedAtMs = performance.now();
  readonly #ticks = setInterval(() => this.#tick(), TICK_MS).unref();

  /** Never goes back. */
  readonly now = (): number => this.#awakeMs + this.#sinceTick();

  close(): void {
    clearInterval(this.#ticks);
  }

  #tick(): void {
    this.#awakeMs += this.#sinceTick();
    this.#tickedAtMs = performance.now();
  }

  #sinceTick(): number {
    return Math.min(performance.now() - this.#tickedAtMs, TICK_MS_MAX);
  }
}
