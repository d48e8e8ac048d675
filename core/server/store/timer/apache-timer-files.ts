import { readInt64, writeInt64 } from '../../../message/int64.js';
import type { StoreFiles } from '../files/store-files.js';
import { readFile, writeAll, writeFile } from '../files/whole-file.js';
import type { TimerCheck, WaitingTimers } from '../message-store.js';
import type { StorePaths } from '../store-paths.js';
import { TimerLogWriter, TimerMagic } from './timer-log.js';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const SLOT_SIZE_BYTES = 32;
/** Two rounds of seven days of seconds. */
const SLOTS = 2 * 7 * 86_400;
/** What is further away Apache takes out of the wheel half-way and puts in again: it "rolls". */
const ROLL_WINDOW_MS = 2 * DAY_MS;
const CHECK_SIZE_BYTES = 4096;
/** Up to the end of what we read of it. */
const CHECK_READ_BYTES = 32;

interface Slot {
  readonly first: number;
  last: number;
  count: number;
}

/**
 * The files in which an Apache broker of 5.x keeps its timers: `timerwheel` (for each second of 14 days where its chain in
 * the log begins and ends), `timerlog/` and `config/timercheck`. We keep none of them while we run: they are written at a
 * clean stop, so that a broker of theirs goes on with what waits and with nothing else.
 */
export class ApacheTimerFiles {
  readonly #paths: StorePaths;
  readonly #files: StoreFiles;

  constructor(paths: StorePaths, files: StoreFiles) {
    this.#paths = paths;
    this.#files = files;
  }

  /** How far the timers are that an Apache broker, or a clean stop of ours, left; undefined where there are none. */
  readCheck(): TimerCheck | undefined {
    const bytes = readFile(this.#files, this.#paths.timerCheck);
    if (bytes === undefined || bytes.length < CHECK_READ_BYTES) return undefined;
    return { readTimeMs: readInt64(bytes, 0), queueOffset: Math.min(readInt64(bytes, 16), readInt64(bytes, 24)) };
  }

  /** Replaces all of them. */
  async write({ timers, nowMs, last }: WaitingTimers): Promise<void> {
    const writeTimeMs = nowMs - (nowMs % SECOND_MS);
    let readTimeMs = writeTimeMs;
    // Without it a broker that comes in between begins anew, and delivers again rather than never.
    this.#files.removeFile(this.#paths.timerCheck);
    const log = new TimerLogWriter(this.#paths.timerLog, this.#files);
    const slots = new Map<number, Slot>();
    let lastWritten = -1;
    for (const timer of timers) {
      const { slotMs, rolls } = slotOf(timer.outMs, writeTimeMs);
      const slot = slots.get(slotMs);
      const magic = TimerMagic.DEFAULT | (rolls ? TimerMagic.ROLL : 0) | (timer.isRecall ? TimerMagic.DELETE : 0);
      const position = await log.add({ timer, previous: slot?.last ?? -1, magic, writeTimeMs, slotMs });
      if (slot === undefined) slots.set(slotMs, { first: position, last: position, count: timer.isRecall ? 0 : 1 });
      else {
        slot.last = position;
        slot.count += timer.isRecall ? -1 : 1;
      }
      lastWritten = timer.queueOffset;
      readTimeMs = Math.min(readTimeMs, slotMs);
    }
    // Apache goes on behind the message of the last unit; this one is in a second that was read already.
    if (lastWritten !== last.queueOffset) {
      const slotMs = readTimeMs - SECOND_MS;
      await log.add({ timer: last, previous: -1, magic: TimerMagic.DEFAULT, writeTimeMs, slotMs });
    }
    const timerLogEnd = log.end;
    await log.close();
    await this.#writeWheel(slots);
    await this.#writeCheck([readTimeMs, timerLogEnd, last.queueOffset + 1, last.queueOffset + 1, 0, nowMs, 1]);
  }

  async #writeWheel(slots: ReadonlyMap<number, Slot>): Promise<void> {
    this.#files.removeFile(this.#paths.timerWheel);
    const file = this.#files.create(this.#paths.timerWheel, SLOTS * SLOT_SIZE_BYTES);
    try {
      for (const [slotMs, { first, last, count }] of slots) {
        const bytes = Buffer.alloc(SLOT_SIZE_BYTES);
        writeInt64(bytes, 0, slotMs / SECOND_MS);
        writeInt64(bytes, 8, first);
        writeInt64(bytes, 16, last);
        bytes.writeInt32BE(count, 24);
        writeAll(file, bytes, ((slotMs / SECOND_MS) % SLOTS) * SLOT_SIZE_BYTES);
      }
      await file.sync();
    } finally {
      file.close();
    }
  }

  async #writeCheck(values: readonly number[]): Promise<void> {
    const bytes = Buffer.alloc(CHECK_SIZE_BYTES);
    for (const [index, value] of values.entries()) writeInt64(bytes, index * 8, value);
    await writeFile(this.#files, this.#paths.timerCheck, bytes);
    await this.#files.syncDirectory(this.#paths.config);
  }
}

/**
 * The second that a timer waits in: its own, or one half-way where that is too far (Apache's doEnqueue). What is overdue by
 * more than a day waits a day back: Apache looks seven days back and no further, where other seconds share the slots.
 */
function slotOf(outMs: number, writeTimeMs: number): { readonly slotMs: number; readonly rolls: boolean } {
  const aheadMs = outMs - writeTimeMs;
  if (aheadMs < ROLL_WINDOW_MS) return { slotMs: Math.max(outMs, writeTimeMs - DAY_MS), rolls: false };
  const isNear = aheadMs - ROLL_WINDOW_MS < ROLL_WINDOW_MS / 3;
  return { slotMs: writeTimeMs + (isNear ? ROLL_WINDOW_MS / 2 : ROLL_WINDOW_MS), rolls: true };
}
