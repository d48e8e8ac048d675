import type { StoredRecord } from '../../../message/message-record.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { RecordsAtOnce, recordAt } from '../commitlog/record-at.js';
import { isRecordMagic, readMagic, readTotalSize } from '../commitlog/record-layout.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { ENTRY_SIZE_BYTES, entryCommitLogOffset } from '../consumequeue/consume-queue-entry.js';
import type { GetOptions, GetResult, GetStatus } from '../message-store.js';
import { chooseEntries, type EntryChoice, HOT_MESSAGES_MAX } from './choose-entries.js';
import { readMatching } from './read-matching.js';
import { type Span, spansOf } from './spans.js';

/** Entries looked at in one call where a filter may pass over many (Apache: 16,000 bytes of queue). */
const FILTERED_ENTRIES_MAX = 800;
/** Newest entries of a queue that are read at once (1.25 MiB); older ones leave the event loop free. */
export const ENTRIES_READ_AT_ONCE = 65_536;
/** Bytes between two wanted records that are read along rather than read around: in the page cache, and on a disk. */
export const GAP_BYTES_AT_ONCE = 1024;
export const GAP_BYTES_LATER = 64 * 1024;

export interface ReadLimits {
  readonly hotBytes: number;
  readonly readAtOnceBytes: number;
}

/** Reads messages of a queue in order: entries from the consume queue, records from the commit log. */
export class MessageReader {
  readonly #log: CommitLog;
  readonly #limits: ReadLimits;
  readonly #recordsAtOnce: RecordsAtOnce;

  constructor(log: CommitLog, limits: ReadLimits) {
    this.#log = log;
    this.#limits = limits;
    this.#recordsAtOnce = new RecordsAtOnce(log);
  }

  /** At once where entries and records are young, else by promise. */
  get(queue: ConsumeQueue, offset: number, options: GetOptions): GetResult | Promise<GetResult> {
    const { matchesRecord } = options;
    if (matchesRecord === undefined) return this.#get(queue, offset, options);
    return readMatching((from, plain) => this.#get(queue, from, plain), offset, { ...options, matchesRecord });
  }

  #get(queue: ConsumeQueue, offset: number, options: GetOptions): GetResult | Promise<GetResult> {
    const outside = statusOutside(queue, offset);
    if (outside !== undefined) return emptyResult(queue, outside.status, outside.nextBeginOffset);
    // One answer holds few messages whatever was asked for; only a filter may pass over many entries.
    const messagesMax = Math.max(1, Math.min(options.messagesMax, HOT_MESSAGES_MAX));
    const count = options.matchesTagsCode === undefined ? messagesMax : FILTERED_ENTRIES_MAX;
    if (queue.maxOffset - offset > ENTRIES_READ_AT_ONCE) return this.#getLater(queue, offset, count, options);
    return this.#readChosen(queue, offset, queue.readSync(offset, count), options);
  }

  /** The record at a place in the log, at once where it is young; undefined when there is no whole one. */
  recordAt(commitLogOffset: number): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    return this.isReadAtOnce(commitLogOffset)
      ? this.#recordsAtOnce.at(commitLogOffset)
      : recordAt(this.#log, commitLogOffset);
  }

  isCold(commitLogOffset: number): boolean {
    return this.#log.endOffset - commitLogOffset > this.#limits.hotBytes;
  }

  isReadAtOnce(commitLogOffset: number): boolean {
    return this.#log.endOffset - commitLogOffset <= this.#limits.readAtOnceBytes;
  }

