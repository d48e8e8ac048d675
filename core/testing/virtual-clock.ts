import { rocketMQError } from '../errors/rocketmq-error.js';
import { durationMs } from '../message/delay.js';
import type { Clock, Timer } from '../runtime/clock.js';
import { clearTimeout, performance, setTimeout } from '../runtime/event-loop.js';
import { nextTurn, settle } from './settle.js';
import { TimerQueue } from './timer-queue.js';

const TIMEOUT_MS_MAX = 2_147_483_647;
/** Turns of the event loop within one moment: enough for a hundred thousand sends, each of which awaits the one before. */
const TURNS_MAX = 200_000;
/** The same while time runs: others may be at work without a pause, and it goes on. */
const TURNS_MAX_RUNNING = 10_000;

/** Where a virtual clock begins. */
export interface VirtualClockOptions {
  /** Wall clock at the start, milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly nowMs?: number;
  /** Turns of the event loop without anything happening after which everything counts as done. Default 1. */
  readonly quietTurns?: number;
}

/** A clock for tests: it stands still until it is told to move. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by milliseconds or a duration such as `'10s'`. Every timer that comes due runs at its own moment,
   * and after each moment promises, deliveries and the event loop have their turn until nothing happens any more: a timer
   * may send a message whose answer sets another timer, and that one runs too. What waits for something outside (a
   * database, another process) is waited for when `holdFor` was told of it.
   * @throws RangeError for what is no duration
   * @throws RMQ_KIT_RESTLESS when something goes on without end and needs no time
   */
  advance(duration: number | string): Promise<void>;
  /** Lets what is under way go on until nothing happens any more, without moving time. @throws RMQ_KIT_RESTLESS */
  settle(): Promise<void>;
  /**
   * `advance` and `settle` wait until `work` has ended, however it does: a call of a database that a handler awaits. What waits
   * for this clock itself never would.
   */
  holdFor(work: PromiseLike<unknown>): void;
  /** Sets the wall clock alone, as an administrator does: no timer runs for it. */
  setNow(nowMs: number): void;
  /** Lets time pass as it does outside, until `stop`; it can be advanced meanwhile. */
  start(): void;
  stop(): void;
  readonly running: boolean;
  /** Timers that are set and have not run. */
  readonly timers: number;
  /** Those among them that would keep a process alive. */
  readonly refTimers: number;
  /** Grows whenever somebody asks for the time or sets a timer; who sees other things happen adds to it by `noteActivity`. */
  readonly activity: number;
  noteActivity(): void;
}

