import type { MessageQueue } from '../message/message.js';
import type { Logger } from '../runtime/logger.js';
import { ConsumedQueue, queueKey } from './consumed-queue.js';
import type { AssignedQueue } from './consumer.js';
import type { ConsumerEvents } from './consumer-events.js';
import type { StartFrom } from './consumer-options.js';
import type { OffsetStore } from './offset-store.js';
import type { QueueFeed } from './queue-feed.js';
import { type QueueOffsets, type StartOffset, startOffset } from './start-offset.js';
import type { TopicSubscription } from './subscription.js';

export interface AssignmentServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly from: StartFrom;
  readonly offsetStore: OffsetStore;
  readonly queueOffsets: QueueOffsets;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
  readonly createFeed: (consumed: ConsumedQueue) => QueueFeed;
}

interface Held {
  readonly consumed: ConsumedQueue;
  readonly feed: QueueFeed;
}

export type LossReason = 'rebalance' | 'stalled' | 'offset illegal';

/** The queues that this member reads: takes them, gives them back with their offset stored, keeps their feeds. */
export class Assignment {
  readonly #services: AssignmentServices;
  readonly #held = new Map<string, Held>();
  /** Where to begin in queues whose offset a broker called illegal, instead of what is stored. */
  readonly #resets = new Map<string, number>();
  #paused = false;
  #closed = false;

  constructor(services: AssignmentServices) {
    this.#services = services;
  }

