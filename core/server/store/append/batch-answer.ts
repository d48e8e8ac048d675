import type { AppendBatchResult, AppendResult, AppendStatus } from '../message-store.js';

/**
 * Gathers how each message of a batch ended into one answer. They share a write and the sync that covers it, so that they
 * are stored together or not at all; only a time-out may reach some of them before the sync reaches the others.
 */
export class BatchAnswer {
  readonly #done: (result: AppendBatchResult) => void;
  readonly #count: number;
  #told = 0;
  /** Of the first in the log. */
  #first: AppendResult | undefined;
  #late: AppendStatus | undefined;
  readonly #commitLogOffsets: number[] = [];
  #inOrder = true;

  constructor(count: number, done: (result: AppendBatchResult) => void) {
    this.#done = done;
    this.#count = count;
  }

  readonly told = (result: AppendResult): void => {
    const { status, commitLogOffset } = result;
    const offsets = this.#commitLogOffsets;
    if (offsets.length > 0 && commitLogOffset < offsets[offsets.length - 1]!) this.#inOrder = false;
    offsets.push(commitLogOffset);
    if (this.#first === undefined || commitLogOffset < this.#first.commitLogOffset) this.#first = result;
    if (status !== 'PUT_OK') this.#late = status;
    if (++this.#told === this.#count) this.#done(this.#together(this.#first));
  };

  #together(first: AppendResult): AppendBatchResult {
    if (first.commitLogOffset < 0) return batchNotStored(first.status);
    const commitLogOffsets = this.#commitLogOffsets;
    // Some may have been told before the others that it takes too long.
    if (!this.#inOrder) commitLogOffsets.sort((one, other) => one - other);
    const { queueOffset, storeTimestamp } = first;
    return { status: this.#late ?? first.status, commitLogOffsets, queueOffset, storeTimestamp };
  }
}

/** The result for a batch that was not stored. */
export function batchNotStored(status: AppendStatus): AppendBatchResult {
  return { status, commitLogOffsets: [], queueOffset: -1, storeTimestamp: 0 };
}
