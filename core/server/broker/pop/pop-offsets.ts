import { inject, injectable } from 'inversify';
import { RETRY_TOPIC_PREFIX, TIMER_TOPIC } from '../../../message/system-topics.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { MessageStore } from '../message-store.js';
import { recoverPops } from './recover-pops.js';
import { REVIVE_GROUP, ReviveLog } from './revive-log.js';

/** Timers of others are passed over this often, so that a start need not look at them. */
const MARK_PERIOD_MS = 10_000;

/** Where a group begins in a queue that it never consumed (initMode). Matches Apache's ConsumeInitMode. */
export const InitMode = { MIN: 0, MAX: 1 } as const;

/** What a group pops from a queue, and up to where checkpoints protect it. */
export interface PopQueue {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  /** The first offset that was not popped. */
  next: number;
  /** What the table of offsets holds, as far as pops put it there. */
  committed: number | undefined;
  /** Set while the disk is read. */
  reading: Promise<void> | undefined;
  /** Checkpoints on their way into the store. */
  storing: number;
  /** Counts what sets `next` from outside: a checkpoint of before says nothing any more. */
  epoch: number;
  /** Whether an operator set the group's offset, until somebody asks. */
  isReset: boolean;
  /** Its topic was deleted: who still holds it says nothing about the group any more. */
  isForgotten: boolean;
}

/**
 * From where on each group pops. The group's offset follows when the checkpoint is stored: from then on it is the checkpoint
 * that protects a message. Matches what Apache's PopBufferMergeService does with offsets.
 *
 * Offsets are saved from time to time. What was popped since is known from the checkpoints: with the offsets goes a mark
 * among the timers, and a start takes in the checkpoints behind it.
 */
@injectable()
export class PopOffsets implements BrokerService {
  readonly #offsets: ConsumerOffsetManager;
  readonly #store: MessageStore;
  readonly #reviveLog: ReviveLog;
  readonly #logger: Logger;
  readonly #scheduler: Scheduler;
  readonly #queues = new Map<string, PopQueue>();
  #storing = 0;

  constructor(
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(MessageStore) store: MessageStore,
    @inject(ReviveLog) reviveLog: ReviveLog,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#offsets = offsets;
    this.#store = store;
    this.#reviveLog = reviveLog;
    this.#logger = logger;
    this.#scheduler = new Scheduler(clock, logger);
  }

