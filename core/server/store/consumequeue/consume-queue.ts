import type { SegmentFiles } from '../files/segment-files.js';
import {
  ENTRY_SIZE_BYTES,
  entryCommitLogOffset,
  entrySizeBytes,
  isEntry,
  isFillerEntry,
  writeEntry,
  writeFillerEntry,
} from './consume-queue-entry.js';

const TAIL_ENTRIES_MIN = 16;
/** A tail this long is due to be written (20 KiB). */
const TAIL_ENTRIES_DUE = 1024;
/** A hole in a queue longer than this is not filled but refused: its offset is damaged. */
const GAP_ENTRIES_MAX = 300_000;

/**
 * One queue of a topic: where its messages lie in the commit log, in queue order. The newest entries are in memory until
 * {@link writeTail}; reading does not notice the difference. Everything here can be made anew from the commit log.
 */
export class ConsumeQueue {
  readonly topic: string;
  readonly queueId: number;
  /** The topic in UTF-8, as records carry it. */
  readonly topicBytes: Buffer;
  /** Offset that the next message taken gets; runs ahead of {@link maxOffset} by what is taken and cannot be read yet. */
  nextOffset = 0;
  readonly #segments: SegmentFiles;
  /** Queue offset of the first entry that can be read. */
  #minOffset = 0;
  /** Queue offset of the first entry in the tail: those below are in files. */
  #tailOffset = 0;
  #tail: Buffer | undefined;
  #tailCount = 0;
  #syncedOffset = 0;
  /** Where the last indexed record begins and ends in the commit log. */
  #lastCommitLogOffset = -1;
  #commitLogEnd = 0;
  #isRemoved = false;

  constructor(topic: string, queueId: number, segments: SegmentFiles) {
    this.topic = topic;
    this.queueId = queueId;
    this.topicBytes = Buffer.from(topic);
    this.#segments = segments;
  }

  get minOffset(): number {
    return this.#minOffset;
  }

  get maxOffset(): number {
    return this.#tailOffset + this.#tailCount;
  }

  /** Where the last indexed record begins in the commit log; -1 without one. */
  get lastCommitLogOffset(): number {
    return this.#lastCommitLogOffset;
  }

  /** Where the last indexed record ends in the commit log; 0 without one. */
  get commitLogEnd(): number {
    return this.#commitLogEnd;
  }

  get entriesPerFile(): number {
    return this.#segments.fileSizeBytes / ENTRY_SIZE_BYTES;
  }

  get tailCount(): number {
    return this.#tailCount;
  }

  /** Bytes of memory set aside for entries that are in no file yet. */
  get tailSizeBytes(): number {
    return this.#tail?.byteLength ?? 0;
  }

  get tailIsDue(): boolean {
    return this.#tailCount >= TAIL_ENTRIES_DUE;
  }

  get hasFiles(): boolean {
    return this.#segments.count > 0;
  }

  get isSynced(): boolean {
    return this.#syncedOffset >= this.#tailOffset;
  }

