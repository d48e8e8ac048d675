import { inject, injectable } from 'inversify';
import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import type { DelayOffsetTable } from '../../../remoting/protocol/delay-offset-table.js';
import { Clock, type Timer } from '../../../runtime/clock.js';
import { setImmediate, setTimeout } from '../../../runtime/event-loop.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { MessageStore, type WaitingTimer } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { DelayProgressFile } from './delay-progress-file.js';
import type { DelaySource, Moment } from './delay-source.js';
import { DelayedDelivery } from './delayed-delivery.js';
import { LevelQueue } from './level-queue.js';
import { loadTimers } from './load-timers.js';
import { TimerWheel } from './timer-wheel.js';

/**
 * Where very many are due at once, a few are delivered, the event loop has a turn for everybody else, a few more are, and
 * after so many it has a pause: nobody waits longer than a few take, a fifth of a millisecond, and most of the thread is
 * free. Where pauses turn out longer because much else is to do, more are delivered between them, so that the rate is kept.
 */
const MESSAGES_PER_TURN = 25;
const PAUSE_MS = 1;
const MESSAGES_PER_MS = 50;
const MESSAGES_PER_PAUSE_MAX = 192;
/** A clock that jumps is noticed after this long at the latest. */
const LOOK_MS_MAX = 1_000;
/** So much log may come behind the last notes, for the next start to read after a kill, while something waits. */
const UNNOTED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Delivers messages that waited: those of the delay levels and the timers. Matches Apache's ScheduleMessageService and
 * TimerMessageStore in what they store.
 *
 * What was delivered is known from the log: notes of the progress are only a place to begin from. They are written when what
 * they tell of is on the disk.
 */
