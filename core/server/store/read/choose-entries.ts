import {
  ENTRY_SIZE_BYTES,
  entryCommitLogOffset,
  entrySizeBytes,
  entryTagsCode,
  isFillerEntry,
} from '../consumequeue/consume-queue-entry.js';
import type { GetOptions, GetStatus } from '../message-store.js';

/** Apache's limits of one answer: maxTransferCountOnMessageInMemory and its siblings. */
export const HOT_MESSAGES_MAX = 32;
export const HOT_SIZE_BYTES_MAX = 262_144;
const COLD_MESSAGES_MAX = 8;
const COLD_SIZE_BYTES_MAX = 65_536;

export interface LogFacts {
  readonly commitLogStart: number;
  /** An entry that says more is damaged. */
  readonly recordSizeBytesMax: number;
  readonly isCold: (commitLogOffset: number) => boolean;
}

export interface EntryChoice {
  /** Numbers of the entries to read, counted from the first one given. */
  readonly chosen: readonly number[];
  /** Entries that this answer deals with: the next one begins behind them. */
  readonly scanned: number;
  /** What to answer when none was chosen. */
  readonly statusWithout: GetStatus;
}

/**
 * Chooses what one answer carries from entries that follow one another (Apache's DefaultMessageStore.getMessage): those
 * that match, until the batch is full. The first message is always taken, whatever its size.
 */
export function chooseEntries(entries: Buffer, options: GetOptions, log: LogFacts): EntryChoice {
  const { matchesTagsCode } = options;
  const chosen: number[] = [];
  let statusWithout: GetStatus = 'NO_MATCHED_MESSAGE';
  let chosenBytes = 0;
  let scanned = 0;
  for (const count = entries.length / ENTRY_SIZE_BYTES; scanned < count; scanned++) {
    const at = scanned * ENTRY_SIZE_BYTES;
    const commitLogOffset = entryCommitLogOffset(entries, at);
    const sizeBytes = entrySizeBytes(entries, at);
    if (isFull(chosen.length, chosenBytes + sizeBytes, options, log.isCold(commitLogOffset))) break;
    const isRecord = !isFillerEntry(entries, at) && sizeBytes > 0 && sizeBytes <= log.recordSizeBytesMax;
    if (!isRecord || commitLogOffset < log.commitLogStart) {
      statusWithout = 'MESSAGE_WAS_REMOVING';
      continue;
    }
    if (matchesTagsCode !== undefined && !matchesTagsCode(entryTagsCode(entries, at))) {
      statusWithout = 'NO_MATCHED_MESSAGE';
      continue;
    }
    chosen.push(scanned);
    chosenBytes += sizeBytes;
  }
  return { chosen, scanned, statusWithout };
}

function isFull(chosen: number, bytesWithNext: number, options: GetOptions, isCold: boolean): boolean {
  if (chosen === 0) return false;
  const messagesMax = Math.min(options.messagesMax, isCold ? COLD_MESSAGES_MAX : HOT_MESSAGES_MAX);
  const sizeBytesMax = Math.min(
    options.sizeBytesMax ?? HOT_SIZE_BYTES_MAX,
    isCold ? COLD_SIZE_BYTES_MAX : HOT_SIZE_BYTES_MAX,
  );
  return chosen >= messagesMax || bytesWithNext > sizeBytesMax;
}
