import type { Clock, Timer } from '../runtime/clock.js';

/**
 * Tells when nothing has happened for a while. A sign of life only stores a number; the timer looks at it when it fires
 * and sleeps on for what is left. It never keeps the process alive.
 */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #lastMs: number;
  #timer: Timer | undefined;

  /** `onIdle` is called after every `timeoutMs` without a sign of life until the watch is closed. */
  constructor(clock: Clock, timeoutMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    this.#lastMs = clock.monotonic();
    this.#sleep(timeoutMs);
  }

  touch(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sleep(delayMs: number): void {
    if (delayMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.setTimer(Math.ceil(delayMs), () => this.#look());
  }

  #look(): void {
    const nowMs = this.#clock.monotonic();
    const leftMs = this.#lastMs + this.#timeoutMs - nowMs;
    if (leftMs > 0) {
      this.#sleep(leftMs);
      return;
    }
    this.#lastMs = nowMs;
    this.#sleep(this.#timeoutMs);
    this.#onIdle();
  }
}