/** Makes a clock that stands still, at monotonic 0. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new ManualClock(options);
}

class ManualClock implements VirtualClock {
  readonly #quietTurns: number;
  readonly #timers = new TimerQueue();
  #wallAtZeroMs: number;
  #monotonicMs = 0;
  /** When `#monotonicMs` was right, on the machine's scale; undefined while time stands still. */
  #runningSinceMs: number | undefined;
  #wake: NodeJS.Timeout | undefined;
  #activity = 0;
  /** What the clock stands still for. */
  readonly #held = new Set<PromiseLike<unknown>>();

  constructor({ nowMs = Date.UTC(2026, 0, 1), quietTurns = 1 }: VirtualClockOptions) {
    this.#wallAtZeroMs = nowMs;
    this.#quietTurns = quietTurns;
  }

  get running(): boolean {
    return this.#runningSinceMs !== undefined;
  }

  get timers(): number {
    return this.#timers.size;
  }

  get refTimers(): number {
    return this.#timers.refs;
  }

  get activity(): number {
    return this.#activity;
  }

  noteActivity(): void {
    this.#activity++;
  }

  now(): number {
    this.#activity++;
    return Math.floor(this.#wallAtZeroMs + this.#elapsed());
  }

  monotonic(): number {
    this.#activity++;
    return this.#elapsed();
  }

  setTimer(delayMs: number, callback: () => void, options?: { readonly ref?: boolean }): Timer {
    this.#activity++;
    const timer = this.#timers.add(this.#elapsed() + Math.max(0, delayMs), callback, options?.ref ?? false);
    if (this.running) this.#wakeForNext();
    return {
      cancel: () => {
        this.#timers.cancel(timer);
        if (this.running) this.#wakeForNext();
      },
      setRef: (ref) => {
        this.#timers.setRef(timer, ref);
        if (this.running) this.#wakeForNext();
      },
    };
  }

  async advance(duration: number | string): Promise<void> {
    const untilMs = this.#elapsed() + millisecondsOf(duration);
    await this.settle();
    for (let next = this.#timers.first; next && next.dueMs <= untilMs; next = this.#timers.first) {
      this.#moveTo(next.dueMs);
      for (let due = this.#timers.takeDue(next.dueMs); due; due = this.#timers.takeDue(next.dueMs)) {
        due.callback();
        await nextTurn();
      }
      await this.settle();
    }
    this.#moveTo(untilMs);
    await this.settle();
  }

  async settle(): Promise<void> {
    const unrest = {
      activity: () => this.#activity,
      ended: () => (this.#held.size === 0 ? undefined : Promise.allSettled(this.#held)),
    };
    const turnsMax = this.running ? TURNS_MAX_RUNNING : TURNS_MAX;
    if ((await settle(unrest, this.#quietTurns, turnsMax)) || this.running) return;
    const words = `something goes on without end and needs no time: it has not come to rest within ${turnsMax} turns of the event loop`;
    throw rocketMQError('RMQ_KIT_RESTLESS', words, { turns: turnsMax });
  }

  holdFor(work: PromiseLike<unknown>): void {
    const ended = (): void => {
      this.#activity++;
      this.#held.delete(work);
    };
    this.#held.add(work);
    Promise.resolve(work).then(ended, ended);
  }

  setNow(nowMs: number): void {
    this.#wallAtZeroMs = nowMs - this.#elapsed();
  }

  start(): void {
    if (this.running) return;
    this.#runningSinceMs = performance.now();
    this.#wakeForNext();
  }

  stop(): void {
    this.#monotonicMs = this.#elapsed();
    this.#runningSinceMs = undefined;
    clearTimeout(this.#wake);
  }

  #elapsed(): number {
    if (this.#runningSinceMs === undefined) return this.#monotonicMs;
    return this.#monotonicMs + (performance.now() - this.#runningSinceMs);
  }

  /** Time never goes back: two that advance at once may have passed the moment already. */
  #moveTo(monotonicMs: number): void {
    if (monotonicMs <= this.#elapsed()) return;
    this.#monotonicMs = monotonicMs;
    if (this.#runningSinceMs === undefined) return;
    this.#runningSinceMs = performance.now();
    this.#wakeForNext();
  }

  /** While time runs one timer of the machine stands for the first of ours, and keeps the process alive where one of them does. */
  #wakeForNext(): void {
    clearTimeout(this.#wake);
    const next = this.#timers.first;
    if (next === undefined) return;
    const delayMs = Math.min(TIMEOUT_MS_MAX, Math.max(0, Math.ceil(next.dueMs - this.#elapsed())));
    this.#wake = setTimeout(() => this.#runDue(), delayMs);
    if (this.#timers.refs === 0) this.#wake.unref();
  }

  #runDue(): void {
    const nowMs = this.#elapsed();
    try {
      for (let due = this.#timers.takeDue(nowMs); due; due = this.#timers.takeDue(nowMs)) due.callback();
    } finally {
      if (this.running) this.#wakeForNext();
    }
  }
}

function millisecondsOf(duration: number | string): number {
  const milliseconds = typeof duration === 'string' ? durationMs(duration) : duration;
  if (typeof milliseconds === 'number' && milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY)
    return milliseconds;
  throw new RangeError(`a duration is milliseconds from 0, or text such as '10s', not ${String(duration)}`);
}
