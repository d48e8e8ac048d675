import { inject, injectable } from 'inversify';
import { ExpressionType, type SubscriptionData } from '../../../remoting/protocol/subscription-data.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { PropertyFilters } from '../filters/property-filters.js';
import { MessageStore } from '../message-store.js';
import { ConfigFile } from '../settings/config-file.js';
import {
  bornFilter,
  type ConsumerFilterData,
  decodeFilterFile,
  type FilterTable,
  filterFileOf,
  isDead,
} from './consumer-filter-data.js';

const SAVE_PERIOD_MS = 10_000;
/** How long a filter is kept after its group was seen last (Apache's filterDataCleanTimeSpan). */
const KEPT_MS = 24 * 60 * 60_000;
/** How long ago a group was seen last whose broker was down, at the least. */
const DOWN_MS = 30_000;

/**
 * The expressions that groups filter by, kept in config/consumerFilter.json: where they are once a group is gone, for those
 * who come next with the directory. Pulls are filtered by what the group's members say. Matches Apache's
 * ConsumerFilterManager (4.9).
 */
@injectable()
export class ConsumerFilterManager implements BrokerService {
  readonly #clock: Clock;
  readonly #consumers: ConsumerRegistry;
  readonly #filters: PropertyFilters;
  readonly #scheduler: Scheduler;
  readonly #file: ConfigFile<FilterTable>;
  readonly #table = new Map<string, Map<string, ConsumerFilterData>>();
  #unsaved = false;

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(PropertyFilters) filters: PropertyFilters,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#clock = clock;
    this.#consumers = consumers;
    this.#filters = filters;
    this.#scheduler = new Scheduler(clock, logger);
    const content = () => filterFileOf(this.#table);
    this.#file = new ConfigFile(store, { name: 'consumerFilter.json', content, decode: decodeFilterFile }, logger);
  }

  async load(): Promise<void> {
    const seenMs = this.#clock.now() - DOWN_MS;
    for (const [topic, groups] of (await this.#file.load()) ?? []) {
      const dead = [...groups].map(([group, filter]): [string, ConsumerFilterData] => {
        const deadTime = filter.deadTime === 0 ? Math.max(filter.bornTime, seenMs) : filter.deadTime;
        return [group, { ...filter, deadTime }];
      });
      this.#table.set(topic, new Map(dead));
    }
    this.#consumers.onSubscribed((group, subscriptions) => this.register(group, subscriptions));
    this.#consumers.onGroupChanged((group, members) => {
      if (members.length === 0) this.unregister(group);
    });
  }

  start(): void {
    this.#scheduler.every('broker: save consumer filters', { periodMs: SAVE_PERIOD_MS }, () => this.save());
  }

  async close(): Promise<void> {
    await this.#scheduler.close();
    await this.save();
  }

  /** What a group's filter of a topic is, or was. */
  find(topic: string, group: string): ConsumerFilterData | undefined {
    return this.#table.get(topic)?.get(group);
  }

  /** Takes in what a heartbeat says that a group wants: all of it. */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    for (const subscription of subscriptions) {
      if (subscription.expressionType === ExpressionType.SQL92) this.#registerOne(group, subscription);
    }
    if (this.#table.size === 0) return;
    const topics = new Set(subscriptions.map(({ topic }) => topic));
    for (const [topic, groups] of this.#table) {
      if (!topics.has(topic)) this.#bury(groups, group);
    }
  }

  /** The group's last member is gone. */
  unregister(group: string): void {
    for (const groups of this.#table.values()) this.#bury(groups, group);
  }

  /** Forgets what nobody asked for in a day, and saves what changed. */
  async save(): Promise<void> {
    const nowMs = this.#clock.now();
    for (const [topic, groups] of [...this.#table]) {
      for (const [group, filter] of [...groups]) {
        if (!isDead(filter) || nowMs - filter.deadTime < KEPT_MS) continue;
        groups.delete(group);
        this.#unsaved = true;
      }
      if (groups.size === 0) this.#table.delete(topic);
    }
    if (!this.#unsaved) return this.#file.flush();
    this.#unsaved = false;
    await this.#file.changed();
  }

  /** A newer subscription takes the place of an older one; an expression that nobody can read takes it away. */
  #registerOne(consumerGroup: string, { topic, subString, expressionType, subVersion }: SubscriptionData): void {
    const known = this.find(topic, consumerGroup);
    if (subString === '' || (known !== undefined && subVersion < known.clientVersion)) return;
    if (known?.clientVersion === subVersion) {
      if (isDead(known)) this.#set({ ...known, deadTime: 0 });
      return;
    }
    if (known?.expression === subString) {
      this.#set({ ...known, clientVersion: subVersion, deadTime: 0 });
      return;
    }
    if ('reason' in this.#filters.of(subString)) {
      if (known !== undefined) this.#remove(known);
      return;
    }
    const of = { topic, consumerGroup, expression: subString, expressionType, clientVersion: subVersion };
    this.#set(bornFilter(of, this.#clock.now()));
  }

  #bury(groups: ReadonlyMap<string, ConsumerFilterData>, group: string): void {
    const filter = groups.get(group);
    if (filter !== undefined && !isDead(filter)) this.#set({ ...filter, deadTime: this.#clock.now() });
  }

  #set(filter: ConsumerFilterData): void {
    const groups = this.#table.get(filter.topic) ?? new Map<string, ConsumerFilterData>();
    this.#table.set(filter.topic, groups.set(filter.consumerGroup, filter));
    this.#unsaved = true;
  }

  #remove({ topic, consumerGroup }: ConsumerFilterData): void {
    const groups = this.#table.get(topic);
    groups?.delete(consumerGroup);
    if (groups?.size === 0) this.#table.delete(topic);
    this.#unsaved = true;
  }
}
