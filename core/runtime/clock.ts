import { type Token, token } from './token.js';

/** A timer that was set and can be taken back. Cancelling twice is fine. */
export interface Timer {
  cancel(): void;
  /**
   * Changes whether the timer may keep the process alive. A clock may leave it out; who needs it then cancels the timer
   * and sets another.
   */
  setRef?(ref: boolean): void;
}

/** Where time comes from. Everything that waits or stamps asks this, so that a test can move time. */
export interface Clock {
  /** Wall clock, whole milliseconds since 1970. */
  now(): number;
  /** Fractional milliseconds that never go back; only differences mean something. */
  monotonic(): number;
  /**
   * Calls back once after `delayMs`. A timer does not keep the process alive unless `ref` is true: only a timer behind
   * a promise that somebody awaits is ref'd, and the one of a consumer that runs.
   */
  setTimer(delayMs: number, callback: () => void, options?: { readonly ref?: boolean }): Timer;
  /**
   * A clock that is moved by hand stands still until `work` has ended; others leave it out. For what goes on outside the event
   * loop, in a thread, a file or a socket, and is sure to end: what itself waits for this clock never would.
   */
  holdFor?(work: PromiseLike<unknown>): void;
}

export const Clock: Token<Clock> = token('Clock');
