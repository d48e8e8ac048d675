import type { Clock, Timer } from './clock.js';

/** Node's timers overflow beyond this and would fire at once. */
const DELAY_MS_MAX = 2_147_483_647;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, callback, options) => new SystemTimer(delayMs, callback, options?.ref ?? false),
};

class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout;
  #ref: boolean;

  constructor(delayMs: number, callback: () => void, ref: boolean) {
    this.#ref = ref;
    this.#timeout = this.#set(delayMs, callback);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  setRef(ref: boolean): void {
    if (ref === this.#ref) return;
    this.#ref = ref;
    if (ref) this.#timeout.ref();
    else this.#timeout.unref();
  }

  /** A delay that is too long for one timeout is waited for in pieces. */
  #set(delayMs: number, callback: () => void): NodeJS.Timeout {
    const timeout =
      delayMs <= DELAY_MS_MAX
        ? setTimeout(callback, delayMs)
        : setTimeout(() => {
            this.#timeout = this.#set(delayMs - DELAY_MS_MAX, callback);
          }, DELAY_MS_MAX);
    if (!this.#ref) timeout.unref();
    return timeout;
  }
}
