import type { Clock, Timer } from '../../../runtime/clock.js';
import type { TakenMessage } from '../append/append-turn.js';
import type { Arrivals } from '../append/arrivals.js';
import type { FlushPolicy } from '../append/flush-policy.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ZeroFill } from '../commitlog/zero-fill.js';

export interface SynchronousFlushParts {
  readonly log: CommitLog;
  readonly zeroFill: ZeroFill;
  readonly arrivals: Arrivals;
  readonly clock: Clock;
  /** How long a message waits before it is answered with FLUSH_DISK_TIMEOUT (Apache: syncFlushTimeout). */
  readonly timeoutMs: number;
  readonly onSyncFailed: (error: unknown) => void;
}

/** What one turn wrote. */
interface Group {
  readonly messages: readonly TakenMessage[];
  /** A sync up to here covers all of them. */
  readonly endOffset: number;
  readonly deadlineMs: number;
  /** Those who waited were told that it takes too long. */
  isLate: boolean;
}

/**
 * Acknowledges what is on the disk (Apache's SYNC_FLUSH), by group commit: one sync is under way at a time, what is
 * written meanwhile waits for the next one together, and a sync starts as soon as there is something to wait for it.
 *
 * A message can be read only then, too: a consumer that is ahead of the disk would, after a power failure, have consumed
 * offsets that are given to other messages. Who asked not to wait (`waitStored: false`) is answered at once all the same.
 */
export class SynchronousFlush implements FlushPolicy {
  readonly #parts: SynchronousFlushParts;
  #groups: Group[] = [];
  #syncing: Promise<void> | undefined;
  #timer: Timer | undefined;
  /** Whether a sync failed: nothing can be promised any more. */
  #hasFailed = false;

  constructor(parts: SynchronousFlushParts) {
    this.#parts = parts;
  }

  written(messages: readonly TakenMessage[]): void {
    const { clock, timeoutMs } = this.#parts;
    const last = messages[messages.length - 1]!;
    const endOffset = last.commitLogOffset + last.sizeBytes;
    const group = { messages, endOffset, deadlineMs: clock.monotonic() + timeoutMs, isLate: false };
    for (const message of messages) if (!message.waitStored) message.answer('PUT_OK');
    if (this.#hasFailed) {
      answerLate(group);
      return;
    }
    this.#groups.push(group);
    this.#timer ??= clock.setTimer(timeoutMs, this.#onTimer);
    this.#syncing ??= this.#syncAll();
  }

  async close(): Promise<void> {
    await this.#syncing;
    this.#timer?.cancel();
    await this.#parts.log.sync();
  }

  async #syncAll(): Promise<void> {
    const { log, zeroFill } = this.#parts;
    try {
      while (this.#groups.length > 0) {
        const synced = log.sync();
        // The disk is busy, this thread is not.
        zeroFill.step();
        await synced;
        this.#release(log.syncedOffset);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#syncing = undefined;
    }
  }

  #release(syncedOffset: number): void {
    const { arrivals } = this.#parts;
    const unsynced = this.#groups.findIndex(({ endOffset }) => endOffset > syncedOffset);
    const released = this.#groups.splice(0, unsynced === -1 ? this.#groups.length : unsynced);
    for (const { messages } of released) arrivals.index(messages);
    for (const { messages, isLate } of released) {
      if (!isLate) for (const message of messages) if (message.waitStored) message.answer('PUT_OK');
    }
    for (const { messages } of released) arrivals.announce(messages);
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#parts.onSyncFailed(error);
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) answerLate(group);
  }

  readonly #onTimer = (): void => {
    const { clock } = this.#parts;
    this.#timer = undefined;
    const nowMs = clock.monotonic();
    for (const group of this.#groups) {
      if (group.deadlineMs <= nowMs) answerLate(group);
      else {
        this.#timer = clock.setTimer(group.deadlineMs - nowMs, this.#onTimer);
        return;
      }
    }
  };
}

/** The protocol's answer for a message that is written and not known to be on the disk. */
function answerLate(group: Group): void {
  if (group.isLate) return;
  group.isLate = true;
  for (const message of group.messages) if (message.waitStored) message.answer('FLUSH_DISK_TIMEOUT');
}
