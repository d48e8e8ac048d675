import { readInt64, writeInt64 } from '../../../message/int64.js';
import { javaStringHash, javaStringHashBehind } from '../../../message/tag-hash.js';

/**
 * One file of the index, big-endian (Apache's IndexFile): a hash table whose chains lead from the newest entry back.
 *
 *     0        40             40 + slots × 4                       (entry n at 40 + slots × 4 + n × 20)
 *     +--------+--------------+--------------------------------+
 *     | header | slots, i32   | entries of 20 bytes            |
 *     +--------+--------------+--------------------------------+
 *
 *     header   i64 begin time | i64 end time | i64 begin offset | i64 end offset | i32 slots in use | i32 count
 *     slot     number of the newest entry of its chain, 0 without one
 *     entry    i32 key hash | i64 commit-log offset | i32 seconds since begin time | i32 number of the entry before
 *
 * Begin and end are of the first and the last message in it. Entry 0 is never used, so the count begins at 1.
 */
export const HEADER_SIZE_BYTES = 40;
export const SLOT_SIZE_BYTES = 4;
export const ENTRY_SIZE_BYTES = 20;

/** Apache's maxHashSlotNum and maxIndexNum. */
export interface IndexShape {
  readonly slots: number;
  /** Entries of a file, the unused one included. */
  readonly entriesMax: number;
}

export interface IndexHeader {
  readonly beginTimestamp: number;
  readonly endTimestamp: number;
  readonly beginOffset: number;
  readonly endOffset: number;
  readonly slotsUsed: number;
  /** Number of the next entry. */
  readonly count: number;
}

export const EMPTY_HEADER: IndexHeader = {
  beginTimestamp: 0,
  endTimestamp: 0,
  beginOffset: 0,
  endOffset: 0,
  slotsUsed: 0,
  count: 1,
};

/** What an entry says. */
export interface IndexEntry {
  readonly keyHash: number;
  readonly commitLogOffset: number;
  readonly timeDiff: number;
  readonly previous: number;
}

export function indexFileSizeBytes({ slots, entriesMax }: IndexShape): number {
  return HEADER_SIZE_BYTES + slots * SLOT_SIZE_BYTES + entriesMax * ENTRY_SIZE_BYTES;
}

export function slotPosition(slot: number): number {
  return HEADER_SIZE_BYTES + slot * SLOT_SIZE_BYTES;
}

export function entryPosition({ slots }: IndexShape, number: number): number {
  return HEADER_SIZE_BYTES + slots * SLOT_SIZE_BYTES + number * ENTRY_SIZE_BYTES;
}

export function readIndexHeader(source: Buffer): IndexHeader {
  return {
    beginTimestamp: readInt64(source, 0),
    endTimestamp: readInt64(source, 8),
    beginOffset: readInt64(source, 16),
    endOffset: readInt64(source, 24),
    slotsUsed: source.readInt32BE(32),
    // A file that never got a header holds nothing.
    count: Math.max(1, source.readInt32BE(36)),
  };
}

export function encodeIndexHeader(header: IndexHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE_BYTES);
  writeInt64(bytes, 0, header.beginTimestamp);
  writeInt64(bytes, 8, header.endTimestamp);
  writeInt64(bytes, 16, header.beginOffset);
  writeInt64(bytes, 24, header.endOffset);
  bytes.writeInt32BE(header.slotsUsed, 32);
  bytes.writeInt32BE(header.count, 36);
  return bytes;
}

export function readIndexEntry(source: Buffer, position: number): IndexEntry {
  return {
    keyHash: source.readInt32BE(position),
    commitLogOffset: readInt64(source, position + 4),
    timeDiff: source.readInt32BE(position + 12),
    previous: source.readInt32BE(position + 16),
  };
}

export function writeIndexEntry(target: Buffer, position: number, entry: IndexEntry): void {
  target.writeInt32BE(entry.keyHash, position);
  writeInt64(target, position + 4, entry.commitLogOffset);
  target.writeInt32BE(entry.timeDiff, position + 12);
  target.writeInt32BE(entry.previous, position + 16);
}

/** What the index knows of a key: `|hashCode(topic#key)|`, 0 where Java's abs would stay negative. */
export function indexKeyHash(topic: string, key: string): number {
  return indexKeyHashOf(javaStringHashBehind(javaStringHash(`${topic}#`), key));
}

/** The same of the hash of `topic#key`. */
export function indexKeyHashOf(hash: number): number {
  const absolute = Math.abs(hash);
  return absolute > 0x7fffffff ? 0 : absolute;
}

/** Whole seconds since the file's first message, as far as 31 bits hold them. */
export function timeDiffOf(storeTimestamp: number, beginTimestamp: number): number {
  if (beginTimestamp <= 0) return 0;
  return Math.min(0x7fffffff, Math.max(0, Math.trunc((storeTimestamp - beginTimestamp) / 1000)));
}

/** Files are named by the local time at which they were made: yyyyMMddHHmmssSSS. */
export const INDEX_FILE_NAME = /^\d{17}$/;

/** The name of a file made now; behind that of the one before it, whatever became of the clock. */
export function indexFileName(nowMs: number, nameBefore = ''): string {
  const date = new Date(nowMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  const name = `${day}${time}${String(date.getMilliseconds()).padStart(3, '0')}`;
  return name > nameBefore ? name : String(BigInt(nameBefore) + 1n).padStart(17, '0');
}
