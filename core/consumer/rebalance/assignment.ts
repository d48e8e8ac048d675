import type { MessageQueue } from '../../message/message.js';
import type { Logger } from '../../runtime/logger.js';
import type { QueueFeed } from '../feeds/queue-feed.js';
import { DoubtfulPositions } from '../offsets/doubtful-positions.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { type QueueOffsets, type StartOffset, startOffset } from '../offsets/start-offset.js';
import type { StartFrom } from '../options/consumer-options.js';
import { ConsumedQueue, queueKey } from '../queues/consumed-queue.js';
import { type FlowLimits, type FlowOptions, flowLimits } from '../queues/flow-limits.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import type { TopicSubscription } from '../subscription/subscription.js';
import type { QueueOwnership } from './queue-ownership.js';
import type { SharedQueue } from './rebalance.js';

export interface AssignmentServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly from: StartFrom;
  readonly flow: FlowOptions;
  /** Of queues that are popped. */
  readonly popLimits?: FlowLimits;
  readonly offsetStore: OffsetStore;
  readonly queueOffsets: QueueOffsets;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
  readonly createFeed: (consumed: ConsumedQueue) => QueueFeed;
  /** A queue is not ours any more. */
  readonly onLost: (consumed: ConsumedQueue, why: LossReason) => void;
  /** A queue is given up though it may be ours: it is to be shared out anew. */
  readonly onOvertaken: () => void;
  /** Default: a queue is ours as soon as it is assigned. */
  readonly ownership?: QueueOwnership | undefined;
}

interface Held {
  readonly consumed: ConsumedQueue;
  readonly feed: QueueFeed;
}

/** Why a queue begins anew at an offset: the broker does not have the one asked for, the application or an administrator said so. */
export type MoveReason = 'offset illegal' | 'seek' | 'administrator';
export type LossReason = 'rebalance' | 'lock lost' | 'overtaken' | 'stalled' | 'unsubscribed' | MoveReason;

const POPPED: StartOffset = { offset: -1, reason: 'broker' };

/** The queues that this member reads: takes them, gives them back with their offset stored, keeps their feeds. */
export class Assignment {
  readonly #services: AssignmentServices;
  readonly #held = new Map<string, Held>();
  /** Where to begin in queues that begin anew, instead of what is stored. */
  readonly #moves = new Map<string, StartOffset>();
  readonly #doubtful: DoubtfulPositions;
  /** Queues that the application paused; a queue that goes to another member forgets it. */
  readonly #pausedQueues = new Set<string>();
  #paused = false;
  #closed = false;

  constructor(services: AssignmentServices) {
    this.#services = services;
    this.#doubtful = new DoubtfulPositions((queue) => services.offsetStore.read(queue));
  }