  /**
   * Makes the queues of one topic those of `mine`. Queues whose first offset could not be learnt are left for the next
   * round. Never rejects.
   * @returns what came and went, and whether every queue of `mine` is being read now
   */
  async take(
    wireTopic: string,
    subscription: TopicSubscription,
    mine: readonly MessageQueue[],
  ): Promise<{ readonly added: MessageQueue[]; readonly removed: MessageQueue[]; readonly complete: boolean }> {
    const wanted = new Set(mine.map(queueKey));
    const lost = [...this.#held.values()].filter(
      ({ consumed }) => consumed.queue.topic === wireTopic && !wanted.has(queueKey(consumed.queue)),
    );
    await this.#giveBack(lost, 'rebalance');
    this.#forgetResets(wireTopic, wanted);
    const missing = mine.filter((queue) => !this.#held.has(queueKey(queue)));
    const added = await Promise.all(missing.map((queue) => this.#add(queue, subscription)));
    return {
      added: added.filter((queue) => queue !== undefined),
      removed: lost.map(({ consumed }) => consumed.shown),
      complete: added.every((queue) => queue !== undefined),
    };
  }

  /** Gives back queues whose feed did nothing for longer than `idleMs`; the next round takes them anew. */
  async giveBackStalled(nowMs: number, idleMs: number): Promise<number> {
    const stalled = [...this.#held.values()].filter(
      ({ feed }) => feed.lastPullMs !== undefined && nowMs - feed.lastPullMs > idleMs,
    );
    await this.#giveBack(stalled, 'stalled');
    return stalled.length;
  }

  /** Tells of queues that have had no room for longer than `blockedMs`. Nothing is skipped: somebody has to look. */
  reportBlocked(nowMs: number, blockedMs: number): void {
    const { logger, events, group } = this.#services;
    for (const { consumed, feed } of this.#held.values()) {
      const forMs = nowMs - (feed.fullSinceMs ?? nowMs);
      if (forMs <= blockedMs) continue;
      const { committableOffset: queueOffset, count: unacknowledged } = consumed.processQueue;
      const facts = { queueOffset, unacknowledged, forMs };
      logger.warn('a queue is not read on: the handler of its oldest message hangs or keeps failing', {
        group,
        ...consumed.shown,
        ...facts,
      });
      if (events.observed) events.emit({ type: 'queueBlocked', queue: consumed.shown, ...facts });
    }
  }

  /** Gives a queue back and begins at `offset` when it comes again. */
  async reset(consumed: ConsumedQueue, offset: number): Promise<void> {
    const { logger, events, group } = this.#services;
    const key = queueKey(consumed.queue);
    const held = this.#held.get(key);
    if (held?.consumed !== consumed) return;
    const from = consumed.processQueue.nextOffset;
    logger.warn('the broker does not have the offset that was asked for; the queue goes on where the broker says', {
      group,
      ...consumed.shown,
      from,
      to: offset,
    });
    if (events.observed) events.emit({ type: 'offsetReset', queue: consumed.shown, from, to: offset });
    this.#drop(held, 'offset illegal');
    this.#resets.set(key, offset);
    await this.#persist([consumed], offset);
  }

  /** Stores what may be committed of every queue. Never rejects. */
  commit(): Promise<void> {
    return this.#persist(this.consumed);
  }

  pause(): void {
    this.#paused = true;
    for (const { feed } of this.#held.values()) feed.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const { feed } of this.#held.values()) feed.resume();
  }

  /** Pulls nothing any more and takes no queue any more; what is held stays until `release`. */
  stopPulling(): void {
    this.#closed = true;
    for (const { feed } of this.#held.values()) feed.stop();
  }

  abortHandlers(why: string): void {
    for (const consumed of this.consumed) consumed.abortHandlers(why);
  }

  /** The end: results of handlers that still run reach nothing from here on. */
  release(): void {
    for (const { consumed } of this.#held.values()) consumed.drop();
    this.#held.clear();
  }

  /** What is held, the group's retry topic included. */
  get consumed(): readonly ConsumedQueue[] {
    return [...this.#held.values()].map(({ consumed }) => consumed);
  }

  /** Queues of the topics that were subscribed to. */
  get queues(): AssignedQueue[] {
    const own = this.consumed.filter(({ subscription }) => !subscription.retried);
    return own.map(({ shown, processQueue }) => ({
      ...shown,
      pullOffset: processQueue.nextOffset,
      committableOffset: processQueue.committableOffset,
      unacknowledged: processQueue.count,
    }));
  }

  async #add(queue: MessageQueue, subscription: TopicSubscription): Promise<MessageQueue | undefined> {
    const { logger, events, group, createFeed, offsetStore } = this.#services;
    const key = queueKey(queue);
    let start: StartOffset;
    try {
      start = await this.#startOffset(queue, subscription);
    } catch (error) {
      logger.warn('where to begin in a queue could not be learnt; it is tried again', {
        group,
        ...queue,
        topic: subscription.topic,
        error,
      });
      return undefined;
    }
    if (this.#closed) return undefined;
    this.#resets.delete(key);
    const consumed = new ConsumedQueue(queue, subscription, start.offset);
    // A position that an option decided becomes the group's own at once, or the next start would decide anew.
    offsetStore.update(queue, start.offset);
    const held = { consumed, feed: createFeed(consumed) };
    this.#held.set(key, held);
    logger.info('a queue is read from an offset', { group, ...consumed.shown, ...start });
    if (events.observed) events.emit({ type: 'queueAssigned', queue: consumed.shown, ...start });
    if (this.#paused) held.feed.pause();
    else held.feed.start();
    return consumed.shown;
  }

  async #startOffset(queue: MessageQueue, { retried }: TopicSubscription): Promise<StartOffset> {
    const reset = this.#resets.get(queueKey(queue));
    if (reset !== undefined) return { offset: reset, reason: 'reset' };
    const { offsetStore, from, queueOffsets } = this.#services;
    // What was sent back to this group is the group's, whenever it came.
    return startOffset(queue, retried ? 'first' : from, await offsetStore.read(queue), queueOffsets);
  }

  /** A queue that went to another member has the position that member gives it. */
  #forgetResets(wireTopic: string, wanted: ReadonlySet<string>): void {
    for (const key of this.#resets.keys()) {
      if (key.startsWith(`${wireTopic}\n`) && !wanted.has(key)) this.#resets.delete(key);
    }
  }

  async #giveBack(lost: readonly Held[], why: LossReason): Promise<void> {
    if (lost.length === 0) return;
    for (const held of lost) this.#drop(held, why);
    await this.#persist(lost.map(({ consumed }) => consumed));
    for (const { consumed } of lost) this.#services.offsetStore.remove(consumed.queue);
  }

  /** A store of an application's own may break its promise never to fail. */
  async #persist(all: readonly ConsumedQueue[], offset?: number): Promise<void> {
    const { offsetStore, logger, group } = this.#services;
    try {
      for (const { queue, processQueue } of all) offsetStore.update(queue, offset ?? processQueue.committableOffset);
      await offsetStore.persist(all.map(({ queue }) => queue));
    } catch (error) {
      logger.warn('the offset store failed; offsets are stored at the next turn', { group, error });
    }
  }

  #drop({ consumed, feed }: Held, why: LossReason): void {
    const { logger, events, group } = this.#services;
    this.#held.delete(queueKey(consumed.queue));
    feed.stop();
    consumed.drop();
    const unacknowledged = consumed.processQueue.count;
    logger[why === 'rebalance' ? 'info' : 'warn']('a queue is given back', {
      group,
      ...consumed.shown,
      why,
      unacknowledged,
    });
    if (events.observed) events.emit({ type: 'queueLost', queue: consumed.shown, unacknowledged, why });
  }
}
