import type { Properties } from '../../../message/message.js';
import { readRecord } from '../../../message/message-record.js';
import { decodeProperties } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { TIMER_TOPIC } from '../../../message/system-topics.js';
import type { MessageStore, QueueEntry } from '../message-store.js';
import type { Moment } from './delay-source.js';
import { isTimerCode, type TimerProgress, TimerWheel } from './timer-wheel.js';
import { visitRecords } from './visit-records.js';

const ENTRIES_AT_ONCE = 4_096;

type Store = Pick<MessageStore, 'entries' | 'maxOffset' | 'readTimerCheck' | 'statistics' | 'visit'>;

export interface LoadedTimers {
  readonly wheel: TimerWheel;
  /** Where the record of the first one that waits begins; undefined when none does. */
  readonly firstCommitLogOffset: number | undefined;
}

/**
 * Fills the wheel from the timers' queue: with those that were not delivered, as our own notes say, or the check of an Apache
 * broker that came in between. Where the clock was set back meanwhile, behind what was stored, none waits longer than
 * `delayMsMax` from now; where it was not, each waits for its instant, also one that came when more was allowed.
 */
export async function loadTimers(
  store: Store,
  noted: TimerProgress | undefined,
  moment: Moment,
  delayMsMax: number,
): Promise<LoadedTimers> {
  const end = store.maxOffset(TIMER_TOPIC, 0);
  const progress = noted ?? progressOf(store);
  const wheel = new TimerWheel(end, moment);
  const late = new Set(progress.late);
  const rolls = new Map<string, readonly [offset: number, outMs: number]>();
  let firstCommitLogOffset: number | undefined;
  /** A clock that shows less was set back. */
  const shownMs = store.statistics.newestStoreTimestamp;
  const behind = { from: progress.queueOffset, to: end, readMs: Number.MIN_SAFE_INTEGER };
  for (const range of [...progress.epochs, behind]) {
    const epoch = wheel.restore(range, moment.wallMs - moment.monotonicMs);
    for await (const [queueOffset, entry] of entriesOf(store, range.from, Math.min(range.to, end))) {
      const timer = isTimerCode(entry.tagsCode) ? entry : await readTimer(store, queueOffset);
      const outMs = Math.abs(timer?.tagsCode ?? 0);
      if (timer === undefined || (outMs < range.readMs && !late.has(queueOffset))) continue;
      if ('key' in timer) {
        const before = rolls.get(timer.key);
        if (before !== undefined && timer.isRolled) wheel.remove(...before);
        rolls.set(timer.key, [queueOffset, outMs]);
      }
      wheel.add(queueOffset, timer.tagsCode, epoch);
      firstCommitLogOffset ??= entry.commitLogOffset;
      const wallMsMin = Math.min(outMs - delayMsMax, shownMs);
      epoch.wallAtZeroMs = Math.max(epoch.wallAtZeroMs, wallMsMin - moment.monotonicMs);
    }
  }
  return { wheel, firstCommitLogOffset };
}

function progressOf(store: Store): TimerProgress {
  const check = store.readTimerCheck();
  if (check === undefined) return { queueOffset: 0, epochs: [], late: [] };
  const { queueOffset, readTimeMs } = check;
  return { queueOffset, epochs: [{ from: 0, to: queueOffset, readMs: readTimeMs }], late: [] };
}

async function* entriesOf(store: Store, from: number, to: number): AsyncGenerator<readonly [number, QueueEntry]> {
  for (let offset = from; offset < to; ) {
    const read = store.entries(TIMER_TOPIC, 0, offset, Math.min(ENTRIES_AT_ONCE, to - offset));
    if (read.entries.length === 0) return;
    for (const [index, entry] of read.entries.entries()) {
      if (read.offset + index < to) yield [read.offset + index, entry];
    }
    offset = read.offset + read.entries.length;
  }
}

interface ApachesTimer {
  readonly tagsCode: number;
  /** The same for one that is far away and what Apache made of it when it put it in again half-way. */
  readonly key: string;
  readonly isRolled: boolean;
}

/** An Apache broker puts the hash of the tag into the entry: then the record has to tell. Undefined for what is no timer. */
async function readTimer(store: Store, queueOffset: number): Promise<ApachesTimer | undefined> {
  let properties: Properties | undefined;
  await visitRecords(store, { topic: TIMER_TOPIC, queueId: 0 }, [queueOffset], (_offset, bytes, position) => {
    properties = decodeProperties(readRecord(bytes, position).properties);
  });
  if (properties === undefined) return undefined;
  const outMs = Number(properties[PropertyName.TIMER_OUT_MS]);
  if (!Number.isSafeInteger(outMs) || outMs < 0 || !isTimerCode(outMs)) return undefined;
  const isRecall = properties[PropertyName.TIMER_DEL_UNIQKEY] !== undefined;
  const { UNIQ_KEY = `at ${queueOffset}`, REAL_TOPIC = '' } = properties;
  return {
    tagsCode: isRecall ? -outMs : outMs,
    key: `${isRecall} ${REAL_TOPIC} ${UNIQ_KEY} ${outMs}`,
    isRolled: properties[PropertyName.TIMER_ROLL_TIMES] !== undefined,
  };
}
