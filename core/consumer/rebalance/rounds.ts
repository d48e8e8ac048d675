import type { RouteTable } from '../../routing/route-table.js';
import { backOffMs } from '../../runtime/back-off.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { PeriodicTask, Scheduler } from '../../runtime/scheduler.js';
import { BLOCKED_MS, STALLED_MS } from '../report/health.js';
import type { Assignment } from './assignment.js';

/** After a round that could not be finished. */
const UNFINISHED_DELAY_MS = 1_000;
const UNFINISHED_DELAY_MS_MAX = 5_000;

export interface RoundsServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly intervalMs: number;
  readonly assignment: Assignment;
  /**
   * Takes and gives back what has changed. Tells whether it needs no other round before the next in turn. It asks `isStopped`
   * after whatever it waited for, and takes nothing more when it is so.
   */
  readonly round: (isStopped: () => boolean) => Promise<boolean>;
  /** Whether a topic, by its name on the wire, is read. */
  readonly reads: (wireTopic: string) => boolean;
  /** Whether queues that have had no room for minutes are told of. What waits until an application asks for it is no illness. */
  readonly tellsBlocked: boolean;
  /** Monotonic milliseconds since which the process has run without a break. */
  readonly awakeSinceMs: () => number;
  readonly routes: Pick<RouteTable, 'onChange'>;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

/**
 * When a consumer's queues are made those that it is to read: every `intervalMs`, at once when it is asked for and when a
 * route changes, and soon after a round in which something could not be asked. One round at a time; each begins with the
 * queues on which nothing goes on.
 */
export class Rounds {
  readonly #services: RoundsServices;
  #task: PeriodicTask | undefined;
  #stopListening: () => void = () => {};
  #soon: Timer | undefined;
  #unfinished = 0;
  #stopped = false;
  #sinceMs: number | undefined;

  constructor(services: RoundsServices) {
    this.#services = services;
  }

  /** The first round; one more, when that has been. Never rejects. */
  start(): Promise<void> {
    if (this.#stopped || this.#task !== undefined) return this.now();
    const { scheduler, group, intervalMs, routes, reads } = this.#services;
    this.#task = scheduler.every(`queues of ${group}`, { periodMs: intervalMs }, () => this.#round());
    this.#stopListening = routes.onChange((topic) => {
      if (reads(topic)) void this.now();
    });
    return this.now();
  }

  /** A round now, or once more when one is running; none before the first. Never rejects. */
  now(): Promise<void> {
    return this.#task?.trigger() ?? Promise.resolve();
  }

  /** A round after a while, unless one comes before. */
  in(delayMs: number): void {
    if (this.#stopped) return;
    this.#soon?.cancel();
    this.#soon = this.#services.clock.setTimer(delayMs, () => void this.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#soon?.cancel();
    this.#task?.cancel();
    this.#stopListening();
  }

  /** Monotonic milliseconds at which the round that goes on began; undefined when none does. */
  get sinceMs(): number | undefined {
    return this.#sinceMs;
  }

  async #round(): Promise<void> {
    if (this.#stopped) return;
    this.#soon?.cancel();
    const { assignment, clock, awakeSinceMs, tellsBlocked, round } = this.#services;
    this.#sinceMs = clock.monotonic();
    try {
      const sinceMs = awakeSinceMs();
      if (tellsBlocked) assignment.reportBlocked(clock.monotonic(), BLOCKED_MS, sinceMs);
      await assignment.giveBackStalled(clock.monotonic(), STALLED_MS, sinceMs);
      if (await round(() => this.#stopped)) {
        this.#unfinished = 0;
        return;
      }
    } finally {
      this.#sinceMs = undefined;
    }
    this.#unfinished++;
    this.in(backOffMs(this.#unfinished, UNFINISHED_DELAY_MS, UNFINISHED_DELAY_MS_MAX));
  }
}