  /**
   * Makes the queues of one topic those of `mine`. Queues whose first offset could not be learnt are left for the next
   * round. Never rejects.
   * @returns what came and went, and whether every queue of `mine` is being read now
   */
  async take(
    wireTopic: string,
    subscription: TopicSubscription,
    mine: readonly SharedQueue[],
  ): Promise<{ readonly added: MessageQueue[]; readonly removed: MessageQueue[]; readonly complete: boolean }> {
    const wanted = new Map(mine.map((queue) => [queueKey(queue), queue.popped === true]));
    // A queue that was pulled and is popped now is another one.
    const unwanted = this.#ofTopic(wireTopic).filter(
      ({ consumed }) => wanted.get(queueKey(consumed.queue)) !== consumed.popped,
    );
    const lost = await this.#leavable(unwanted);
    await this.#giveBack(lost, 'rebalance');
    this.#forget(wireTopic, wanted);
    const missing = mine.filter((queue) => !this.#held.has(queueKey(queue)));
    for (const { consumed } of this.#ofTopic(wireTopic)) {
      consumed.limits = this.#limits(consumed.popped, mine.length);
      // The share of a topic's limit grows when queues go: a feed that waits for room has some now.
      consumed.onRoom?.();
    }
    const ours: readonly SharedQueue[] = (await this.#services.ownership?.acquire(missing)) ?? missing;
    const added = await Promise.all(ours.map((queue) => this.#add(queue, subscription, mine.length)));
    await this.#services.ownership?.keepOnly(wireTopic, (queue) => this.#held.has(queueKey(queue)));
    return {
      added: added.filter((queue) => queue !== undefined),
      removed: lost.map(({ consumed }) => consumed.shown),
      complete:
        lost.length === unwanted.length &&
        ours.length === missing.length &&
        added.every((queue) => queue !== undefined),
    };
  }

  /** The queues of a topic go on under another subscription: what was pulled already is held against its tags too. */
  resubscribe(wireTopic: string, subscription: TopicSubscription): void {
    for (const { consumed } of this.#ofTopic(wireTopic)) consumed.subscription = subscription;
  }

  /** Gives back the queues of a topic that is not read any more. Never rejects. */
  async leave(wireTopic: string): Promise<void> {
    await this.#giveBack(this.#ofTopic(wireTopic), 'unsubscribed');
    this.#forget(wireTopic, new Map());
  }

  /**
   * Gives back queues whose feed did nothing for longer than `idleMs`; the next round takes them anew. Time before
   * `awakeSinceMs` does not count.
   */
  async giveBackStalled(nowMs: number, idleMs: number, awakeSinceMs: number): Promise<number> {
    const stalled = [...this.#held.values()].filter(
      ({ feed }) => feed.lastPullMs !== undefined && nowMs - Math.max(feed.lastPullMs, awakeSinceMs) > idleMs,
    );
    await this.#giveBack(stalled, 'stalled');
    return stalled.length;
  }

  /** Tells of queues that have had no room for longer than `blockedMs`. Nothing is skipped: somebody has to look. */
  reportBlocked(nowMs: number, blockedMs: number, awakeSinceMs: number): void {
    const { logger, events, group } = this.#services;
    for (const { consumed, feed } of this.#held.values()) {
      const forMs = nowMs - Math.max(feed.fullSinceMs ?? nowMs, awakeSinceMs);
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

  /**
   * Gives a queue back and stores `offset` as the group's; it begins there when it comes again, at the next round. Tells
   * whether it was ours. Never rejects.
   */
  async move(consumed: ConsumedQueue, offset: number, why: MoveReason): Promise<boolean> {
    const { logger, events, group } = this.#services;
    const key = queueKey(consumed.queue);
    const held = this.#held.get(key);
    if (held?.consumed !== consumed) return false;
    const from = consumed.processQueue.nextOffset;
    const facts = { from, to: offset, why };
    const level = why === 'offset illegal' ? 'warn' : 'info';
    logger[level]('a queue begins anew at another offset', { group, ...consumed.shown, ...facts });
    if (events.observed) events.emit({ type: 'offsetReset', queue: consumed.shown, ...facts });
    this.#drop(held, why);
    this.#moves.set(key, { offset, reason: why === 'seek' ? 'seek' : 'reset' });
    await this.#persist([consumed], offset);
    return true;
  }

  /** Moves those queues of a topic that are ours where an administrator wants them. Never rejects. */
  async reset(wireTopic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void> {
    await Promise.all(
      [...offsets].map(async ([queue, offset]) => {
        const consumed = queue.topic === wireTopic ? this.find(queue) : undefined;
        if (consumed !== undefined) await this.move(consumed, offset, 'administrator');
      }),
    );
  }

  /** Somebody else may have read it meanwhile: our position counts no longer. It is read anew from the stored one. */
  forfeit(queue: MessageQueue, why: 'lock lost' | 'overtaken'): void {
    const held = this.#held.get(queueKey(queue));
    if (held !== undefined) this.#drop(held, why);
    this.#services.offsetStore.remove(queue);
  }

  /** Another member may have been given queues of these brokers without a word to us: no offset of one is stored before that is known. */
  doubt(isOfBroker: (brokerName: string) => boolean): void {
    for (const consumed of this.consumed) if (isOfBroker(consumed.queue.brokerName)) this.#doubtful.add(consumed);
  }

  /** Whether the group's stored offset of a queue is beyond what we did of it: another member has had it. @throws what asking throws */
  async wentOn(queue: MessageQueue): Promise<boolean> {
    const consumed = this.find(queue);
    return consumed !== undefined && this.#doubtful.isOvertaken(consumed);
  }

  /** Stores what may be committed of every queue. Never rejects. */
  commit(): Promise<void> {
    return this.#persist(this.consumed);
  }

  /** Pulls nothing: everything, or one queue. */
  pause(consumed?: ConsumedQueue): void {
    if (consumed === undefined) {
      this.#paused = true;
      for (const { feed } of this.#held.values()) feed.pause();
      return;
    }
    const key = queueKey(consumed.queue);
    this.#pausedQueues.add(key);
    consumed.paused = true;
    this.#held.get(key)?.feed.pause();
  }

  resume(consumed?: ConsumedQueue): void {
    if (consumed === undefined) {
      this.#paused = false;
      for (const held of this.#held.values()) this.#resume(held);
      return;
    }
    const key = queueKey(consumed.queue);
    this.#pausedQueues.delete(key);
    consumed.paused = false;
    const held = this.#held.get(key);
    if (held !== undefined) this.#resume(held);
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

  /** The queue of that place on the wire, while it is ours. */
  find(queue: MessageQueue): ConsumedQueue | undefined {
    return this.#held.get(queueKey(queue))?.consumed;
  }

  /** Monotonic milliseconds at which a queue's feed last did something. */
  lastPullMs(consumed: ConsumedQueue): number | undefined {
    return this.#held.get(queueKey(consumed.queue))?.feed.lastPullMs;
  }

  /** What reads a queue, while it is ours. */
  feedOf(consumed: ConsumedQueue): QueueFeed | undefined {
    return this.#held.get(queueKey(consumed.queue))?.feed;
  }

  /** Everything, by the application. */
  get paused(): boolean {
    return this.#paused;
  }

  #ofTopic(wireTopic: string): readonly Held[] {
    return [...this.#held.values()].filter(({ consumed }) => consumed.queue.topic === wireTopic);
  }

  #resume({ consumed, feed }: Held): void {
    if (!this.#paused && !consumed.paused) feed.resume();
  }

  #limits(popped: boolean, mine: number): FlowLimits {
    const { flow, popLimits } = this.#services;
    return popped && popLimits !== undefined ? popLimits : flowLimits(flow, mine);
  }

  async #add(
    { popped = false, ...queue }: SharedQueue,
    subscription: TopicSubscription,
    mine: number,
  ): Promise<MessageQueue | undefined> {
    const { logger, events, group, createFeed, offsetStore } = this.#services;
    const key = queueKey(queue);
    let start: StartOffset;
    try {
      start = popped ? POPPED : await this.#startOffset(queue, subscription);
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
    this.#moves.delete(key);
    const offset = popped ? undefined : start.offset;
    const consumed = new ConsumedQueue(queue, subscription, offset, this.#limits(popped, mine));
    consumed.paused = this.#pausedQueues.has(key);
    // A position that an option decided becomes the group's own at once, or the next start would decide anew.
    if (offset !== undefined) offsetStore.update(queue, offset);
    const held = { consumed, feed: createFeed(consumed) };
    this.#held.set(key, held);
    logger.info(popped ? 'a queue is popped' : 'a queue is read from an offset', {
      group,
      ...consumed.shown,
      ...start,
    });
    if (events.observed) events.emit({ type: 'queueAssigned', queue: consumed.shown, ...start });
    if (this.#paused || consumed.paused) held.feed.pause();
    else held.feed.start();
    return consumed.shown;
  }

  async #startOffset(queue: MessageQueue, { retried }: TopicSubscription): Promise<StartOffset> {
    const moved = this.#moves.get(queueKey(queue));
    if (moved !== undefined) return moved;
    const { offsetStore, from, queueOffsets } = this.#services;
    // What was sent back to this group is the group's, whenever it came.
    return startOffset(queue, retried ? 'first' : from, await offsetStore.read(queue), queueOffsets);
  }

  /** A queue that went to another member has the position that member gives it, and is not paused when it comes back. */
  #forget(wireTopic: string, wanted: ReadonlyMap<string, boolean>): void {
    for (const keys of [this.#moves, this.#pausedQueues]) {
      for (const key of [...keys.keys()]) {
        if (key.startsWith(`${wireTopic}\n`) && !wanted.has(key)) keys.delete(key);
      }
    }
  }

  async #giveBack(lost: readonly Held[], why: LossReason): Promise<void> {
    if (lost.length === 0) return;
    for (const held of lost) this.#drop(held, why);
    await this.#persist(lost.map(({ consumed }) => consumed));
    for (const { consumed } of lost) this.#services.offsetStore.remove(consumed.queue);
    await this.#services.ownership?.released(lost.map(({ consumed }) => consumed.queue));
  }

  /** Those that can be given back now. */
  async #leavable(unwanted: readonly Held[]): Promise<readonly Held[]> {
    const { ownership } = this.#services;
    if (ownership === undefined) return unwanted;
    const ready = await Promise.all(unwanted.map(({ consumed }) => ownership.prepareToLeave(consumed)));
    return unwanted.filter((_held, index) => ready[index]);
  }

  /** A store of an application's own may break its promise never to fail. Offsets of what is popped are its brokers'. */
  async #persist(all: readonly ConsumedQueue[], offset?: number): Promise<void> {
    const { offsetStore, ownership, logger, group } = this.#services;
    const known = all.filter(({ queue, popped }) => !popped && ownership?.isDoubtful(queue) !== true);
    const own = offset === undefined && known.some((one) => this.#doubtful.has(one)) ? await this.#sure(known) : known;
    try {
      for (const { queue, processQueue } of own) offsetStore.update(queue, offset ?? processQueue.committableOffset);
      await offsetStore.persist(own.map(({ queue }) => queue));
    } catch (error) {
      logger.warn('the offset store failed; offsets are stored at the next turn', { group, error });
    }
  }

  /** Those that nobody else went on with, as far as it is known; what another member has had is read anew. */
  async #sure(all: readonly ConsumedQueue[]): Promise<readonly ConsumedQueue[]> {
    const verdicts = await Promise.all(all.map((consumed) => this.#doubtful.judge(consumed)));
    for (const [index, { queue }] of all.entries()) {
      if (verdicts[index] !== 'overtaken' || this.find(queue) !== all[index]) continue;
      this.forfeit(queue, 'overtaken');
      this.#services.onOvertaken();
    }
    return all.filter((_consumed, index) => verdicts[index] === 'sure');
  }

  #drop({ consumed, feed }: Held, why: LossReason): void {
    const { logger, events, group, onLost } = this.#services;
    this.#held.delete(queueKey(consumed.queue));
    feed.stop();
    consumed.drop();
    onLost(consumed, why);
    const unacknowledged = consumed.processQueue.count;
    logger[why === 'stalled' || why === 'offset illegal' ? 'warn' : 'info']('a queue is given back', {
      group,
      ...consumed.shown,
      why,
      unacknowledged,
    });
    if (events.observed) events.emit({ type: 'queueLost', queue: consumed.shown, unacknowledged, why });
  }
}
