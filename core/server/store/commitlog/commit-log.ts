import { RecordMagic } from '../../../message/message-record.js';
import type { OpenFiles } from '../files/open-files.js';
import { SegmentFiles } from '../files/segment-files.js';
import type { StoreFiles } from '../files/store-files.js';
import { LogTail } from './log-tail.js';
import { FILLER_SIZE_BYTES } from './record-layout.js';

const REWRITE_STEP_BYTES = 1024 * 1024;
/** What was written last, and is read from memory: a few hundred milliseconds of a busy log. */
const TAIL_SIZE_BYTES_MAX = 4 * 1024 * 1024;

export interface CommitLogOptions {
  /** `…/commitlog`. */
  readonly directory: string;
  readonly fileSizeBytes: number;
  /** So much behind the end may be zeros written ahead. */
  readonly zeroFilledBytesMax: number;
}

/**
 * All messages of a store in order of arrival. A record never spans files: where it does not fit with 8 bytes to spare,
 * the file ends in a filler (i32 rest of the file, i32 blank magic) and the record begins the next one.
 */
export class CommitLog {
  readonly #segments: SegmentFiles;
  readonly #zeroFilledBytesMax: number;
  readonly #tail: LogTail;
  #endOffset = 0;
  #syncedOffset = 0;
  #syncing: Promise<void> | undefined;
  #syncFailure: { readonly error: unknown } | undefined;

  constructor({ directory, fileSizeBytes, zeroFilledBytesMax }: CommitLogOptions, files: StoreFiles, open: OpenFiles) {
    this.#segments = new SegmentFiles(directory, fileSizeBytes, files, open);
    this.#zeroFilledBytesMax = zeroFilledBytesMax;
    this.#tail = new LogTail(Math.min(TAIL_SIZE_BYTES_MAX, fileSizeBytes));
  }

  get fileSizeBytes(): number {
    return this.#segments.fileSizeBytes;
  }

  /** Position of the first byte there is. */
  get startOffset(): number {
    return this.#segments.start;
  }

  /** Position of the next record. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Where the last file ends, of which {@link endOffset} is in front. */
  get filesEnd(): number {
    return this.#segments.end;
  }

  /** Everything in front of it is on the disk. */
  get syncedOffset(): number {
    return this.#syncedOffset;
  }

  /** Bytes left in the file that is being written; a whole file's when it has yet to be made. */
  get roomBytes(): number {
    return this.fileSizeBytes - (this.#endOffset % this.fileSizeBytes);
  }

  /**
   * Finds the files. The end is not known yet: see {@link endAt}.
   * @throws RMQ_STORE_UNUSABLE when a file has another length or is missing.
   */
  load(): void {
    this.#segments.load();
    this.#endOffset = this.#segments.start;
  }

  /** Says where the last record ends and up to where all is surely on the disk, as recovery found it. */
  endAt(offset: number, syncedOffset: number): void {
    this.#endOffset = offset;
    this.#syncedOffset = syncedOffset;
  }

  /**
   * Makes everything behind the end zero, removes later files, and puts the log on the disk from `from` on: what is cut
   * off here must not come back behind the next message after a power failure.
   */
  async cutFiles(from: number): Promise<void> {
    this.removeFilesBehindEnd();
    this.#segments.zeroFrom(this.#endOffset, this.#zeroFilledBytesMax);
    await this.#segments.sync(from, this.#segments.end);
    this.#syncedOffset = this.#endOffset;
  }

  /** Writes everything from a position to the end once more, so that the next sync takes it to the disk whatever became of it. */
  rewriteFrom(offset: number): void {
    const bytes = Buffer.allocUnsafe(Math.min(this.fileSizeBytes, REWRITE_STEP_BYTES));
    for (let at = Math.max(offset, this.startOffset); at < this.#endOffset; ) {
      const part = bytes.subarray(0, Math.min(bytes.byteLength, this.#endOffset - at));
      const read = this.#segments.readSync(part, at);
      this.#segments.write([part.subarray(0, read)], at);
      at += read;
    }
  }

  /** Removes the files behind the one that holds the end. One by one on the disk, so that never one in the middle is missing. */
  removeFilesBehindEnd(): void {
    while (this.#segments.removeLastFrom(this.#endOffset)) this.#segments.syncNamesSync();
  }

  /** Where the first file ends; undefined when it is the one with the newest record, or there is none. */
  get removableEnd(): number | undefined {
    const firstEnd = this.startOffset + this.fileSizeBytes;
    return firstEnd < this.#endOffset ? firstEnd : undefined;
  }

  /** Forgets the oldest records, those of the first file; on the disk when this resolves. */
  removeFirstFile(): Promise<void> {
    return this.#segments.removeFirst();
  }

  /**
   * Makes the file that the next record goes to when there is none, and puts its name on the disk: a record in a file
   * that a power failure makes disappear must not be acknowledged.
   */
  ensureFile(): void {
    if (this.#endOffset >= this.#segments.end) this.#segments.grow(this.#endOffset, this.#endOffset + 1);
    this.#segments.syncNamesSync();
  }

  /** Writes whole records at the end, into the file that is there. On failure the end stays where it was. */
  write(records: Uint8Array): void {
    this.#segments.write([records], this.#endOffset);
    this.#tail.write(records, this.#endOffset);
    this.#endOffset += records.byteLength;
  }

  /** Ends the file with a filler, so that the next record begins the next file. */
  finishFile(): void {
    const roomBytes = this.roomBytes;
    const filler = Buffer.allocUnsafe(FILLER_SIZE_BYTES);
    filler.writeInt32BE(roomBytes, 0);
    filler.writeInt32BE(RecordMagic.BLANK, 4);
    this.#segments.write([filler], this.#endOffset);
    this.#endOffset += roomBytes;
  }

  /** Writes zeros behind the end, within the last file. */
  writeAhead(zeros: Uint8Array, offset: number): void {
    this.#segments.write([zeros], offset);
  }

  /** Makes the bytes behind the end zero again after a write that failed half-way. */
  zeroBehindEnd(sizeBytes: number): void {
    if (this.#endOffset >= this.#segments.end) return;
    const at = this.#endOffset % this.fileSizeBytes;
    this.#segments.file(this.#endOffset).zero(at, Math.min(sizeBytes, this.fileSizeBytes - at));
  }

  /** Fills `target` from a position on; fewer bytes only behind the end. */
  readSync(target: Uint8Array, offset: number): number {
    return this.#tail.read(target, offset) ?? this.#segments.readSync(target, offset);
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    return this.#tail.read(target, offset) ?? this.#segments.read(target, offset);
  }

  /**
   * Resolves when everything written before the call is on the disk. One sync is under way at a time. After one that
   * failed all fail: the system forgets what it could not write, and would call a second try a success.
   */
  async sync(): Promise<void> {
    const target = this.#endOffset;
    while (this.#syncing !== undefined) await this.#syncing;
    if (this.#syncFailure !== undefined) throw this.#syncFailure.error;
    if (this.#syncedOffset >= target) return;
    this.#syncing = this.#syncTo(this.#endOffset);
    try {
      await this.#syncing;
    } finally {
      this.#syncing = undefined;
    }
  }

  async #syncTo(target: number): Promise<void> {
    try {
      await this.#segments.sync(this.#syncedOffset, target);
    } catch (error) {
      this.#syncFailure = { error };
      throw error;
    }
    this.#syncedOffset = target;
  }
}
