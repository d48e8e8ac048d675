import type { Logger } from '../../../runtime/logger.js';
import type { CommitLog } from './commit-log.js';

const STEP_SIZE_BYTES = 1024 * 1024;
const AHEAD_SIZE_BYTES_MIN = STEP_SIZE_BYTES / 2;

/** At most so many bytes ahead of the log's end were filled. */
export const ZERO_FILLED_BYTES_MAX = STEP_SIZE_BYTES + AHEAD_SIZE_BYTES_MIN;

/**
 * Writes zeros ahead of the log's end, so that the sync of a record finds its space allocated and has nothing but the
 * record to write (bench/store-sync.mjs). Steps are small: one takes a fraction of a millisecond of the thread that
 * appends, which no other may do, since zeros that arrive late would cover records.
 */
export class ZeroFill {
  readonly #log: CommitLog;
  readonly #logger: Logger;
  readonly #zeros: Buffer;
  #filledOffset = 0;
  /** End of the file in which filling failed: there it is not tried again. */
  #failedFileEnd = -1;

  constructor(log: CommitLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
    this.#zeros = Buffer.alloc(Math.min(STEP_SIZE_BYTES, log.fileSizeBytes));
  }

  /** Fills on when little is left; never beyond the file that is being written. Never throws. */
  step(): void {
    const log = this.#log;
    const from = Math.max(this.#filledOffset, log.endOffset);
    const fileEnd = log.filesEnd;
    if (from - log.endOffset >= AHEAD_SIZE_BYTES_MIN || from >= fileEnd || fileEnd === this.#failedFileEnd) return;
    try {
      const zeros = this.#zeros.subarray(0, fileEnd - from);
      log.writeAhead(zeros, from);
      this.#filledOffset = from + zeros.byteLength;
    } catch (error) {
      // It is only to save time; whether records can be written, they will show themselves.
      this.#failedFileEnd = fileEnd;
      this.#logger.warn('the commit log could not be filled ahead: syncs will take longer', { error });
    }
  }
}
