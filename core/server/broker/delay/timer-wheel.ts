import { TIMER_TOPIC } from '../../../message/system-topics.js';
import { type DelaySource, type DueBatch, type Moment, NO_RECALLS } from './delay-source.js';
import { Retries } from './retries.js';
import { TimerEpoch } from './timer-epoch.js';

/** Smaller differences between the clocks are their grain. */
const JUMP_MS_MIN = 250;
/** A clock set back by less is being corrected, and timers go by it; by more, nothing should wait that much longer. */
const CORRECTION_MS_MAX = 60_000;
/** Stands for "none waits" among seconds. */
const NONE_MS = Number.MAX_SAFE_INTEGER;

/** Whether the entry of a timers' queue holds an instant: hashes of tags are smaller, instants are not. */
export function isTimerCode(tagsCode: number): boolean {
  return Math.abs(tagsCode) >= 2 ** 31;
}

/** Which timers wait, in numbers that are few however many they are. */
export interface TimerProgress {
  /** All in front of it were seen; those behind it wait. */
  readonly queueOffset: number;
  /** Of those from `from` to `to` wait those whose second is `readMs` or later. */
  readonly epochs: readonly { readonly from: number; readonly to: number; readonly readMs: number }[];
  /** Queue offsets of others that wait, or that those that wait need. */
  readonly late: readonly number[];
}

/** Timers of one second that are being delivered: few, and few such at one time. */
interface TakenTimers {
  readonly epoch: TimerEpoch;
  readonly outMs: number;
  /** Offsets that are not settled. */
  readonly open: Set<number>;
}

/**
 * The timers that wait: queue offsets by second, eight bytes each. Derived from the timers' queue, whose entries tell the
 * second, and from {@link TimerProgress}, which tells which of them were delivered.
 *
 * A timer is due when the wall clock shows its second, also when that clock was set forward, or when so much time has passed
 * as was missing when it came, if the clock was set back.
 */
export class TimerWheel implements DelaySource {
  readonly topic = TIMER_TOPIC;
  readonly queueId = 0;
  readonly #epochs: TimerEpoch[];
  readonly #retries = new Retries();
  /** Taken and not settled yet. */
  readonly #inHand = new Set<TakenTimers>();
  /** Taken and put back. */
  readonly #putBack = new Map<number, TakenTimers>();
  readonly #late = new Set<number>();
  /** By second. */
  readonly #recalls = new Map<number, number[]>();
  /** The next offset of the queue. */
  #end: number;

  constructor(queueOffset: number, { wallMs, monotonicMs }: Moment) {
    this.#end = queueOffset;
    this.#epochs = [new TimerEpoch(queueOffset, wallMs - monotonicMs)];
  }

  /** Whether some of a second is delivered and some is not, or is being delivered. */
  get isMidway(): boolean {
    return this.#inHand.size > 0 || this.#putBack.size > 0 || this.#epochs.some((epoch) => epoch.isMidway);
  }

  get isRestoring(): boolean {
    return this.#epochs.length > 1;
  }

  /** An epoch of {@link TimerProgress}, in front of the present one; the oldest is restored first. */
  restore(range: { readonly from: number; readonly to: number; readonly readMs: number }, wallAtZeroMs: number) {
    const epoch = new TimerEpoch(range.from, wallAtZeroMs, range.readMs - 1);
    epoch.to = range.to;
    this.#epochs.splice(-1, 0, epoch);
    return epoch;
  }

  /** A timer was stored: `tagsCode` is its second, negative for one that takes another back. */
  add(offset: number, tagsCode: number, epoch = this.#present): void {
    this.#end = Math.max(this.#end, offset + 1);
    const outMs = Math.abs(tagsCode);
    if (tagsCode >= 0) {
      if (!epoch.add(outMs, offset)) this.#late.add(offset);
      return;
    }
    const recalls = this.#recalls.get(outMs);
    if (recalls === undefined) this.#recalls.set(outMs, [offset]);
    else recalls.push(offset);
    epoch.visit(outMs);
  }

