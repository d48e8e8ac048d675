import type { CommitLog } from '../commitlog/commit-log.js';
import { isRecordMagic, readMagic, readTotalSize } from '../commitlog/record-layout.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import {
  ENTRY_SIZE_BYTES,
  entryCommitLogOffset,
  entrySizeBytes,
  isFillerEntry,
} from '../consumequeue/consume-queue-entry.js';
import { ENTRIES_READ_AT_ONCE, GAP_BYTES_AT_ONCE, GAP_BYTES_LATER, type MessageReader } from './message-reader.js';
import { type Span, spansOf } from './spans.js';

/** Entries of an old part of a queue that are read together, for this visit and those that go on from it (80 KiB). */
const ENTRIES_AHEAD = 4_096;
/** A span is not longer unless it is one record. */
const ROOM_SIZE_BYTES = 1024 * 1024;

/** Where a record begins in `source`, and which offset of its queue it has. `source` is good until this returns. */
export type RecordVisit = (queueOffset: number, source: Buffer, position: number) => void;

/**
 * Shows records of a queue one after the other, for who needs each for a moment only, and very many of them. All come by
 * the same buffer: at tens of thousands a second new ones would have the collector go through the heap again and again, in
 * steps that keep everybody waiting.
 */
export class RecordVisitor {
  readonly #log: CommitLog;
  readonly #reader: Pick<MessageReader, 'isReadAtOnce'>;
  #room: Buffer | undefined;
  #ahead: { readonly queue: ConsumeQueue; readonly offset: number; readonly entries: Buffer } | undefined;

  constructor(log: CommitLog, reader: Pick<MessageReader, 'isReadAtOnce'>) {
    this.#log = log;
    this.#reader = reader;
  }

  /** At once where entries and records are young, else by promise. What is not there, or not whole, is left out. */
  visit(queue: ConsumeQueue, offset: number, count: number, visit: RecordVisit): void | Promise<void> {
    const from = Math.max(offset, queue.minOffset);
    const wanted = Math.min(offset + count, queue.maxOffset) - from;
    if (wanted <= 0) return;
    if (queue.maxOffset - from <= ENTRIES_READ_AT_ONCE) {
      return this.#visit(from, queue.readSync(from, wanted), visit);
    }
    const known = this.#readAhead(queue, from, wanted);
    if (known !== undefined) return this.#visit(from, known, visit);
    return this.#visitLater(queue, from, wanted, visit);
  }

  async #visitLater(queue: ConsumeQueue, offset: number, count: number, visit: RecordVisit): Promise<void> {
    const entries = await queue.read(offset, Math.max(count, ENTRIES_AHEAD));
    this.#ahead = { queue, offset, entries };
    await this.#visit(offset, entries.subarray(0, count * ENTRY_SIZE_BYTES), visit);
  }

  /** Entries stay as they are once they can be read. */
  #readAhead(queue: ConsumeQueue, offset: number, count: number): Buffer | undefined {
    const ahead = this.#ahead;
    if (ahead === undefined || ahead.queue !== queue || offset < ahead.offset) return undefined;
    const at = (offset - ahead.offset) * ENTRY_SIZE_BYTES;
    const end = at + count * ENTRY_SIZE_BYTES;
    return end > ahead.entries.length ? undefined : ahead.entries.subarray(at, end);
  }

  #visit(offset: number, entries: Buffer, visit: RecordVisit): void | Promise<void> {
    const there: number[] = [];
    for (let number = 0; number * ENTRY_SIZE_BYTES < entries.length; number++) {
      if (this.#isThere(entries, number * ENTRY_SIZE_BYTES)) there.push(number);
    }
    const first = there[0];
    if (first === undefined) return;
    if (!this.#reader.isReadAtOnce(entryCommitLogOffset(entries, first * ENTRY_SIZE_BYTES))) {
      return this.#showLater(offset, there, spansOf(entries, there, GAP_BYTES_LATER), visit);
    }
    let shown = 0;
    for (const span of spansOf(entries, there, GAP_BYTES_AT_ONCE)) {
      const bytes = this.#roomFor(span.sizeBytes);
      show(
        bytes,
        this.#log.readSync(bytes, span.commitLogOffset),
        span,
        (part) => offset + there[shown + part]!,
        visit,
      );
      shown += span.parts.length;
    }
  }

  async #showLater(
    offset: number,
    there: readonly number[],
    spans: readonly Span[],
    visit: RecordVisit,
  ): Promise<void> {
    let shown = 0;
    for (const span of spans) {
      // Another visit may use the common buffer meanwhile.
      const bytes = Buffer.allocUnsafe(span.sizeBytes);
      const filled = await this.#log.read(bytes, span.commitLogOffset);
      const before = shown;
      show(bytes, filled, span, (part) => offset + there[before + part]!, visit);
      shown += span.parts.length;
    }
  }

  #isThere(entries: Buffer, at: number): boolean {
    const sizeBytes = entrySizeBytes(entries, at);
    if (isFillerEntry(entries, at) || sizeBytes <= 0 || sizeBytes > this.#log.fileSizeBytes) return false;
    return entryCommitLogOffset(entries, at) >= this.#log.startOffset;
  }

  #roomFor(sizeBytes: number): Buffer {
    if (sizeBytes > ROOM_SIZE_BYTES) return Buffer.allocUnsafe(sizeBytes);
    this.#room ??= Buffer.allocUnsafeSlow(ROOM_SIZE_BYTES);
    return this.#room.subarray(0, sizeBytes);
  }
}

function show(
  bytes: Buffer,
  filled: number,
  { parts }: Span,
  offsetOf: (part: number) => number,
  visit: RecordVisit,
): void {
  for (const [part, { at, sizeBytes }] of parts.entries()) {
    if (at + sizeBytes > filled) continue;
    if (readTotalSize(bytes, at) !== sizeBytes || !isRecordMagic(readMagic(bytes, at))) continue;
    visit(offsetOf(part), bytes, at);
  }
}
