import { inject, injectable } from 'inversify';
import { SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import type { DelayOffsetTable } from '../../../remoting/protocol/delay-offset-table.js';
import { Clock, type Timer } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { DelayNotes } from './delay-notes.js';
import type { DelaySource, Moment } from './delay-source.js';
import { DelayedDelivery } from './delayed-delivery.js';
import { DeliveryPace } from './delivery-pace.js';
import { leaveTimers } from './leave-timers.js';
import { LevelQueue } from './level-queue.js';
import { loadTimers } from './load-timers.js';
import { isTimerCode, TimerWheel } from './timer-wheel.js';

/** A clock that jumps is noticed after this long at the latest. */
const LOOK_MS_MAX = 1_000;

/**
 * Delivers messages that waited: those of the delay levels and the timers. Matches Apache's ScheduleMessageService and
 * TimerMessageStore in what they store.
 */
@injectable()
export class DelayService implements BrokerService {
  readonly #store: MessageStore;
  readonly #settings: BrokerSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #notes: DelayNotes;
  readonly #scheduler: Scheduler;
  readonly #levels: LevelQueue[] = [];
  #loadedOffsets: DelayOffsetTable = new Map();
  #wheel = new TimerWheel(0, { wallMs: 0, monotonicMs: 0 });
  readonly #delivery: DelayedDelivery;
  #sources: readonly DelaySource[] = [];
  #timer: Timer | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isStarted = false;
  #isClosed = false;

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
    this.#notes = new DelayNotes(store, logger);
    this.#scheduler = new Scheduler(clock, logger);
    this.#delivery = new DelayedDelivery({ store, settings, clock, logger, delivered: this.#notes.delivered });
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
    const { offsets, ours } = await this.#notes.load();
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
    await this.#notes.readDelivered(first);
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
    if (this.#notes.areOutdated || hasTimers) await this.#save();
    // Without notes of ours the next start would go by these files, which tell less.
    if (hasTimers && !this.#notes.areOutdated) await this.#leaveTimers();
  }

  #arrived(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    const isTimer = topic === TIMER_TOPIC;
    if (!isTimer && topic !== SystemTopic.SCHEDULE) return;
    this.#notes.outdated();
    const level = isTimer ? undefined : this.#levels[queueId];
    // A client may send there what is no timer.
    if (isTimer ? !isTimerCode(tagsCode) : level === undefined) return;
    const moment = this.#moment();
    if (level === undefined) this.#wheel.add(queueOffset, tagsCode);
    else level.arrived(queueOffset, moment.monotonicMs);
    if (this.#running === undefined) this.#wake((level ?? this.#wheel).dueInMs(moment), moment);
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
    const pace = new DeliveryPace(this.#clock);
    for (let isMore = true; isMore; ) {
      isMore = false;
      for (const source of this.#sources) {
        if (this.#isClosed || this.#store.refusal !== undefined) return;
        const moment = this.#moment();
        if (source.dueInMs(moment) > 0) continue;
        this.#notes.follow(this.#sources);
        const batch = source.take(moment, pace.messagesMax);
        if (batch === undefined) continue;
        await this.#delivery.deliver(source, batch);
        this.#notes.outdated();
        isMore = true;
        await pace.delivered(batch.offsets.length);
      }
    }
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
    const isWaiting = this.#sources.some((source) => source.dueInMs(this.#moment()) < Number.POSITIVE_INFINITY);
    if (this.#notes.areOutdated || (isWaiting && this.#notes.areFarBehind)) await this.#save();
  }

  async #save(): Promise<void> {
    this.#notes.follow(this.#sources);
    await this.#notes.save(this.offsets, this.#wheel.progress);
  }

  async #leaveTimers(): Promise<void> {
    try {
      await leaveTimers(this.#store, this.#wheel, this.#clock.now());
    } catch (error) {
      this.#logger.error('the timers could not be left for an Apache broker', { error });
    }
  }

  #moment(): Moment {
    return { wallMs: this.#clock.now(), monotonicMs: this.#clock.monotonic() };
  }
}
