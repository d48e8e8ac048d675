import type { Clock, Timer } from '../../../runtime/clock.js';
import type { Logger } from '../../../runtime/logger.js';
import type { Scheduler } from '../../../runtime/scheduler.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { isRecordMagic, readMagic, readStoreTimestamp, STORE_TIMESTAMP_END_MAX } from '../commitlog/record-layout.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { MessageIndex } from '../index/message-index.js';
import type { ResolvedStoreOptions } from '../store-options.js';
import { isDeleteHour, parseDeleteWhen } from './delete-when.js';
import { type RemovalReason, removalReason } from './removal-reason.js';
import { retentionLimits } from './retention-limits.js';

/** Files of the commit log that one round removes. Matches Apache's DELETE_FILES_BATCH_MAX. */
const FILES_A_ROUND_MAX = 10;
/** Rounds in which an operator has what is old removed, whatever the hour. Matches MAX_MANUAL_DELETE_FILE_TIMES. */
const MANUAL_ROUNDS = 20;
/** Nothing is removed right after a start: Apache looks for the first time after a minute, then every ten seconds. */
const INITIAL_DELAY_PERIODS = 6;

export interface RetentionParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly index: Pick<MessageIndex, 'removeBefore'>;
  /** What they say at the moment counts: an operator may change some of them. */
  readonly options: ResolvedStoreOptions;
  /** Looks at the volume, and tells the part of it that is in use. */
  readonly diskUsedRatio: () => Promise<number>;
  /**
   * Records in front of it are on the disk, and so are their places in queues: what is left of a queue without messages is
   * where it goes on, and without the records nobody could tell any more.
   */
  readonly savedOffset: () => number;
  /** Moves that on as far as it goes. Not possible on a disk that is full, which has to get room all the same. */
  readonly save: () => Promise<unknown>;
  /** Where the first record begins that is not to become too old; Infinity without any. */
  readonly neededFrom: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Removes what is too old or too much, the oldest first: whole files of the commit log, then the files of consume queues
 * and index that name nothing but what is gone. The file that holds the newest message always stays, and age alone takes
 * nothing that is still needed.
 *
 * Each removal is on the disk before the next one begins, so that whatever happens no file in the middle is missing; a
 * process that is killed between the log and the queues leaves queue files that begin too early, and the first round of the
 * next start removes them.
 */
export class Retention {
  readonly #parts: RetentionParts;
  /** Queues and index were brought in line with a log that begins here. */
  #removedBefore = 0;
  /** Whether it was said that the disk fills and nothing can be removed. */
  #saidNothingLeft = false;
  /** Rounds that do not look at the hour. */
  #manualRounds = 0;
  #stopped = false;
  #round: Promise<void> | undefined;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Has rounds of their own come by and by. */
  start(scheduler: Scheduler): void {
    const { cleanResourceIntervalMs: periodMs } = this.#parts.options;
    const period = { periodMs, initialDelayMs: INITIAL_DELAY_PERIODS * periodMs };
    scheduler.every('store: remove old files', period, () => this.round());
  }

  /** Looks whether something has to go, and removes it: at most ten files of the commit log. One round at a time. */
  round(): Promise<void> {
    this.#round ??= this.#removeWhatHasToGo().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** What is old goes now and in the rounds that follow, whatever the hour: an operator wants it. */
  removeExpired(): Promise<void> {
    this.#manualRounds = MANUAL_ROUNDS;
    return this.round();
  }

  /** Brings queues and index in line with the log, also where they were thought to be. */
  cleanQueues(): Promise<void> {
    this.#removedBefore = 0;
    return this.round();
  }

  /** Ends a round that is under way as soon as what it is at is done, and lets no other begin. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause?.timer.cancel();
    this.#pause?.end();
    // Whoever started it is told how it went.
    await this.#round?.catch(() => undefined);
  }

  async #removeWhatHasToGo(): Promise<void> {
    if (this.#stopped) return;
    const { log, queues, index, diskUsedRatio } = this.#parts;
    const usedRatio = await diskUsedRatio();
    const removed = await this.#removeLogFiles(usedRatio);
    this.#manualRounds = Math.max(0, this.#manualRounds - 1);
    this.#warnWhenNothingIsLeft(usedRatio, removed);
    if (removed > 0) await diskUsedRatio();
    const { startOffset } = log;
    if (this.#stopped || startOffset === this.#removedBefore) return;
    await queues.removeFilesBefore(startOffset, () => this.#stopped);
    if (this.#stopped) return;
    await index.removeBefore(startOffset);
    this.#removedBefore = startOffset;
  }

  async #removeLogFiles(diskUsedRatio: number): Promise<number> {
    const { log, logger, options } = this.#parts;
    let removed = 0;
    while (!this.#stopped && removed < FILES_A_ROUND_MAX) {
      const reason = await this.#reasonToRemoveFirst(diskUsedRatio);
      if (reason === undefined || !(await this.#isSaved()) || this.#stopped) break;
      const { startOffset } = log;
      await log.removeFirstFile();
      removed++;
      logger.info('a file of the commit log was removed', { reason, commitLogOffset: startOffset });
      if (removed < FILES_A_ROUND_MAX && log.removableEnd !== undefined) {
        await this.#waitFor(options.deleteCommitLogFilesIntervalMs);
      }
    }
    return removed;
  }

  /** Whether queues and records of the first file are on the disk. */
  async #isSaved(): Promise<boolean> {
    const { log, savedOffset, save } = this.#parts;
    const { removableEnd = log.endOffset } = log;
    if (removableEnd > savedOffset()) await save();
    return removableEnd <= savedOffset();
  }

  async #reasonToRemoveFirst(diskUsedRatio: number): Promise<RemovalReason | undefined> {
    const { log, options, clock, neededFrom } = this.#parts;
    const { removableEnd } = log;
    if (removableEnd === undefined) return undefined;
    const deleteHours = parseDeleteWhen(options.deleteWhen) ?? new Set();
    const reason = removalReason(retentionLimits(options), {
      diskUsedRatio,
      isDeleteHour: this.#manualRounds > 0 || isDeleteHour(deleteHours, clock.now()),
      sizeBytes: log.endOffset - log.startOffset,
      ageMs: await this.#ageOfFirstFile(),
    });
    return reason === 'age' && neededFrom() < removableEnd ? undefined : reason;
  }

  /**
   * A file was last written when the one behind it got its first record: the record says when. The time of the file itself
   * would not survive a copy of the directory.
   */
  async #ageOfFirstFile(): Promise<number | undefined> {
    const { log, clock } = this.#parts;
    const head = Buffer.alloc(STORE_TIMESTAMP_END_MAX);
    const read = await log.read(head, log.startOffset + log.fileSizeBytes);
    if (read < head.length || !isRecordMagic(readMagic(head, 0))) return undefined;
    return clock.now() - readStoreTimestamp(head, 0);
  }

  #warnWhenNothingIsLeft(diskUsedRatio: number, removed: number): void {
    const isFilling = diskUsedRatio > this.#parts.options.diskMaxUsedSpaceRatio;
    if (isFilling && removed === 0 && !this.#saidNothingLeft) {
      this.#parts.logger.warn('the disk fills, and nothing is old enough to be removed', { diskUsedRatio });
    }
    this.#saidNothingLeft = isFilling && removed === 0;
  }

  #waitFor(durationMs: number): Promise<void> {
    if (durationMs === 0 || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { timer: this.#parts.clock.setTimer(durationMs, end), end };
    });
  }
}
