import type { Scheduler } from '../../../runtime/scheduler.js';
import type { TakenMessage } from '../append/append-turn.js';
import type { Arrivals } from '../append/arrivals.js';
import type { FlushPolicy } from '../append/flush-policy.js';
import type { CommitLog } from '../commitlog/commit-log.js';

export interface AsynchronousFlushParts {
  readonly log: CommitLog;
  readonly arrivals: Arrivals;
  readonly onSyncFailed: (error: unknown) => void;
}

/**
 * So much waits for the disk at most before it is put there ahead of its time. While the system writes out much at once, it
 * keeps those who write on waiting: 10 ms with 25 MB (bench/delays.mjs), which all requests share.
 */
const UNSYNCED_BYTES_MAX = 4 * 1024 * 1024;

/** Acknowledges what is written and puts it on the disk a little later (Apache's ASYNC_FLUSH). */
export class AsynchronousFlush implements FlushPolicy {
  readonly #parts: AsynchronousFlushParts;
  readonly #task: { cancel(): void };
  #isSyncing = false;

  constructor(parts: AsynchronousFlushParts, intervalMs: number, scheduler: Scheduler) {
    this.#parts = parts;
    this.#task = scheduler.every('store: flush the commit log', { periodMs: intervalMs }, () => this.#sync());
  }

  written(messages: readonly TakenMessage[]): void {
    const { arrivals, log } = this.#parts;
    arrivals.index(messages);
    for (const message of messages) message.answer('PUT_OK');
    arrivals.announce(messages);
    if (log.endOffset - log.syncedOffset >= UNSYNCED_BYTES_MAX) void this.#sync();
  }

  async close(): Promise<void> {
    this.#task.cancel();
    await this.#parts.log.sync();
  }

  /** Never rejects. */
  async #sync(): Promise<void> {
    const { log, onSyncFailed } = this.#parts;
    if (this.#isSyncing || log.syncedOffset >= log.endOffset) return;
    this.#isSyncing = true;
    try {
      await log.sync();
    } catch (error) {
      onSyncFailed(error);
    } finally {
      this.#isSyncing = false;
    }
  }
}
