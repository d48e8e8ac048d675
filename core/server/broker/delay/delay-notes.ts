import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import type { DelayOffsetTable } from '../../../remoting/protocol/delay-offset-table.js';
import type { Logger } from '../../../runtime/logger.js';
import type { MessageStore } from '../message-store.js';
import { type DelayProgress, DelayProgressFile } from './delay-progress-file.js';
import type { DelaySource } from './delay-source.js';
import type { TimerProgress } from './timer-wheel.js';

/** So much log may come behind the last notes, for the next start to read after a kill, while something waits. */
const UNNOTED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * How far delayed messages have come: what the log tells, and notes of where in it to begin. They are written when what they tell
 * of is on the disk.
 */
export class DelayNotes {
  /** What the log shows to be delivered already, until it would have been due: see `originOf`. */
  readonly delivered = new Set<number>();
  readonly #store: MessageStore;
  readonly #logger: Logger;
  readonly #file: DelayProgressFile;
  /** What was delivered and is not in the notes has its record behind it. */
  #scanFrom = 0;
  /** The same of the notes on the disk. */
  #notedFrom = 0;
  #areOutdated = false;

  constructor(store: MessageStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
    this.#file = new DelayProgressFile(store, logger);
  }

  async load(): Promise<DelayProgress> {
    const progress = await this.#file.load();
    // Where an Apache broker went on, its log does not tell what it delivered.
    this.#scanFrom = progress.ours?.scanFrom ?? this.#store.statistics.commitLogMaxOffset;
    this.#notedFrom = this.#scanFrom;
    return progress;
  }

  /** Reads what was delivered behind the notes. The first record that waits begins at `first`, what stands for it lies behind it. */
  async readDelivered(first: number): Promise<void> {
    if (first === Number.POSITIVE_INFINITY) return;
    await this.#store.scan(Math.max(this.#scanFrom, first), (record) => {
      if (standsForAnother(record)) this.delivered.add(record.preparedTransactionOffset);
    });
  }

  /** Something came or was delivered. */
  outdated(): void {
    this.#areOutdated = true;
  }

  get areOutdated(): boolean {
    return this.#areOutdated;
  }

  /** Whether a start after a kill would have much to read. */
  get areFarBehind(): boolean {
    return this.#store.statistics.commitLogMaxOffset - this.#notedFrom > UNNOTED_BYTES_MAX;
  }

  /** Where nothing is delivered in part, the notes tell all that the log up to here does. */
  follow(sources: readonly DelaySource[]): void {
    if (sources.some((source) => source.isMidway)) return;
    if (this.delivered.size > 0) {
      if (sources.some((source) => source.isRestoring)) return;
      this.delivered.clear();
    }
    this.#scanFrom = this.#store.statistics.commitLogMaxOffset;
  }

  /** Writes them down. Never rejects: what fails is logged, and they stay outdated. */
  async save(offsets: DelayOffsetTable, timers: TimerProgress): Promise<void> {
    this.#areOutdated = false;
    const ours = { scanFrom: this.#scanFrom, timers };
    try {
      // Notes of what a power failure takes back would be the loss of a message.
      await this.#store.sync();
      await this.#file.save({ offsets, ours });
      this.#notedFrom = ours.scanFrom;
    } catch (error) {
      this.#areOutdated = true;
      this.#logger.error('the progress of delayed messages could not be noted', { error });
    }
  }
}

function standsForAnother({ topic, preparedTransactionOffset, properties }: StoredRecord): boolean {
  if (preparedTransactionOffset <= 0 || topic === SystemTopic.SCHEDULE || topic === TIMER_TOPIC) return false;
  const text = properties.toString();
  return [PropertyName.DELAY, PropertyName.TIMER_OUT_MS].some((name) => findProperty(text, name) !== undefined);
}
