import { inject, injectable } from 'inversify';
import { parseBody, tableMember } from '../../../remoting/protocol/body-fields.js';
import { Clock, type Timer } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { MessageStore } from '../message-store.js';
import { ConfigFile } from '../settings/config-file.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import { type OrderedAck, type OrderedPop, OrderInfo } from './order-info.js';
import { formatInfoItem } from './pop-receipt.js';
import { PopWaiting } from './pop-waiting.js';

const SAVE_PERIOD_MS = 10_000;
/** What was not popped for so long is forgotten (Apache's CLEAN_SPAN_FROM_LAST). */
const KEPT_MS = 24 * 3_600_000;
const FILE = 'consumerOrderInfo.json';
const SEPARATOR = '@';

type OrderTable = ReadonlyMap<string, ReadonlyMap<number, OrderInfo>>;

/** One queue of a group. */
export interface OrderedQueue {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
}

/**
 * Groups that pop in order: of each queue what was handed out last, and until when that blocks the queue. Kept in
 * config/consumerOrderInfo.json. Matches Apache's ConsumerOrderInfoManager and its ConsumerOrderInfoLockManager.
 */
@injectable()
export class PopOrder implements BrokerService {
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #waiting: PopWaiting;
  readonly #clock: Clock;
  readonly #file: ConfigFile<OrderTable>;
  readonly #scheduler: Scheduler;
  /** By `topic@group`, then queue. */
  readonly #table = new Map<string, Map<number, OrderInfo>>();
  /** Blocks that end by themselves. */
  readonly #timers = new Map<string, Timer>();
  #isUnsaved = false;

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(PopWaiting) waiting: PopWaiting,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#topics = topics;
    this.#groups = groups;
    this.#waiting = waiting;
    this.#clock = clock;
    this.#scheduler = new Scheduler(clock, logger);
    this.#file = new ConfigFile(store, { name: FILE, content: () => this.#content(), decode }, logger);
  }

  async load(): Promise<void> {
    for (const [key, queues] of (await this.#file.load()) ?? []) this.#table.set(key, new Map(queues));
  }

  start(): void {
    this.#scheduler.every('broker: save what is popped in order', { periodMs: SAVE_PERIOD_MS }, () => this.#save());
  }

  async close(): Promise<void> {
    await this.#scheduler.close();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#save();
  }

  /** Whether others have messages of the queue, or this consumer has some that another request gave it. */
  isBlocked(queue: OrderedQueue, attemptId?: string): boolean {
    return this.#infoOf(queue)?.blockedUntil(this.#clock.now(), attemptId) !== undefined;
  }

  /** Messages are handed out. Returns the items of orderCountInfo: how often each was before, and the least of it. */
  popped(queue: OrderedQueue, pop: OrderedPop): string[] {
    const { topic, group, queueId } = queue;
    const key = `${topic}${SEPARATOR}${group}`;
    const queues = this.#table.get(key) ?? new Map<number, OrderInfo>();
    this.#table.set(key, queues);
    const info = OrderInfo.of(pop, this.#clock.now(), queues.get(queueId));
    queues.set(queueId, info);
    this.#changed(queue, info);
    const counts = [...info.counts].map(([offset, count]) => formatInfoItem('0', `qo${queueId}%${offset}`, count));
    return [...counts, formatInfoItem('0', queueId, info.countMin)];
  }

  /** What is not known any more counts as the last that was handed out. */
  ack(queue: OrderedQueue, offset: number, popTime: number): OrderedAck {
    const info = this.#infoOf(queue);
    if (info === undefined) return { kind: 'next', offset: offset + 1 };
    const result = info.ack(offset, popTime);
    if (result.kind === 'next') this.#changed(queue, info);
    return result;
  }

  changeVisible(queue: OrderedQueue, offset: number, popTime: number, visibleAt: number): void {
    const info = this.#infoOf(queue);
    if (info === undefined) return;
    info.changeVisible(offset, popTime, visibleAt);
    this.#changed(queue, info);
  }

  /** An operator sent the group elsewhere. */
  clear({ group, topic, queueId }: OrderedQueue): void {
    if (this.#table.get(`${topic}${SEPARATOR}${group}`)?.delete(queueId)) this.#isUnsaved = true;
  }

  /** A topic was deleted. */
  clearTopic(topic: string): void {
    for (const key of [...this.#table.keys()]) {
      if (key.startsWith(`${topic}${SEPARATOR}`) && this.#table.delete(key)) this.#isUnsaved = true;
    }
  }

  #infoOf({ group, topic, queueId }: OrderedQueue): OrderInfo | undefined {
    return this.#table.get(`${topic}${SEPARATOR}${group}`)?.get(queueId);
  }

  /** Who waits hears when the block is over, by what was acknowledged or by time. */
  #changed({ group, topic, queueId }: OrderedQueue, info: OrderInfo): void {
    this.#isUnsaved = true;
    const key = `${topic}\0${group}\0${queueId}`;
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    const nowMs = this.#clock.now();
    const until = info.blockedUntil(nowMs);
    if (until === undefined) this.#tell(topic, group, queueId);
    else {
      const timer = this.#clock.setTimer(until - nowMs, () => {
        this.#timers.delete(key);
        this.#tell(topic, group, queueId);
      });
      this.#timers.set(key, timer);
    }
  }

  #tell(topic: string, group: string, queueId: number): void {
    this.#waiting.pops.wake(topic, group, queueId);
    this.#waiting.notifications.wake(topic, group, queueId);
  }

  async #save(): Promise<void> {
    if (!this.#isUnsaved) return this.#file.flush();
    this.#isUnsaved = false;
    await this.#file.changed();
  }

  #content(): object {
    const table = new Map<string, Map<number, object>>();
    for (const [key, queues] of this.#table) {
      const at = key.indexOf(SEPARATOR);
      const topic = this.#topics.find(key.slice(0, at));
      const isGroupKnown = this.#groups.table.subscriptionGroupTable.has(key.slice(at + 1));
      for (const [queueId, info] of [...queues]) {
        const isOld = this.#clock.now() - info.lastConsumed > KEPT_MS;
        if (isOld || !isGroupKnown || queueId >= (topic?.readQueueNums ?? 0)) queues.delete(queueId);
      }
      if (queues.size === 0) this.#table.delete(key);
      else table.set(key, new Map([...queues].map(([queueId, info]) => [queueId, info.value])));
    }
    return { table };
  }
}

function decode(text: string): OrderTable {
  return tableMember(parseBody(text, FILE), 'table', FILE, (queues, name) => {
    const byName = tableMember({ queues }, 'queues', name, OrderInfo.read);
    return new Map([...byName].map(([queueId, info]) => [Number(queueId), info]));
  });
}
