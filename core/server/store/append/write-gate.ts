import type { Logger } from '../../../runtime/logger.js';

/** A disk that was full has room again once this part of what is allowed is not exceeded. */
const ROOM_AGAIN_FACTOR = 0.99;

/**
 * Whether the store takes messages, and why not. A full disk and a failed write can mend; a failed sync cannot, since
 * nobody knows what the system dropped: that store stays read-only until it is opened again.
 */
export class WriteGate {
  readonly #logger: Logger;
  readonly #usedRatioMax: number;
  #closed = false;
  #failedSync: string | undefined;
  #failedWrite: string | undefined;
  #diskUsedRatio = 0;
  #diskIsFull = false;

  constructor(usedRatioMax: number, logger: Logger) {
    this.#usedRatioMax = usedRatioMax;
    this.#logger = logger;
  }

  /** In words why writes are refused; undefined when they are taken. */
  get refusal(): string | undefined {
    if (this.#closed) return 'the store is closed';
    if (this.#failedSync !== undefined) return `a sync failed (${this.#failedSync}); the store has to be opened again`;
    if (this.#failedWrite !== undefined) return `a write failed (${this.#failedWrite})`;
    if (this.#diskIsFull) {
      const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
      const used = `the disk is full: ${percent(this.#diskUsedRatio)} used`;
      return this.#diskUsedRatio > this.#usedRatioMax
        ? `${used}, at most ${percent(this.#usedRatioMax)} are allowed`
        : `${used}, at most ${percent(this.#usedRatioMax * ROOM_AGAIN_FACTOR)} after it was full`;
    }
    return undefined;
  }

  get diskUsedRatio(): number {
    return this.#diskUsedRatio;
  }

  get hasFailedWrite(): boolean {
    return this.#failedWrite !== undefined;
  }

  get hasFailedSync(): boolean {
    return this.#failedSync !== undefined;
  }

  setDiskUsedRatio(ratio: number): void {
    const wasFull = this.#diskIsFull;
    this.#diskUsedRatio = ratio;
    // A disk that is just as full as it may be would change its mind with every look.
    const max = wasFull ? this.#usedRatioMax * ROOM_AGAIN_FACTOR : this.#usedRatioMax;
    this.#diskIsFull = ratio > max;
    if (this.#diskIsFull && !wasFull) this.#logger.error(`the store refuses writes: ${this.refusal}`);
    if (!this.#diskIsFull && wasFull) this.#logger.info('the disk has room again', { diskUsedRatio: ratio });
  }

  writeFailed(error: unknown): void {
    if (this.#failedWrite === undefined) this.#logger.error('the store refuses writes: a write failed', { error });
    this.#failedWrite = wordsOf(error);
  }

  writeMended(): void {
    if (this.#failedWrite !== undefined) this.#logger.info('the store takes writes again');
    this.#failedWrite = undefined;
  }

  syncFailed(error: unknown): void {
    if (this.#failedSync === undefined) this.#logger.error('the store is read-only: a sync failed', { error });
    this.#failedSync = wordsOf(error);
  }

  close(): void {
    this.#closed = true;
  }
}

function wordsOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
