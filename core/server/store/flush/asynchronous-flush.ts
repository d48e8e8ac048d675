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

/** Acknowledges what is written and puts it on the disk a little later (Apache's ASYNC_FLUSH). */
export class AsynchronousFlush implements FlushPolicy {
  readonly #parts: AsynchronousFlushParts;
  readonly #task: { cancel(): void };

  constructor(parts: AsynchronousFlushParts, intervalMs: number, scheduler: Scheduler) {
    this.#parts = parts;
    this.#task = scheduler.every('store: flush the commit log', { periodMs: intervalMs }, () => this.#sync());
  }

  written(messages: readonly TakenMessage[]): void {
    const { arrivals } = this.#parts;
    arrivals.index(messages);
    for (const message of messages) message.answer('PUT_OK');
    arrivals.announce(messages);
  }

  async close(): Promise<void> {
    this.#task.cancel();
    await this.#parts.log.sync();
  }

  async #sync(): Promise<void> {
    const { log, onSyncFailed } = this.#parts;
    if (log.syncedOffset >= log.endOffset) return;
    try {
      await log.sync();
    } catch (error) {
      onSyncFailed(error);
    }
  }
}
