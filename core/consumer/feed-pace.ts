import { isRocketMQError } from '../errors/rocketmq-error.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { Clock, Timer } from '../runtime/clock.js';

/** A broker that is asked too much says so with FLOW_CONTROL; Java waits this long. */
const FLOW_CONTROL_DELAY_MS = 20;
/** A broker that finds nothing holds the request; one that answers sooner than this without news is asked more slowly. */
const HELD_MS_MIN = 20;

export interface FeedPaceServices {
  readonly clock: Clock;
  /** Whether there is no room for more now. */
  readonly isFull: () => boolean;
  /** Asks a broker once. `next` follows, when it answered or failed. */
  readonly ask: () => void;
}

/**
 * When a feed asks its broker: one request at a time, the next after the answer; not while there is no room or while it is
 * paused, and later after a failure. Nothing but `stop` ends it.
 */
export class FeedPace {
  readonly #services: FeedPaceServices;
  #state: 'idle' | 'asking' | 'waiting' | 'full' | 'paused' | 'stopped' = 'idle';
  #timer: Timer | undefined;
  #pauseAfterAnswer = false;
  #failures = 0;
  #failingSinceMs: number | undefined;
  #lastMs: number;

  constructor(services: FeedPaceServices) {
    this.#services = services;
    this.#lastMs = services.clock.monotonic();
  }

  /** Whether an answer is waited for. */
  get isAsking(): boolean {
    return this.#state === 'asking';
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** Monotonic milliseconds at which something was done last; undefined while it waits for room or is paused. */
  get lastMs(): number | undefined {
    return this.#state === 'full' || this.#state === 'paused' ? undefined : this.#lastMs;
  }

  /** Monotonic milliseconds since which there is no room; undefined while there is. */
  get fullSinceMs(): number | undefined {
    return this.#state === 'full' ? this.#lastMs : undefined;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Monotonic milliseconds of the first of them. */
  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs;
  }

  start(): void {
    if (this.#state === 'idle' || this.#state === 'paused') this.#go();
  }

  /** The request that is in flight goes on; no other follows. */
  pause(): void {
    if (this.#state === 'stopped') return;
    this.#timer?.cancel();
    if (this.#state !== 'asking') this.#state = 'paused';
    else this.#pauseAfterAnswer = true;
  }

  resume(): void {
    this.#pauseAfterAnswer = false;
    this.start();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
  }

  /** There may be room again. */
  room(): void {
    if (this.#state === 'full' && !this.#services.isFull()) this.#go();
  }

  /** The next request, so many milliseconds from now; 0: before this returns. */
  next(delayMs: number): void {
    // Whoever listens to events, or a handler, may have closed the consumer.
    if (this.#state === 'stopped') return;
    if (delayMs === 0) {
      this.#go();
      return;
    }
    this.#state = 'waiting';
    this.#lastMs = this.#services.clock.monotonic();
    if (this.#pauseAfterAnswer) this.#go();
    else this.#timer = this.#services.clock.setTimer(delayMs, () => this.#go());
  }

  /** Counts a failure. Returns the milliseconds until it should be tried again. */
  failed(error: unknown, retryDelayMs: number): number {
    this.#failures++;
    this.#failingSinceMs ??= this.#services.clock.monotonic();
    const isFlowControl =
      isRocketMQError(error, 'RMQ_BROKER_ERROR') && error.responseCode === ResponseCode.FLOW_CONTROL;
    return isFlowControl ? FLOW_CONTROL_DELAY_MS : retryDelayMs;
  }

  /** An answer came. Returns how many failures there had been before it. */
  mended(): number {
    const failures = this.#failures;
    this.#failures = 0;
    this.#failingSinceMs = undefined;
    return failures;
  }

  #go(): void {
    if (this.#state === 'stopped') return;
    this.#lastMs = this.#services.clock.monotonic();
    if (this.#pauseAfterAnswer) {
      this.#pauseAfterAnswer = false;
      this.#state = 'paused';
      return;
    }
    if (this.#services.isFull()) {
      this.#state = 'full';
      return;
    }
    this.#state = 'asking';
    this.#services.ask();
  }
}

/** Milliseconds until a broker is asked again that answered without news so soon after it was asked. */
export function delayAfterNothing(elapsedMs: number, intervalMs: number): number {
  return elapsedMs < HELD_MS_MIN ? Math.max(FLOW_CONTROL_DELAY_MS, intervalMs) : intervalMs;
}
