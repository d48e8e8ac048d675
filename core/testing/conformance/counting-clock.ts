import type { Clock, Timer } from '../../runtime/clock.js';

/** A clock that knows how many of the timers that were set through it are left. */
export class CountingClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that were set and have neither run nor been cancelled. */
  get left(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimer(delayMs: number, callback: () => void, options?: { readonly ref?: boolean }): Timer {
    const inner = this.#clock.setTimer(
      delayMs,
      () => {
        this.#timers.delete(timer);
        callback();
      },
      options,
    );
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer);
        inner.cancel();
      },
      setRef: (ref) => inner.setRef?.(ref),
    };
    this.#timers.add(timer);
    return timer;
  }
}
