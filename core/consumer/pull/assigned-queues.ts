import type { MessageQueue } from '../../message/message.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { PeriodicTask, Scheduler } from '../../runtime/scheduler.js';
import type { Assignment } from '../assignment.js';
import { backOffMs } from '../back-off.js';
import { STALLED_MS } from '../health.js';
import type { TopicSubscription } from '../subscription.js';

/** After a round in which the first offset of a queue could not be learnt. */
const UNFINISHED_DELAY_MS = 1_000;
const UNFINISHED_DELAY_MS_MAX = 5_000;

/** Queues of one topic that the application chose. Names are names on the wire. */
export interface ChosenQueues {
  readonly subscription: TopicSubscription;
  readonly queues: readonly MessageQueue[];
}

export interface AssignedQueuesServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly intervalMs: number;
  readonly assignment: Assignment;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

/** Keeps the queues that are read those that the application assigned: what a rebalancer does, without a group. One round at a time. */
export class AssignedQueues {
  readonly #services: AssignedQueuesServices;
  #chosen: ReadonlyMap<string, ChosenQueues> = new Map();
  #read = new Set<string>();
  #task: PeriodicTask | undefined;
  #soon: Timer | undefined;
  #unfinishedRounds = 0;
  #stopped = false;

  constructor(services: AssignedQueuesServices) {
    this.#services = services;
  }

  /** In place of what was assigned before, by the topic's name on the wire. Never rejects. */
  assign(chosen: ReadonlyMap<string, ChosenQueues>): Promise<void> {
    const { scheduler, group, intervalMs } = this.#services;
    this.#chosen = chosen;
    if (this.#stopped) return Promise.resolve();
    this.#task ??= scheduler.every(`queues of ${group}`, { periodMs: intervalMs }, () => this.#round());
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
  }

  async #round(): Promise<void> {
    if (this.#stopped) return;
    this.#soon?.cancel();
    const { assignment, clock } = this.#services;
    await assignment.giveBackStalled(clock.monotonic(), STALLED_MS);
    const chosen = this.#chosen;
    const gone = [...this.#read].filter((topic) => !chosen.has(topic));
    this.#read = new Set(chosen.keys());
    await Promise.all(gone.map((topic) => assignment.leave(topic)));
    const taken = await Promise.all(
      [...chosen].map(([topic, { subscription, queues }]) => {
        assignment.resubscribe(topic, subscription);
        return assignment.take(topic, subscription, queues);
      }),
    );
    if (taken.every(({ complete }) => complete)) {
      this.#unfinishedRounds = 0;
      return;
    }
    this.#unfinishedRounds++;
    this.in(backOffMs(this.#unfinishedRounds, UNFINISHED_DELAY_MS, UNFINISHED_DELAY_MS_MAX));
  }
}
