import type { Clock } from '../../../runtime/clock.js';
import { setImmediate, setTimeout } from '../../../runtime/event-loop.js';

const MESSAGES_PER_TURN = 25;
const PAUSE_MS = 1;
const MESSAGES_PER_MS = 45;
const MESSAGES_PER_PAUSE_MAX = 192;

/**
 * Where very many are due at once, a few are delivered, the event loop has a turn for everybody else, a few more are, and
 * after so many it has a pause: nobody waits longer than a few take, a fifth of a millisecond, and most of the thread is
 * free. Where pauses turn out longer because much else is to do, more are delivered between them, so that the rate is kept.
 */
export class DeliveryPace {
  readonly #clock: Clock;
  #pausedMs: number;
  /** Until the next pause. */
  #left = messagesUntilPause(0);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#pausedMs = clock.monotonic();
  }

  /** So many at most before everybody else has a turn. */
  get messagesMax(): number {
    return Math.min(this.#left, MESSAGES_PER_TURN);
  }

  /** Resolves when everybody else had a turn, or a pause. */
  async delivered(count: number): Promise<void> {
    this.#left -= count;
    if (this.#left > 0) return nextTurn();
    const paused = pause();
    this.#clock.holdFor?.(paused);
    await paused;
    const nowMs = this.#clock.monotonic();
    this.#left = messagesUntilPause(nowMs - this.#pausedMs);
    this.#pausedMs = nowMs;
  }
}

/** @param sinceLastMs between the last two pauses */
function messagesUntilPause(sinceLastMs: number): number {
  return Math.min(MESSAGES_PER_PAUSE_MAX, Math.ceil(Math.max(PAUSE_MS, sinceLastMs) * MESSAGES_PER_MS));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Not by the clock that tells what is due, which need not run: this is about the thread. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
