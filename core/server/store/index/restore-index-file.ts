import { endianness } from 'node:os';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { StoreFile } from '../files/store-files.js';
import { writeAll } from '../files/whole-file.js';
import {
  EMPTY_HEADER,
  ENTRY_SIZE_BYTES,
  encodeIndexHeader,
  entryPosition,
  type IndexHeader,
  type IndexShape,
  indexFileSizeBytes,
  readIndexEntry,
  readIndexHeader,
  SLOT_SIZE_BYTES,
  slotPosition,
} from './index-layout.js';
import { indexedRecordAt, keyHashesOf } from './indexed-record.js';

const STEP_SIZE_BYTES = 1024 * 1024;
const STEP_SLOTS = 16_384;
const ZERO_RUN_BYTES_MAX = 32 * 1024 * 1024;

/** The part of the commit log that a file of the index may name. */
export interface LogRange {
  readonly log: CommitLog;
  /** Where the log ended when it was recovered. */
  readonly end: number;
}

/**
 * Brings a file in order that was not closed, or not put on the disk: its entries are written one behind the other, and
 * each says what its chain began with before, so that what is whole shows by itself. The slots are made anew from those
 * entries, and all behind them becomes zero. Undefined when nothing can be kept: then the file has to be made anew from
 * the log.
 */
export async function restoreIndexFile(
  file: StoreFile,
  shape: IndexShape,
  range: LogRange,
): Promise<IndexHeader | undefined> {
  const slots = new Int32Array(shape.slots);
  const found = await readWholeEntries(file, shape, slots, range.end);
  const header = found.count === 1 ? EMPTY_HEADER : await headerOf(file, shape, found, range);
  if (header === undefined) return undefined;
  await writeSlots(file, slots);
  await zeroFrom(file, entryPosition(shape, found.count), indexFileSizeBytes(shape));
  writeAll(file, encodeIndexHeader(header), 0);
  await file.sync();
  return header;
}

interface WholeEntries {
  readonly count: number;
  readonly slotsUsed: number;
}

/** Follows the entries as long as each continues what is in front of it, and notes what they make of the slots. */
async function readWholeEntries(
  file: StoreFile,
  shape: IndexShape,
  slots: Int32Array,
  logEnd: number,
): Promise<WholeEntries> {
  const chunkEntries = Math.min(shape.entriesMax, Math.floor(STEP_SIZE_BYTES / ENTRY_SIZE_BYTES));
  const chunk = Buffer.alloc(chunkEntries * ENTRY_SIZE_BYTES);
  let lastOffset = 0;
  let slotsUsed = 0;
  for (let start = 1; start < shape.entriesMax; start += chunkEntries) {
    const read = await file.read(chunk, entryPosition(shape, start));
    const end = Math.min(start + Math.floor(read / ENTRY_SIZE_BYTES), shape.entriesMax);
    for (let number = start; number < end; number++) {
      const { keyHash, commitLogOffset, timeDiff, previous } = readIndexEntry(
        chunk,
        (number - start) * ENTRY_SIZE_BYTES,
      );
      const slot = keyHash % shape.slots;
      const isEmpty = keyHash === 0 && commitLogOffset === 0 && timeDiff === 0 && previous === 0;
      const isInOrder = commitLogOffset >= lastOffset && commitLogOffset < logEnd;
      if (isEmpty || keyHash < 0 || timeDiff < 0 || !isInOrder || previous !== slots[slot]) {
        return { count: number, slotsUsed };
      }
      if (previous === 0) slotsUsed++;
      slots[slot] = number;
      lastOffset = commitLogOffset;
    }
  }
  return { count: shape.entriesMax, slotsUsed };
}

/** The times come from the messages themselves; undefined when the last entry names none, or one with other keys. */
async function headerOf(
  file: StoreFile,
  shape: IndexShape,
  { count, slotsUsed }: WholeEntries,
  { log }: LogRange,
): Promise<IndexHeader | undefined> {
  const entry = Buffer.alloc(ENTRY_SIZE_BYTES);
  await file.read(entry, entryPosition(shape, 1));
  const beginOffset = readIndexEntry(entry, 0).commitLogOffset;
  await file.read(entry, entryPosition(shape, count - 1));
  const last = readIndexEntry(entry, 0);
  const lastRecord = await indexedRecordAt(log, last.commitLogOffset);
  if (lastRecord === undefined || !keyHashesOf(lastRecord).includes(last.keyHash)) return undefined;
  const beginTimestamp = await beginTimestampOf(file, log, beginOffset);
  if (beginTimestamp === undefined) return undefined;
  const { storeTimestamp: endTimestamp } = lastRecord;
  return { beginTimestamp, endTimestamp, beginOffset, endOffset: last.commitLogOffset, slotsUsed, count };
}

/** The first message may have been removed for its age; then only the file itself still knows. */
async function beginTimestampOf(file: StoreFile, log: CommitLog, beginOffset: number): Promise<number | undefined> {
  const record = await indexedRecordAt(log, beginOffset);
  if (record !== undefined) return record.storeTimestamp;
  const bytes = Buffer.alloc(encodeIndexHeader(EMPTY_HEADER).length);
  await file.read(bytes, 0);
  const header = readIndexHeader(bytes);
  return header.beginOffset === beginOffset && header.beginTimestamp > 0 ? header.beginTimestamp : undefined;
}

/** Writes only what differs, so that a table that is mostly empty stays so on the disk. */
async function writeSlots(file: StoreFile, slots: Int32Array): Promise<void> {
  const stepSlots = Math.min(slots.length, STEP_SLOTS);
  const there = Buffer.alloc(stepSlots * SLOT_SIZE_BYTES);
  for (let first = 0; first < slots.length; first += stepSlots) {
    const count = Math.min(stepSlots, slots.length - first);
    const bytes = bigEndian(slots.subarray(first, first + count));
    const held = there.subarray(0, bytes.byteLength);
    await file.read(held, slotPosition(first));
    if (!held.equals(bytes)) writeAll(file, bytes, slotPosition(first));
  }
}

function bigEndian(numbers: Int32Array): Buffer {
  const bytes = Buffer.from(numbers.slice().buffer);
  return endianness() === 'LE' ? bytes.swap32() : bytes;
}

/**
 * Most of it was never written: reading tells, in another thread, and only what was is made zero here. It stops behind a
 * long run of zeros: to leave entries beyond, a power failure would have to drop all of that run.
 */
async function zeroFrom(file: StoreFile, from: number, end: number): Promise<void> {
  let zeroRunBytes = 0;
  const stepSizeBytes = Math.min(STEP_SIZE_BYTES, end - from);
  const chunk = Buffer.alloc(stepSizeBytes);
  const zeros = Buffer.alloc(stepSizeBytes);
  for (let at = from; at < end && zeroRunBytes < ZERO_RUN_BYTES_MAX; at += stepSizeBytes) {
    const length = Math.min(stepSizeBytes, end - at);
    await file.read(chunk.subarray(0, length), at);
    zeroRunBytes += length;
    if (chunk.subarray(0, length).equals(zeros.subarray(0, length))) continue;
    file.zero(at, length);
    zeroRunBytes = 0;
  }
}
