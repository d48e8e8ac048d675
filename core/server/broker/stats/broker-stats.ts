import { inject, injectable } from 'inversify';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { MessageStore } from '../message-store.js';
import { StatsItem, type StatsSpan } from './stats-item.js';

/** Apache's names of what is counted here. */
export const StatsName = {
  /** Messages that came into a topic. */
  TOPIC_PUT_NUMS: 'TOPIC_PUT_NUMS',
  /** Messages that a group got of a topic, by `topic@group`. */
  GROUP_GET_NUMS: 'GROUP_GET_NUMS',
} as const;

const PERIODS_MS: Readonly<Record<StatsSpan, number>> = { minute: 10_000, hour: 600_000, day: 3_600_000 };

/**
 * How many messages come into each topic, and how many each group gets of it. What has nothing for a day is forgotten. Matches
 * two of the counts of Apache's BrokerStatsManager.
 */
@injectable()
export class BrokerStats implements BrokerService {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #put = new Map<string, StatsItem>();
  readonly #got = new Map<string, StatsItem>();

  constructor(@inject(MessageStore) store: MessageStore, @inject(Clock) clock: Clock, @inject(Logger) logger: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#scheduler = new Scheduler(clock, logger);
  }

  load(): Promise<void> {
    this.#store.onArrival((topic) => this.#item(this.#put, topic).add(1));
    return Promise.resolve();
  }

  start(): void {
    for (const [span, periodMs] of Object.entries(PERIODS_MS) as [StatsSpan, number][]) {
      this.#scheduler.every(`broker: count messages by the ${span}`, { periodMs }, () => this.#sample(span));
    }
  }

  close(): Promise<void> {
    return this.#scheduler.close();
  }

  got(topic: string, group: string, messages: number): void {
    this.#item(this.#got, keyOf(topic, group)).add(messages);
  }

  /** Messages a second that a group got in the last minute; 0 for one that got its first less than ten seconds ago. */
  rate(topic: string, group: string): number {
    return this.#got.get(keyOf(topic, group))?.snapshot('minute').tps ?? 0;
  }

  /** By one of {@link StatsName} and its key; undefined for what nothing was counted of. */
  find(name: string, key: string): StatsItem | undefined {
    if (name === StatsName.TOPIC_PUT_NUMS) return this.#put.get(key);
    return name === StatsName.GROUP_GET_NUMS ? this.#got.get(key) : undefined;
  }

  /** A topic was deleted. */
  forgetTopic(topic: string): void {
    this.#put.delete(topic);
    for (const key of [...this.#got.keys()]) if (key.startsWith(keyOf(topic, ''))) this.#got.delete(key);
  }

  #sample(span: StatsSpan): void {
    const nowMs = this.#clock.monotonic();
    for (const items of [this.#put, this.#got]) {
      for (const [key, item] of [...items]) {
        item.sample(span, nowMs);
        if (item.isIdle) items.delete(key);
      }
    }
  }

  #item(items: Map<string, StatsItem>, key: string): StatsItem {
    let item = items.get(key);
    if (item === undefined) {
      item = new StatsItem(this.#clock.monotonic());
      items.set(key, item);
    }
    return item;
  }
}

function keyOf(topic: string, group: string): string {
  return `${topic}@${group}`;
}
