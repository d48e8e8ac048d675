import { readInt64, writeInt64 } from '../../../message/int64.js';
import { writeInt32 } from '../../../runtime/big-endian.js';

/** An entry of a queue. */
export interface QueueEntry {
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  /** Hash of the tag; of a message that waits to be delivered, when it is due: see scheduledTagsCode and timerTagsCode. */
  readonly tagsCode: number;
}

/**
 * One entry of a consume queue, big-endian; entry n of a queue lies at byte n × 20 (Apache's ConsumeQueue).
 *
 *     0        8      12       20
 *     +--------+------+--------+
 *     | i64    | i32  | i64    |
 *     | commit | size | tags   |
 *     | offset |      | code   |
 *     +--------+------+--------+
 *
 * Size 0 marks where the queue ends. The tags code is the hash of the tag, 0 without one; for a message on its way
 * through a delay level it is the time of its delivery.
 */
export const ENTRY_SIZE_BYTES = 20;

/** Size that stands in the entries which fill a queue up to its first real one: (0, 0x7FFFFFFF, 0). */
const FILLER_SIZE = 0x7fffffff;

export function writeEntry(
  target: Buffer,
  position: number,
  commitLogOffset: number,
  sizeBytes: number,
  tagsCode: number,
): void {
  writeInt64(target, position, commitLogOffset);
  writeInt32(target, position + 8, sizeBytes);
  writeInt64(target, position + 12, tagsCode);
}

export function writeFillerEntry(target: Buffer, position: number): void {
  writeEntry(target, position, 0, FILLER_SIZE, 0);
}

export function entryCommitLogOffset(source: Buffer, position: number): number {
  return readInt64(source, position);
}

export function entrySizeBytes(source: Buffer, position: number): number {
  return source.readInt32BE(position + 8);
}

/** Exact up to 2^53. */
export function entryTagsCode(source: Buffer, position: number): number {
  return readInt64(source, position + 12);
}

export function isEntry(source: Buffer, position: number): boolean {
  return entrySizeBytes(source, position) > 0 && source.readInt32BE(position) >= 0;
}

export function isFillerEntry(source: Buffer, position: number): boolean {
  return entrySizeBytes(source, position) === FILLER_SIZE;
}

/** All entries of what was read of a queue, fillers included. */
export function readEntries(source: Buffer): QueueEntry[] {
  const entries: QueueEntry[] = [];
  for (let position = 0; position < source.length; position += ENTRY_SIZE_BYTES) {
    entries.push({
      commitLogOffset: entryCommitLogOffset(source, position),
      sizeBytes: entrySizeBytes(source, position),
      tagsCode: entryTagsCode(source, position),
    });
  }
  return entries;
}
