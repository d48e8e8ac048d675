import type { Clock, Timer } from './clock.js';
import type { Logger } from './logger.js';

export interface PeriodicOptions {
  readonly periodMs: number;
  /** Before the first run. Default: one period. */
  readonly initialDelayMs?: number;
}

/** A task that was given to a scheduler. */
export interface PeriodicTask {
  readonly name: string;
  /** Runs it now, or once more when it is just running; the period starts anew. Resolves when that run has ended; never rejects. */
  trigger(): Promise<void>;
  /** Never starts it again. A run in progress goes on. */
  cancel(): void;
}

/**
 * Named periodic tasks on one clock. Their timers never keep the process alive. A task that throws or rejects is logged
 * and runs again at its next period; a task never overlaps itself. The period counts from start to start; a run that
 * takes longer is followed by the next at once.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tasks = new Set<ScheduledTask>();
  #closed = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  every(name: string, { periodMs, initialDelayMs = periodMs }: PeriodicOptions, run: () => unknown): PeriodicTask {
    if (!(periodMs > 0)) throw new RangeError(`task ${name}: the period must be more than 0 ms, not ${periodMs}`);
    const task = new ScheduledTask(name, periodMs, run, this.#clock, this.#logger, (ended) =>
      this.#tasks.delete(ended),
    );
    if (this.#closed) task.cancel();
    else {
      this.#tasks.add(task);
      task.startIn(initialDelayMs);
    }
    return task;
  }

  /** Names of the tasks that still run. */
  get names(): string[] {
    return [...this.#tasks].map((task) => task.name);
  }

  /** Starts nothing any more, and resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    const tasks = [...this.#tasks];
    for (const task of tasks) task.cancel();
    await Promise.all(tasks.map((task) => task.running));
  }
}

class ScheduledTask implements PeriodicTask {
  readonly name: string;
  readonly #periodMs: number;
  readonly #run: () => unknown;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onCancel: (task: ScheduledTask) => void;
  #timer: Timer | undefined;
  #cancelled = false;
  #running: Promise<void> | undefined;
  #again: Promise<void> | undefined;

  constructor(
    name: string,
    periodMs: number,
    run: () => unknown,
    clock: Clock,
    logger: Logger,
    onCancel: (task: ScheduledTask) => void,
  ) {
    this.name = name;
    this.#periodMs = periodMs;
    this.#run = run;
    this.#clock = clock;
    this.#logger = logger;
    this.#onCancel = onCancel;
  }

  /** What has to end before the task is quiet. */
  get running(): Promise<void> | undefined {
    return this.#again ?? this.#running;
  }

  startIn(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#cancelled) return;
    this.#timer = this.#clock.setTimer(delayMs, () => void this.trigger());
  }

  trigger(): Promise<void> {
    if (this.#again) return this.#again;
    if (this.#running) {
      this.#again = this.#running.then(() => {
        this.#again = undefined;
        return this.#start();
      });
      return this.#again;
    }
    return this.#start();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#onCancel(this);
  }

  #start(): Promise<void> {
    if (this.#cancelled) return Promise.resolve();
    this.#timer?.cancel();
    const startedMs = this.#clock.monotonic();
    const run = this.#runLogged().finally(() => {
      this.#running = undefined;
      const elapsedMs = this.#clock.monotonic() - startedMs;
      this.startIn(Math.max(0, this.#periodMs - elapsedMs));
    });
    this.#running = run;
    return run;
  }

  async #runLogged(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#logger.warn(`periodic task ${this.name} failed`, { task: this.name, error });
    }
  }
}
