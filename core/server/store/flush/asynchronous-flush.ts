import type { Scheduler } from '../../../runtime/scheduler.js';
import type { TakenMessage } from '../append-turn.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { FlushPolicy } from './flush-policy.js';

/** Acknowledges what is written and puts it on the disk a little later (Apache's ASYNC_FLUSH). */
export class AsynchronousFlush implements FlushPolicy {
  readonly #log: CommitLog;
  readonly #onSyncFailed: (error: unknown) => void;
  readonly #task: { cancel(): void };

  constructor(log: CommitLog, intervalMs: number, scheduler: Scheduler, onSyncFailed: (error: unknown) => void) {
    this.#log = log;
    this.#onSyncFailed = onSyncFailed;
    this.#task = scheduler.every('store: flush the commit log', { periodMs: intervalMs }, () => this.#sync());
  }

  written(messages: readonly TakenMessage[]): void {
    for (const message of messages) message.answer('PUT_OK');
  }

  async close(): Promise<void> {
    this.#task.cancel();
    await this.#log.sync();
  }

  async #sync(): Promise<void> {
    if (this.#log.syncedOffset >= this.#log.endOffset) return;
    try {
      await this.#log.sync();
    } catch (error) {
      this.#onSyncFailed(error);
    }
  }
}
