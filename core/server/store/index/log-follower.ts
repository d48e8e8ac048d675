import { RecordMagic } from '../../../message/message-record.js';
import type { Logger } from '../../../runtime/logger.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { FILLER_SIZE_BYTES, isRecordMagic, readMagic, readTotalSize } from '../commitlog/record-layout.js';
import type { IndexKeys } from './index-keys.js';
import { KeyHashes } from './key-hashes.js';

/** Bytes of the log that are looked through in one go: about a quarter of a millisecond's work. */
const STEP_SIZE_BYTES = 256 * 1024;

/** Reads the commit log from a place on, step by step, and notes the keys of its messages. */
export class LogFollower {
  readonly #log: CommitLog;
  readonly #logger: Logger;
  /** Where the next record begins. */
  #position = 0;
  /** So many keys of the next record are known already. */
  #keysThere = 0;
  #stepSizeBytes = STEP_SIZE_BYTES;
  readonly #found = new KeyHashes();
  /** One buffer for all steps: at a hundred a second new ones would have the collector go through the whole heap. */
  #buffer: Buffer | undefined;

  constructor(log: CommitLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  /** Goes on with the record at this place, of which so many keys are known. */
  goTo(position: number, keysThere: number): void {
    this.#position = position;
    this.#keysThere = keysThere;
  }

  /** Looks through a little of what lies in front of `end`, which is the end of a record; false when nothing is left. */
  async step(end: number, keys: IndexKeys): Promise<boolean> {
    if (this.#position < this.#log.startOffset) this.goTo(this.#log.startOffset, 0);
    const from = this.#position;
    if (from >= end) return false;
    const bytes = this.#room(Math.min(this.#stepSizeBytes, end - from));
    const read = await this.#log.read(bytes, from);
    // A file may have been removed for its age meanwhile.
    if (from < this.#log.startOffset) return true;
    if (read < FILLER_SIZE_BYTES) throw new Error(`the commit log cannot be read at ${from}`);
    this.#lookThrough(bytes.subarray(0, read), end, keys);
    return this.#position < end;
  }

  /** Memory for one step; nothing keeps a view of it beyond that. */
  #room(sizeBytes: number): Buffer {
    if (sizeBytes > STEP_SIZE_BYTES) return Buffer.allocUnsafe(sizeBytes);
    this.#buffer ??= Buffer.allocUnsafeSlow(STEP_SIZE_BYTES);
    return this.#buffer.subarray(0, sizeBytes);
  }

  #lookThrough(bytes: Buffer, end: number, keys: IndexKeys): void {
    const from = this.#position;
    this.#stepSizeBytes = STEP_SIZE_BYTES;
    while (this.#position - from + FILLER_SIZE_BYTES <= bytes.length) {
      const at = this.#position - from;
      const roomBytes = this.#log.fileSizeBytes - (this.#position % this.#log.fileSizeBytes);
      const magic = readMagic(bytes, at);
      const sizeBytes = magic === RecordMagic.BLANK ? roomBytes : readTotalSize(bytes, at);
      if (magic !== RecordMagic.BLANK) {
        const isInside = sizeBytes <= roomBytes && this.#position + sizeBytes <= end;
        if (!isRecordMagic(magic) || sizeBytes < FILLER_SIZE_BYTES || !isInside) {
          this.#skipTo(Math.min(this.#position + roomBytes, end));
          continue;
        }
        if (at + sizeBytes > bytes.length) {
          if (at === 0) this.#stepSizeBytes = Math.max(STEP_SIZE_BYTES, sizeBytes);
          return;
        }
        this.#note(bytes, at, keys);
      }
      this.goTo(this.#position + sizeBytes, 0);
    }
  }

  #note(bytes: Buffer, at: number, keys: IndexKeys): void {
    if (!this.#found.read(bytes, at)) return;
    const { hashes, storeTimestamp } = this.#found;
    for (let index = this.#keysThere; index < hashes.length; index++) {
      keys.add(hashes[index]!, this.#position, storeTimestamp);
    }
  }

  /** Where the next record begins nobody can tell: the next file has one, and so has the end. */
  #skipTo(position: number): void {
    this.#logger.error('a record is damaged: messages behind it in its file are not found by their keys', {
      commitLogOffset: this.#position,
    });
    this.goTo(position, 0);
  }
}