  async load(): Promise<void> {
    const { topic: reviveTopic } = this.#reviveLog;
    await recoverPops({ store: this.#store, offsets: this.#offsets, reviveTopic, logger: this.#logger });
    this.#markTo(this.#store.maxOffset(TIMER_TOPIC, 0));
  }

  start(): void {
    this.#scheduler.every('broker: mark the last checkpoint', { periodMs: MARK_PERIOD_MS }, () => this.#mark());
  }

  async close(): Promise<void> {
    await this.#scheduler.close();
    this.#mark();
  }

  /** The queue, with `next` where an operator set the group's offset, or where the group begins. */
  queue(group: string, topic: string, queueId: number, initMode: number): PopQueue {
    const key = keyOf(topic, group, queueId);
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = {
        group,
        topic,
        queueId,
        next: 0,
        committed: undefined,
        reading: undefined,
        storing: 0,
        epoch: 0,
        isReset: false,
        isForgotten: false,
      };
      this.#queues.set(key, queue);
    }
    const committed = this.#offsets.query(group, topic, queueId);
    if (committed === undefined || committed < 0) this.moveTo(queue, this.#first(topic, queueId, initMode));
    else if (committed !== queue.committed) {
      queue.isReset = queue.committed !== undefined;
      queue.next = committed;
      queue.committed = committed;
      queue.epoch++;
    }
    return queue;
  }

  /** A topic was deleted. */
  forgetTopic(topic: string): void {
    for (const [key, queue] of [...this.#queues]) {
      if (queue.topic !== topic) continue;
      queue.isForgotten = true;
      this.#queues.delete(key);
    }
  }

  /** Whether a group pops from a queue, as far as this process saw. */
  isPopped(group: string, topic: string, queueId: number): boolean {
    return this.#queues.has(keyOf(topic, group, queueId));
  }

  /** Whether an operator set the group's offset since this was asked last. */
  wasReset(queue: PopQueue): boolean {
    const { isReset } = queue;
    queue.isReset = false;
    return isReset;
  }

  /** Messages that a group has not popped, without beginning to consume. */
  countOf(group: string, topic: string, queueId: number): number {
    const committed = this.#offsets.query(group, topic, queueId);
    const known = this.#queues.get(keyOf(topic, group, queueId));
    const next = known !== undefined && known.committed === committed ? known.next : committed;
    return this.#store.maxOffset(topic, queueId) - (next ?? this.#store.minOffset(topic, queueId));
  }

  /** Goes on from an offset, whatever was popped. */
  moveTo(queue: PopQueue, offset: number): void {
    queue.next = offset;
    queue.epoch++;
    this.#commit(queue, offset);
  }

  /** A group that pops in order is done with all in front of `offset`. */
  commitOrdered(group: string, topic: string, queueId: number, offset: number): void {
    const queue = this.#queues.get(keyOf(topic, group, queueId));
    if (queue === undefined) this.#offsets.commitRecorded(group, topic, queueId, offset);
    else this.moveTo(queue, offset);
  }

  /** Where a group stands; undefined where it never consumed. */
  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.#offsets.query(group, topic, queueId);
  }

  /** Nothing of interest lies in front of `next`. */
  skipTo(queue: PopQueue, next: number): void {
    queue.next = next;
    if (queue.storing === 0) this.#commit(queue, next);
  }

  /**
   * Messages up to `next` are handed out with a checkpoint. What is returned is to be told where among the timers it was
   * stored, or undefined.
   */
  take(queue: PopQueue, next: number): (timerOffset: number | undefined) => void {
    const { next: start, epoch } = queue;
    queue.next = next;
    queue.storing++;
    this.#storing++;
    return (timerOffset) => {
      queue.storing--;
      this.#storing--;
      if (timerOffset !== undefined) this.#markTo(timerOffset + 1);
      if (epoch !== queue.epoch) return;
      if (timerOffset !== undefined) this.#commit(queue, queue.storing === 0 ? queue.next : next);
      else this.moveTo(queue, start);
    };
  }

  #commit(queue: PopQueue, offset: number): void {
    if (queue.isForgotten) return;
    queue.committed = offset;
    this.#offsets.commitRecorded(queue.group, queue.topic, queue.queueId, offset);
  }

  #mark(): void {
    if (this.#storing === 0) this.#markTo(this.#store.maxOffset(TIMER_TOPIC, 0));
  }

  /** There is a mark since the first pop of the directory. */
  #markTo(timerOffset: number): void {
    const mark = this.#offsets.query(REVIVE_GROUP, TIMER_TOPIC, 0);
    if (mark !== undefined && mark !== timerOffset) {
      this.#offsets.commitRecorded(REVIVE_GROUP, TIMER_TOPIC, 0, timerOffset);
    }
  }

  /** A group that begins at the end gets the last message, and of a young queue all. Matches getInitOffset. */
  #first(topic: string, queueId: number, initMode: number): number {
    const minOffset = this.#store.minOffset(topic, queueId);
    if (initMode === InitMode.MIN || topic.startsWith(RETRY_TOPIC_PREFIX)) return minOffset;
    if (minOffset <= 0 && !this.#store.isCold(topic, queueId, 0)) return 0;
    return Math.max(0, this.#store.maxOffset(topic, queueId) - 1);
  }
}

function keyOf(topic: string, group: string, queueId: number): string {
  return `${topic}\0${group}\0${queueId}`;
}
