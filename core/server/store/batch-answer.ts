import type { AppendBatchResult, AppendResult, AppendStatus } from './message-store.js';

/**
 * Gathers how each message of a batch ended into one answer. They share a write and the sync that covers it, so that they
 * are stored together or not at all; only a time-out may reach some of them before the sync reaches the others.
 */
export class BatchAnswer {
  readonly #done: (result: AppendBatchResult) => void;
  readonly #count: number;
  readonly #results: AppendResult[] = [];

  constructor(count: number, done: (result: AppendBatchResult) => void) {
    this.#count = count;
    this.#done = done;
  }

  readonly told = (result: AppendResult): void => {
    this.#results.push(result);
    if (this.#results.length === this.#count) this.#done(this.#together());
  };

  #together(): AppendBatchResult {
    const results = this.#results.sort((one, other) => one.commitLogOffset - other.commitLogOffset);
    const [first] = results as [AppendResult, ...AppendResult[]];
    if (first.commitLogOffset < 0) return batchNotStored(first.status);
    const late = results.find(({ status }) => status !== 'PUT_OK');
    return {
      status: (late ?? first).status,
      commitLogOffsets: results.map(({ commitLogOffset }) => commitLogOffset),
      queueOffset: first.queueOffset,
      storeTimestamp: first.storeTimestamp,
    };
  }
}

/** The result for a batch that was not stored. */
export function batchNotStored(status: AppendStatus): AppendBatchResult {
  return { status, commitLogOffsets: [], queueOffset: -1, storeTimestamp: 0 };
}