@injectable()
export class DelayService implements BrokerService {
  readonly #store: MessageStore;
  readonly #settings: BrokerSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #file: DelayProgressFile;
  readonly #scheduler: Scheduler;
  readonly #levels: LevelQueue[] = [];
  #loadedOffsets: DelayOffsetTable = new Map();
  #wheel = new TimerWheel(0, { wallMs: 0, monotonicMs: 0 });
  /** What the log shows to be delivered already, until it would have been due. */
  readonly #delivered = new Set<number>();
  readonly #delivery: DelayedDelivery;
  #sources: readonly DelaySource[] = [];
  #timer: Timer | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isStarted = false;
  #isClosed = false;
  #isUnsaved = false;
  /** What was delivered and is not in the notes has its record behind it. */
  #scanFrom = 0;
  #notedFrom = 0;

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
    this.#file = new DelayProgressFile(store, logger);
    this.#scheduler = new Scheduler(clock, logger);
    this.#delivery = new DelayedDelivery({ store, settings, clock, logger, delivered: this.#delivered });
  }

  /**
   * Level to the queue offset of its first message that is not delivered, for levels that have been used; also for those that
   * there are none of now, which an operator may make again.
   */
  get offsets(): DelayOffsetTable {
    const used = this.#levels.filter(({ topic, queueId }) => this.#store.maxOffset(topic, queueId) > 0);
    const formerly = [...this.#loadedOffsets].filter(([level]) => level > this.#levels.length);
    return new Map([...used.map(({ level, offset }): [number, number] => [level, offset]), ...formerly]);
  }

  /** Timers for an instant before it have been delivered, milliseconds since 1970; Infinity when none waits. */
  get firstTimerMs(): number {
    return this.#wheel.firstMs;
  }

  async load(): Promise<void> {
    const store = this.#store;
    const { offsets, ours } = await this.#file.load();
    this.#loadedOffsets = offsets;
    const loaded = this.#moment();
    for (const [index, delayMs] of this.#settings.delayLevelsMs.entries()) {
      const level = index + 1;
      this.#levels.push(new LevelQueue({ store, level, delayMs, offset: offsets.get(level) ?? 0, loaded }));
    }
    const delayMsMax = this.#settings.timerMaxDelaySec * 1_000;
    const { wheel, firstCommitLogOffset } = await loadTimers(store, ours?.timers, loaded, delayMsMax);
    this.#wheel = wheel;
    const first = this.#levels.reduce(
      (least, level) => Math.min(least, level.first?.commitLogOffset ?? least),
      firstCommitLogOffset ?? Number.POSITIVE_INFINITY,
    );
    // What stands for another one lies behind it.
    if (ours !== undefined && first < Number.POSITIVE_INFINITY) {
      await store.scan(Math.max(ours.scanFrom, first), (record) => {
        if (standsForAnother(record)) this.#delivered.add(record.preparedTransactionOffset);
      });
    }
    this.#scanFrom = ours?.scanFrom ?? store.statistics.commitLogMaxOffset;
    this.#notedFrom = this.#scanFrom;
    this.#sources = [...this.#levels, wheel];
    store.keep(() => this.#neededFrom());
    store.onArrival((topic, queueId, queueOffset, tagsCode) => this.#arrived(topic, queueId, queueOffset, tagsCode));
  }

  start(): void {
    this.#isStarted = true;
    const periodMs = this.#settings.flushDelayOffsetInterval;
    this.#scheduler.every('broker: save delay offsets', { periodMs }, () => this.#saveWhereDue());
    this.#wake(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
    await this.#scheduler.close();
    if (!this.#isStarted) return;
    const hasTimers = this.#store.maxOffset(TIMER_TOPIC, 0) > 0;
    if (this.#isUnsaved || hasTimers) await this.#save();
    // Without notes of ours the next start would go by these files, which tell less.
    if (hasTimers && !this.#isUnsaved) await this.#leaveTimers();
  }

  #arrived(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    const isTimer = topic === TIMER_TOPIC;
    if (!isTimer && topic !== SystemTopic.SCHEDULE) return;
    const moment = this.#moment();
    this.#isUnsaved = true;
    let source: DelaySource | undefined = this.#levels[queueId];
    if (isTimer) {
      source = this.#wheel;
      // A client may send there what is no timer.
      if (Math.abs(tagsCode) < 2 ** 31) return;
      this.#wheel.add(queueOffset, tagsCode);
    } else this.#levels[queueId]?.arrived(queueOffset, moment.monotonicMs);
    if (source !== undefined && this.#running === undefined) this.#wake(source.dueInMs(moment), moment);
  }

  /** Looks in so long, unless it looks sooner anyway. */
  #wake(inMs: number, { monotonicMs } = this.#moment()): void {
    if (!this.#isStarted || this.#isClosed || inMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(Math.max(Math.ceil(inMs), 0), LOOK_MS_MAX);
    if (monotonicMs + delayMs >= this.#wakeAtMs) return;
    this.#timer?.cancel();
    this.#wakeAtMs = monotonicMs + delayMs;
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#running = this.#look();
    });
  }

  /** Delivers what is due, and sees to it that it looks again. Never rejects. */
  async #look(): Promise<void> {
    let inMs = LOOK_MS_MAX;
    try {
      await this.#deliverDue();
      const moment = this.#moment();
      // A store that takes nothing would have all that is due read and put back again and again.
      if (this.#store.refusal === undefined) inMs = Math.min(...this.#sources.map((source) => source.dueInMs(moment)));
    } catch (error) {
      this.#logger.error('it cannot be read which messages are due', { error });
    }
    this.#running = undefined;
    this.#wake(inMs);
  }

  /** A few at a time, the sources in turn, and everybody else between. */
  async #deliverDue(): Promise<void> {
    let pausedMs = this.#clock.monotonic();
    let left = messagesUntilPause(0);
    for (let isMore = true; isMore; ) {
      isMore = false;
      for (const source of this.#sources) {
        if (this.#isClosed || this.#store.refusal !== undefined) return;
        const moment = this.#moment();
        if (source.dueInMs(moment) > 0) continue;
        this.#moveScan();
        const batch = source.take(moment, Math.min(left, MESSAGES_PER_TURN));
        if (batch === undefined) continue;
        await this.#delivery.deliver(source, batch);
        this.#isUnsaved = true;
        isMore = true;
        left -= batch.offsets.length;
        if (left > 0) await nextTurn();
        else {
          await pause();
          const nowMs = this.#clock.monotonic();
          left = messagesUntilPause(nowMs - pausedMs);
          pausedMs = nowMs;
        }
      }
    }
  }

  /** Where nothing is delivered in part, the notes tell all that the log up to here does. */
  #moveScan(): void {
    if (this.#sources.some((source) => source.isMidway)) return;
    if (this.#delivered.size > 0) {
      if (this.#sources.some((source) => source.isRestoring)) return;
      this.#delivered.clear();
    }
    this.#scanFrom = this.#store.statistics.commitLogMaxOffset;
  }

  /** Where the first record that waits begins. */
  #neededFrom(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { topic, queueId, offset } of this.#sources) {
      const [entry] = this.#store.entries(topic, queueId, offset, 1).entries;
      if (entry !== undefined) first = Math.min(first, entry.commitLogOffset);
    }
    return first;
  }

  async #saveWhereDue(): Promise<void> {
    const { commitLogMaxOffset } = this.#store.statistics;
    const isWaiting = this.#sources.some((source) => source.dueInMs(this.#moment()) < Number.POSITIVE_INFINITY);
    if (this.#isUnsaved || (isWaiting && commitLogMaxOffset - this.#notedFrom > UNNOTED_BYTES_MAX)) await this.#save();
  }

  async #save(): Promise<void> {
    this.#isUnsaved = false;
    this.#moveScan();
    const ours = { scanFrom: this.#scanFrom, timers: this.#wheel.progress };
    const progress = { offsets: this.offsets, ours };
    try {
      // Notes of what a power failure takes back would be the loss of a message.
      await this.#store.sync();
      await this.#file.save(progress);
      this.#notedFrom = ours.scanFrom;
    } catch (error) {
      this.#isUnsaved = true;
      this.#logger.error('the progress of delayed messages could not be noted', { error });
    }
  }

  /** For an Apache broker that is started on this directory next. */
  async #leaveTimers(): Promise<void> {
    const store = this.#store;
    const end = store.maxOffset(TIMER_TOPIC, 0);
    const timer = (queueOffset: number, outMs: number): WaitingTimer | undefined => {
      const { offset, entries } = store.entries(TIMER_TOPIC, 0, queueOffset, 1);
      const [entry] = entries;
      if (entry === undefined || offset !== queueOffset) return undefined;
      const { commitLogOffset, sizeBytes } = entry;
      return { queueOffset, commitLogOffset, sizeBytes, outMs: Math.abs(outMs), isRecall: outMs < 0 };
    };
    try {
      const last = timer(end - 1, 0);
      if (last === undefined) return;
      const waiting = [...this.#wheel.waiting()].sort(([, one], [, other]) => one - other);
      const timers = waiting.map(([outMs, offset]) => timer(offset, outMs)).filter((each) => each !== undefined);
      await store.writeTimers({ timers, last, nowMs: this.#clock.now() });
    } catch (error) {
      this.#logger.error('the timers could not be left for an Apache broker', { error });
    }
  }

  #moment(): Moment {
    return { wallMs: this.#clock.now(), monotonicMs: this.#clock.monotonic() };
  }
}

function standsForAnother({ topic, preparedTransactionOffset, properties }: StoredRecord): boolean {
  if (preparedTransactionOffset <= 0 || topic === SystemTopic.SCHEDULE || topic === TIMER_TOPIC) return false;
  const text = properties.toString();
  return [PropertyName.DELAY, PropertyName.TIMER_OUT_MS].some((name) => findProperty(text, name) !== undefined);
}

/** @param sinceLastMs between the last two pauses */
function messagesUntilPause(sinceLastMs: number): number {
  return Math.min(MESSAGES_PER_PAUSE_MAX, Math.ceil(Math.max(PAUSE_MS, sinceLastMs) * MESSAGES_PER_MS));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Not by the clock that tells what is due, which need not run: this is about the thread. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
