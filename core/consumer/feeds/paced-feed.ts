import { isRocketMQError } from '../../errors/rocketmq-error.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { QueueFeed } from './queue-feed.js';

/** A broker that is asked too much says so with FLOW_CONTROL; Java waits this long. */
const FLOW_CONTROL_DELAY_MS = 20;
/** A broker that finds nothing holds the request; one that answers sooner than this without news is asked more slowly. */
const HELD_MS_MIN = 20;

/**
 * A feed that asks its broker: one request at a time, the next after the answer; not while there is no room or while it is
 * paused, and later after a failure. Nothing but `stop` ends it.
 */
export abstract class PacedFeed implements QueueFeed {
  protected readonly consumed: ConsumedQueue;
  readonly #clock: Clock;
  #state: 'idle' | 'asking' | 'waiting' | 'full' | 'paused' | 'stopped' = 'idle';
  #timer: Timer | undefined;
  #pauseAfterAnswer = false;
  #failures = 0;
  #failingSinceMs: number | undefined;
  #lastMs: number;

  constructor(consumed: ConsumedQueue, clock: Clock) {
    this.consumed = consumed;
    this.#clock = clock;
    this.#lastMs = clock.monotonic();
    consumed.onRoom = () => {
      if (this.#state === 'full' && !this.isFull()) this.#go();
    };
  }

  /** Whether there is no room for more now. */
  protected abstract isFull(): boolean;

  /** Asks the broker once. `next` follows, when it answered or failed. */
  protected abstract ask(): void;

  get lastPullMs(): number | undefined {
    return this.#state === 'full' || this.#state === 'paused' ? undefined : this.#lastMs;
  }

  get fullSinceMs(): number | undefined {
    return this.#state === 'full' ? this.#lastMs : undefined;
  }

  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs;
  }

  start(): void {
    if (this.#state === 'idle' || this.#state === 'paused') this.#go();
  }

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
    this.consumed.onRoom = undefined;
  }

  /** Whether an answer is waited for. */
  protected get isAsking(): boolean {
    return this.#state === 'asking';
  }

  protected get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** The next request, so many milliseconds from now; 0: before this returns. */
  protected next(delayMs: number): void {
    // Whoever listens to events, or a handler, may have closed the consumer.
    if (this.#state === 'stopped') return;
    if (delayMs === 0) {
      this.#go();
      return;
    }
    this.#state = 'waiting';
    this.#lastMs = this.#clock.monotonic();
    if (this.#pauseAfterAnswer) this.#go();
    else this.#timer = this.#clock.setTimer(delayMs, () => this.#go());
  }

  /** Counts a failure. Returns how many there are in a row, and the milliseconds until it should be tried again. */
  protected countFailure(
    error: unknown,
    retryDelayMs: number,
  ): { readonly failures: number; readonly retryInMs: number } {
    this.#failures++;
    this.#failingSinceMs ??= this.#clock.monotonic();
    const isFlowControl =
      isRocketMQError(error, 'RMQ_BROKER_ERROR') && error.responseCode === ResponseCode.FLOW_CONTROL;
    return { failures: this.#failures, retryInMs: isFlowControl ? FLOW_CONTROL_DELAY_MS : retryDelayMs };
  }

  /** An answer came. Returns how many failures there had been before it. */
  protected mended(): number {
    const failures = this.#failures;
    this.#failures = 0;
    this.#failingSinceMs = undefined;
    return failures;
  }

  #go(): void {
    if (this.#state === 'stopped') return;
    this.#lastMs = this.#clock.monotonic();
    if (this.#pauseAfterAnswer) {
      this.#pauseAfterAnswer = false;
      this.#state = 'paused';
      return;
    }
    if (this.isFull()) {
      this.#state = 'full';
      return;
    }
    this.#state = 'asking';
    this.ask();
  }
}

/** Milliseconds until a broker is asked again that answered without news so soon after it was asked. */
export function delayAfterNothing(elapsedMs: number, intervalMs: number): number {
  return elapsedMs < HELD_MS_MIN ? Math.max(FLOW_CONTROL_DELAY_MS, intervalMs) : intervalMs;
}