  /**
   * Adds the entry at its queue offset. One that is there already is ignored; a young queue that begins above 0, or a
   * small hole, is filled. False when the offset cannot be right.
   */
  put(queueOffset: number, commitLogOffset: number, sizeBytes: number, tagsCode: number): boolean {
    if (this.#isRemoved) return true;
    const maxOffset = this.maxOffset;
    if (queueOffset !== maxOffset) {
      if (queueOffset < maxOffset) return true;
      if (this.#isUntouched()) this.#beginAt(queueOffset);
      else if (queueOffset - maxOffset > GAP_ENTRIES_MAX) return false;
      while (this.maxOffset < queueOffset) writeFillerEntry(this.#tailWithRoom(), this.#tailCount++ * ENTRY_SIZE_BYTES);
    }
    writeEntry(this.#tailWithRoom(), this.#tailCount * ENTRY_SIZE_BYTES, commitLogOffset, sizeBytes, tagsCode);
    this.#tailCount++;
    this.#lastCommitLogOffset = commitLogOffset;
    this.#commitLogEnd = commitLogOffset + sizeBytes;
    if (this.nextOffset <= queueOffset) this.nextOffset = queueOffset + 1;
    return true;
  }

  /** Takes back the offset of a message that could not be written, and with it those given out later. */
  takeBack(queueOffset: number): void {
    this.nextOffset = Math.min(this.nextOffset, queueOffset);
  }

  /** Moves the entries in memory to the files, making these where needed. On failure they stay in memory. */
  writeTail(): void {
    if (this.#tail === undefined || this.#tailCount === 0) return;
    const count = this.#tailCount;
    const position = this.#tailOffset * ENTRY_SIZE_BYTES;
    const bytes = this.#tail.subarray(0, count * ENTRY_SIZE_BYTES);
    this.#segments.grow(position, position + bytes.byteLength);
    this.#segments.write([bytes], position);
    this.#tailOffset += count;
    this.#tailCount = 0;
    // A queue with little traffic keeps no buffer: there may be very many of those.
    if (count < TAIL_ENTRIES_DUE / 4) this.#tail = undefined;
  }

  /** Puts the files on the disk; what is still in memory is not part of that. */
  async sync(): Promise<void> {
    const target = this.#tailOffset;
    await this.#segments.sync(this.#syncedOffset * ENTRY_SIZE_BYTES, target * ENTRY_SIZE_BYTES);
    this.#syncedOffset = Math.max(this.#syncedOffset, Math.min(target, this.#tailOffset));
  }

  /** Entries as bytes, from a queue offset on; fewer than `count` where the queue ends. */
  readSync(queueOffset: number, count: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.#available(queueOffset, count) * ENTRY_SIZE_BYTES);
    const rest = this.#copyTail(bytes, queueOffset);
    const read = this.#segments.readSync(bytes.subarray(0, rest), queueOffset * ENTRY_SIZE_BYTES);
    return read === rest ? bytes : bytes.subarray(0, read - (read % ENTRY_SIZE_BYTES));
  }

  /** As {@link readSync}, for entries that may have to come from the disk. */
  async read(queueOffset: number, count: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(this.#available(queueOffset, count) * ENTRY_SIZE_BYTES);
    const rest = this.#copyTail(bytes, queueOffset);
    const read = await this.#segments.read(bytes.subarray(0, rest), queueOffset * ENTRY_SIZE_BYTES);
    return read === rest ? bytes : bytes.subarray(0, read - (read % ENTRY_SIZE_BYTES));
  }

  /**
   * Finds the end of what is in the files: the first place without an entry. What lies behind a missing file is dropped
   * when `mayBeTorn`.
   */
  load(mayBeTorn: boolean): void {
    this.#segments.load({ removeBehindGap: mayBeTorn, areNamesSynced: !mayBeTorn });
    const first = this.#segments.start / ENTRY_SIZE_BYTES;
    const end = this.#segments.end / ENTRY_SIZE_BYTES;
    // Files are made one by one as entries come, so only the last two can have room left.
    const low = Math.max(first, end - 2 * this.entriesPerFile);
    this.#endAt(this.#firstWhere(low, end, (entry) => !isEntry(entry, 0)));
    this.#syncedOffset = this.#tailOffset;
  }

  /** Corrects the first offset after the commit log's own beginning has moved. */
  correctMinOffset(commitLogStart: number): void {
    const first = Math.max(this.#minOffset, this.#segments.start / ENTRY_SIZE_BYTES);
    const low = Math.min(first, this.maxOffset);
    const isThere = (entry: Buffer): boolean =>
      !isFillerEntry(entry, 0) && entryCommitLogOffset(entry, 0) >= commitLogStart;
    // Most often nothing was removed from this queue: one look tells.
    const isFirstThere = this.#firstWhere(low, Math.min(low + 1, this.maxOffset), isThere) === low;
    this.#minOffset = isFirstThere ? low : this.#firstWhere(low + 1, this.maxOffset, isThere);
  }

  /** Removes the files whose entries all belong to records in front of `commitLogStart`; never the last one. */
  async removeFilesBefore(commitLogStart: number): Promise<void> {
    while (this.#segments.count > 1) {
      const firstEnd = (this.#segments.start + this.#segments.fileSizeBytes) / ENTRY_SIZE_BYTES;
      const last = this.readSync(firstEnd - 1, 1);
      if (last.length === 0 || !isEntry(last, 0) || entryCommitLogOffset(last, 0) >= commitLogStart) return;
      await this.#segments.removeFirst();
    }
  }

  /**
   * Forgets the entries of records that begin at `commitLogOffset` or later; {@link cutFiles} makes that so on disk. Of a
   * queue that keeps none nothing is kept: after a power failure its first file may be missing and a later one be there.
   */
  forgetFrom(commitLogOffset: number): void {
    const first = this.#segments.start / ENTRY_SIZE_BYTES;
    const isForgotten = (entry: Buffer): boolean =>
      !isEntry(entry, 0) || (!isFillerEntry(entry, 0) && entryCommitLogOffset(entry, 0) >= commitLogOffset);
    const end = this.#firstWhere(first, this.#tailOffset, isForgotten);
    if (end === first) this.#segments.removeFrom(0);
    this.#endAt(end === first ? 0 : end);
  }

  /** Writes the tail and makes everything in the files beyond it zero. False when nothing is left of the queue. */
  cutFiles(): boolean {
    this.writeTail();
    this.#segments.zeroFrom(this.#tailOffset * ENTRY_SIZE_BYTES);
    // The next sync has to cover the zeros too, so all of the file that was cut.
    const cutFileOffset = this.#tailOffset - (this.#tailOffset % this.entriesPerFile);
    this.#syncedOffset = Math.min(this.#syncedOffset, cutFileOffset);
    return this.#segments.count > 0;
  }

  /** Its topic was deleted: it is empty from now on and takes nothing, for whoever still holds it. Its files are the caller's. */
  remove(): void {
    this.#isRemoved = true;
    this.#segments.letGo();
    this.#endAt(0);
  }

  #endAt(queueOffset: number): void {
    this.#tail = undefined;
    this.#tailCount = 0;
    this.#tailOffset = queueOffset;
    this.#syncedOffset = Math.min(this.#syncedOffset, queueOffset);
    this.#lastCommitLogOffset = -1;
    this.#commitLogEnd = 0;
    const first = this.#segments.start / ENTRY_SIZE_BYTES;
    this.#minOffset = Math.min(Math.max(this.#minOffset, first), queueOffset);
    this.nextOffset = queueOffset;
    if (queueOffset <= first) return;
    const last = this.readSync(queueOffset - 1, 1);
    if (isFillerEntry(last, 0)) return;
    this.#lastCommitLogOffset = entryCommitLogOffset(last, 0);
    this.#commitLogEnd = this.#lastCommitLogOffset + entrySizeBytes(last, 0);
  }

  #isUntouched(): boolean {
    return (
      this.#tailCount === 0 &&
      (this.#segments.count === 0 || this.#tailOffset * ENTRY_SIZE_BYTES === this.#segments.start)
    );
  }

  /** Apache begins such a queue in the file that holds the offset, with filler entries in front of it. */
  #beginAt(queueOffset: number): void {
    this.#segments.removeFrom(0);
    this.#tailOffset = queueOffset - (queueOffset % this.entriesPerFile);
    this.#syncedOffset = this.#tailOffset;
    this.#minOffset = queueOffset;
  }

  #available(queueOffset: number, count: number): number {
    return Math.max(0, Math.min(count, this.maxOffset - queueOffset));
  }

  /** Copies what `bytes` covers of the tail, and returns how many bytes in front of it are in files. */
  #copyTail(bytes: Buffer, queueOffset: number): number {
    const inFiles = Math.min(bytes.byteLength, Math.max(0, this.#tailOffset - queueOffset) * ENTRY_SIZE_BYTES);
    if (inFiles < bytes.byteLength) {
      const from = (queueOffset - this.#tailOffset) * ENTRY_SIZE_BYTES + inFiles;
      this.#tail?.copy(bytes, inFiles, from, from + bytes.byteLength - inFiles);
    }
    return inFiles;
  }

  /** The first offset in [low, high) whose entry holds the condition, which stays true from there on; else `high`. */
  #firstWhere(low: number, high: number, holds: (entry: Buffer) => boolean): number {
    const entry = Buffer.allocUnsafe(ENTRY_SIZE_BYTES);
    let from = low;
    let to = high;
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if (this.#copyEntry(entry, middle) && !holds(entry)) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #copyEntry(entry: Buffer, queueOffset: number): boolean {
    if (queueOffset >= this.#tailOffset && this.#tailCount > 0) return this.#copyTail(entry, queueOffset) === 0;
    return this.#segments.readSync(entry, queueOffset * ENTRY_SIZE_BYTES) === ENTRY_SIZE_BYTES;
  }

  #tailWithRoom(): Buffer {
    const needed = (this.#tailCount + 1) * ENTRY_SIZE_BYTES;
    if (this.#tail === undefined) this.#tail = Buffer.allocUnsafe(TAIL_ENTRIES_MIN * ENTRY_SIZE_BYTES);
    if (this.#tail.byteLength < needed) {
      const larger = Buffer.allocUnsafe(this.#tail.byteLength * 2);
      this.#tail.copy(larger, 0, 0, this.#tailCount * ENTRY_SIZE_BYTES);
      this.#tail = larger;
    }
    return this.#tail;
  }
}
