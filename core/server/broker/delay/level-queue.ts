import { SystemTopic } from '../../../message/system-topics.js';
import type { MessageStore, QueueEntry } from '../message-store.js';
import { type DelaySource, type DueBatch, type Moment, NO_RECALLS } from './delay-source.js';
import { Retries } from './retries.js';

/** How finely arrivals are remembered. It matters only where the wall clock was set back. */
const MARK_MS = 1_000;

/** Messages from an offset on arrived before this time. */
interface ArrivalMark {
  readonly offset: number;
  readonly beforeMonotonicMs: number;
}

export interface LevelQueueParts {
  readonly store: Pick<MessageStore, 'entries' | 'maxOffset'>;
  /** From 1. */
  readonly level: number;
  readonly delayMs: number;
  /** The first queue offset that is not delivered. */
  readonly offset: number;
  readonly loaded: Moment;
}

/**
 * The queue of one delay level. All of its messages wait equally long, so that they are due in queue order.
 *
 * A message is due when the wall clock says so or when its delay has passed since it came, whichever is first: a clock that
 * is set forward, or a process that was suspended, makes due what waits, and one that is set back lets nothing wait
 * longer. For what came before this process the delay counts from its start at the latest.
 */
export class LevelQueue implements DelaySource {
  readonly topic = SystemTopic.SCHEDULE;
  readonly queueId: number;
  readonly level: number;
  readonly #parts: LevelQueueParts;
  readonly #loadedEnd: number;
  readonly #taken = new Set<number>();
  readonly #retries = new Retries();
  readonly #marks: ArrivalMark[] = [];
  /** The first offset that was not taken yet. */
  #next: number;
  #head: QueueEntry | undefined;

  constructor(parts: LevelQueueParts) {
    const { store, level } = parts;
    this.#parts = parts;
    this.level = level;
    this.queueId = level - 1;
    this.#loadedEnd = store.maxOffset(this.topic, this.queueId);
    this.#next = Math.min(parts.offset, this.#loadedEnd);
  }

  /** Queue offset of the first message that is not delivered: what delayOffset.json holds. */
  get offset(): number {
    let first = this.#next;
    for (const offset of this.#taken) first = Math.min(first, offset);
    return first;
  }

  get isMidway(): boolean {
    return this.#taken.size > 0;
  }

  get isRestoring(): boolean {
    return this.offset < this.#loadedEnd;
  }

  /** The first message that waits; undefined when none does. */
  get first(): QueueEntry | undefined {
    this.#head ??= this.#read(1).at(0);
    return this.#head;
  }

  arrived(offset: number, monotonicMs: number): void {
    const beforeMonotonicMs = (Math.floor(monotonicMs / MARK_MS) + 1) * MARK_MS;
    if (this.#marks.at(-1)?.beforeMonotonicMs !== beforeMonotonicMs) this.#marks.push({ offset, beforeMonotonicMs });
  }

  dueInMs(moment: Moment): number {
    const { first } = this;
    const headMs = first === undefined ? Number.POSITIVE_INFINITY : this.#waitMs(this.#next, first, moment);
    return Math.min(headMs, this.#retries.dueInMs(moment.monotonicMs));
  }

  take(moment: Moment, messagesMax: number): DueBatch | undefined {
    const again = this.#retries.take(moment.monotonicMs, messagesMax);
    if (again !== undefined) return again;
    if (this.dueInMs(moment) > 0) return undefined;
    const offsets: number[] = [];
    for (const entry of this.#read(messagesMax)) {
      if (this.#waitMs(this.#next, entry, moment) > 0) break;
      offsets.push(this.#next);
      this.#taken.add(this.#next);
      this.#next++;
    }
    this.#head = undefined;
    while ((this.#marks[1]?.offset ?? Number.POSITIVE_INFINITY) <= this.#next) this.#marks.shift();
    return offsets.length === 0 ? undefined : { offsets, recalls: NO_RECALLS };
  }

  settle(offset: number): void {
    this.#taken.delete(offset);
  }

  putBack(offset: number, atMonotonicMs: number, recalls: readonly number[]): void {
    this.#retries.add(offset, atMonotonicMs, recalls);
  }

  /** Entries from the next on. What retention removed is passed over. */
  #read(count: number): readonly QueueEntry[] {
    const { offset, entries } = this.#parts.store.entries(this.topic, this.queueId, this.#next, count);
    this.#next = Math.max(this.#next, offset);
    return entries;
  }

  #waitMs(offset: number, { tagsCode }: QueueEntry, { wallMs, monotonicMs }: Moment): number {
    return Math.min(tagsCode - wallMs, this.#dueMonotonicMs(offset, tagsCode) - monotonicMs);
  }

  #dueMonotonicMs(offset: number, tagsCode: number): number {
    const { loaded, delayMs } = this.#parts;
    if (offset < this.#loadedEnd) return loaded.monotonicMs + Math.min(tagsCode - loaded.wallMs, delayMs);
    let before = Number.POSITIVE_INFINITY;
    for (const mark of this.#marks) {
      if (mark.offset > offset) break;
      before = mark.beforeMonotonicMs;
    }
    return before + delayMs;
  }
}