  async #getLater(queue: ConsumeQueue, offset: number, count: number, options: GetOptions): Promise<GetResult> {
    return this.#readChosen(queue, offset, await queue.read(offset, count), options);
  }

  #readChosen(
    queue: ConsumeQueue,
    offset: number,
    entries: Buffer,
    options: GetOptions,
  ): GetResult | Promise<GetResult> {
    if (entries.length === 0) {
      const nextFile = offset - (offset % queue.entriesPerFile) + queue.entriesPerFile;
      return emptyResult(queue, 'OFFSET_FOUND_NULL', nextFile);
    }
    const choice = chooseEntries(entries, options, {
      commitLogStart: this.#log.startOffset,
      recordSizeBytesMax: this.#log.fileSizeBytes,
      isCold: (commitLogOffset) => this.isCold(commitLogOffset),
    });
    const first = choice.chosen[0];
    if (first === undefined) return emptyResult(queue, choice.statusWithout, offset + choice.scanned);
    const oldest = entryCommitLogOffset(entries, first * ENTRY_SIZE_BYTES);
    return this.isReadAtOnce(oldest)
      ? this.#readRecordsAtOnce(queue, offset, entries, choice)
      : this.#readRecordsLater(queue, offset, entries, choice);
  }

  #readRecordsAtOnce(queue: ConsumeQueue, offset: number, entries: Buffer, choice: EntryChoice): GetResult {
    const records: Buffer[] = [];
    for (const span of spansOf(entries, choice.chosen, GAP_BYTES_AT_ONCE)) {
      const bytes = Buffer.allocUnsafe(span.sizeBytes);
      addRecords(records, bytes.subarray(0, this.#log.readSync(bytes, span.commitLogOffset)), span);
    }
    return resultOf(queue, offset, choice, records);
  }

  async #readRecordsLater(
    queue: ConsumeQueue,
    offset: number,
    entries: Buffer,
    choice: EntryChoice,
  ): Promise<GetResult> {
    const records: Buffer[] = [];
    for (const span of spansOf(entries, choice.chosen, GAP_BYTES_LATER)) {
      const bytes = Buffer.allocUnsafe(span.sizeBytes);
      addRecords(records, bytes.subarray(0, await this.#log.read(bytes, span.commitLogOffset)), span);
    }
    return resultOf(queue, offset, choice, records);
  }
}

/** What a queue answers for an offset at which it has no message; undefined where it has one. */
function statusOutside(
  queue: ConsumeQueue,
  offset: number,
): { readonly status: GetStatus; readonly nextBeginOffset: number } | undefined {
  const { minOffset, maxOffset } = queue;
  if (maxOffset === 0) return { status: 'NO_MESSAGE_IN_QUEUE', nextBeginOffset: 0 };
  if (offset < minOffset) return { status: 'OFFSET_TOO_SMALL', nextBeginOffset: minOffset };
  if (offset === maxOffset) return { status: 'OFFSET_OVERFLOW_ONE', nextBeginOffset: offset };
  if (offset > maxOffset) return { status: 'OFFSET_OVERFLOW_BADLY', nextBeginOffset: maxOffset };
  return undefined;
}

function emptyResult(queue: ConsumeQueue, status: GetStatus, nextBeginOffset: number): GetResult {
  return { status, records: [], nextBeginOffset, minOffset: queue.minOffset, maxOffset: queue.maxOffset };
}

function resultOf(queue: ConsumeQueue, offset: number, choice: EntryChoice, records: Buffer[]): GetResult {
  const nextBeginOffset = offset + choice.scanned;
  if (records.length === 0) return emptyResult(queue, 'MESSAGE_WAS_REMOVING', nextBeginOffset);
  return { status: 'FOUND', records, nextBeginOffset, minOffset: queue.minOffset, maxOffset: queue.maxOffset };
}

/** Cuts the records out of what was read; one that is not there, or not what its entry says, is left out. */
function addRecords(records: Buffer[], bytes: Buffer, span: Span): void {
  for (const { at, sizeBytes } of span.parts) {
    if (at + sizeBytes > bytes.length) continue;
    if (readTotalSize(bytes, at) !== sizeBytes || !isRecordMagic(readMagic(bytes, at))) continue;
    records.push(bytes.subarray(at, at + sizeBytes));
  }
}