  /** One that another one, which came later, stands for. */
  remove(offset: number, outMs: number): void {
    for (const epoch of this.#epochs) epoch.remove(outMs, offset);
  }

  /** The first second of which a timer is not delivered; Infinity when none waits. Recalls do not count. */
  get firstMs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const epoch of this.#epochs) first = Math.min(first, epoch.firstMs ?? first);
    for (const [, { outMs }] of this.#taken()) first = Math.min(first, outMs);
    return first;
  }

  get offset(): number {
    let first = this.#end;
    for (const epoch of this.#epochs) first = Math.min(first, epoch.firstOffset);
    for (const [offset] of this.#taken()) first = Math.min(first, offset);
    return first;
  }

  dueInMs(moment: Moment): number {
    this.#follow(moment);
    let dueMs = this.#retries.dueInMs(moment.monotonicMs);
    for (const epoch of this.#epochs) dueMs = Math.min(dueMs, epoch.dueInMs(moment.monotonicMs));
    return dueMs;
  }

  take(moment: Moment, messagesMax: number): DueBatch | undefined {
    this.#follow(moment);
    const again = this.#retries.take(moment.monotonicMs, messagesMax);
    if (again !== undefined) return again;
    this.#prune();
    const epoch = this.#epochs.find((each) => each.dueInMs(moment.monotonicMs) <= 0);
    if (epoch === undefined) return undefined;
    const { outMs, offsets, done } = epoch.take(messagesMax);
    if (offsets.length > 0) this.#inHand.add({ epoch, outMs, open: new Set(offsets) });
    const recalls = this.#recalls.get(outMs) ?? NO_RECALLS;
    if (done) this.#forgetRecalls(outMs, recalls);
    return { offsets, recalls };
  }

  settle(offset: number): void {
    this.#release(offset);
    this.#putBack.delete(offset);
    if (this.#late.size > 0) this.#late.delete(offset);
  }

  putBack(offset: number, atMonotonicMs: number, recalls: readonly number[]): void {
    const taken = this.#release(offset);
    if (taken !== undefined) this.#putBack.set(offset, taken);
    this.#retries.add(offset, atMonotonicMs, recalls);
  }

  get progress(): TimerProgress {
    const readMs = new Map(this.#epochs.map((epoch) => [epoch, epoch.readMs ?? NONE_MS]));
    for (const [offset, { epoch, outMs }] of this.#taken()) {
      if (!this.#late.has(offset)) readMs.set(epoch, Math.min(readMs.get(epoch) ?? outMs, outMs));
    }
    const epochs = this.#epochs.map((epoch) => ({
      from: epoch.from,
      to: epoch.to ?? this.#end,
      readMs: readMs.get(epoch) ?? NONE_MS,
    }));
    return {
      queueOffset: this.#end,
      epochs: epochs.filter(({ from, to, readMs }) => from < to && (readMs < NONE_MS || this.#late.size > 0)),
      late: [...this.#late],
    };
  }

  /** All that wait, recalls among them with a negative second, in no order. */
  *waiting(): IterableIterator<readonly [outMs: number, offset: number]> {
    for (const epoch of this.#epochs) yield* epoch.waiting();
    for (const [offset, { outMs }] of this.#taken()) yield [outMs, offset];
    for (const [outMs, offsets] of this.#recalls) for (const offset of offsets) yield [-outMs, offset];
  }

  /** All that are taken and not settled, those that are tried again too. */
  *#taken(): IterableIterator<readonly [offset: number, taken: TakenTimers]> {
    for (const taken of this.#inHand) for (const offset of taken.open) yield [offset, taken];
    yield* this.#putBack;
  }

  /** Takes it out of what is in hand; undefined when it is not there. */
  #release(offset: number): TakenTimers | undefined {
    for (const taken of this.#inHand) {
      if (!taken.open.delete(offset)) continue;
      if (taken.open.size === 0) this.#inHand.delete(taken);
      return taken;
    }
    return undefined;
  }

  get #present(): TimerEpoch {
    return this.#epochs[this.#epochs.length - 1]!;
  }

  /** Goes along with the wall clock, or against it. */
  #follow({ wallMs, monotonicMs }: Moment): void {
    const present = this.#present;
    const wallAtZeroMs = wallMs - monotonicMs;
    const jumpMs = wallAtZeroMs - present.wallAtZeroMs;
    if (Math.abs(jumpMs) < JUMP_MS_MIN) return;
    if (jumpMs > 0) {
      for (const epoch of this.#epochs) epoch.wallAtZeroMs = Math.max(epoch.wallAtZeroMs, wallAtZeroMs);
    } else if (-jumpMs <= CORRECTION_MS_MAX) present.wallAtZeroMs = wallAtZeroMs;
    else {
      present.to = this.#end;
      this.#epochs.push(new TimerEpoch(this.#end, wallAtZeroMs));
    }
  }

  /** Forgets epochs of which nothing waits any more. */
  #prune(): void {
    if (this.#epochs.length === 1) return;
    const isWorthKeeping = (epoch: TimerEpoch): boolean =>
      epoch === this.#present || epoch.firstMs !== undefined || this.#isTakenFrom(epoch);
    this.#epochs.splice(0, this.#epochs.length, ...this.#epochs.filter(isWorthKeeping));
  }

  /** The message that is taken back may be of another epoch, whose turn comes later. */
  #forgetRecalls(outMs: number, recalls: readonly number[]): void {
    const isNeeded = this.#epochs.some((epoch) => epoch.has(outMs));
    for (const offset of recalls) {
      if (isNeeded) this.#late.add(offset);
      else this.#late.delete(offset);
    }
    if (!isNeeded) this.#recalls.delete(outMs);
  }

  #isTakenFrom(epoch: TimerEpoch): boolean {
    for (const [, taken] of this.#taken()) if (taken.epoch === epoch) return true;
    return false;
  }
}
