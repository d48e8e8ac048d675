import type { StoredRecord } from '../../../message/message-record.js';
import type { Logger } from '../../../runtime/logger.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import {
  FILLER_SIZE_BYTES,
  isRecordMagic,
  readMagic,
  readTotalSize,
  readWholeRecord,
} from '../commitlog/record-layout.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import { hasQueueEntry, tagsCodeOfRecord } from '../consumequeue/queue-entry-of.js';
import type { DeletedTopics } from '../deleted-topics.js';
import type { Checkpoint } from '../flush/checkpoint.js';
import type { QueueCensus } from './queue-census.js';
import { scanLog } from './scan-log.js';

export interface RecoveryInput {
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly checkpoint: Checkpoint;
  /** Whether the last run ended without a clean stop. */
  readonly aborted: boolean;
  /** Up to where the log was on the disk when a sync failed in the last run; undefined when none did. */
  readonly unsyncedFrom: number | undefined;
  /** The queues as the last clean stop left them. */
  readonly census: QueueCensus;
  readonly deleted: DeletedTopics;
  /** Delays of levels 1, 2, 3 … in milliseconds. */
  readonly delayLevelsMs: readonly number[];
  readonly logger: Logger;
}

export interface Recovered {
  /** Store time of the newest record; 0 without any that was looked at. */
  readonly lastStoreTimestamp: number;
  /** Whether what was stored last was read again, since the last stop was not clean. */
  readonly isReplayed: boolean;
}

/**
 * Finds the end of the commit log and brings the queues in line with it (Apache's DefaultMessageStore.recover).
 *
 * After a clean stop the queues are trusted: the log goes on behind the last record they name, which is looked at. When one
 * of them is not there any more they are made anew from the whole log.
 * Otherwise every record is checked from the checkpoint on and put into its queue anew, and what follows the last whole
 * record is made zero; later files hold nothing and are removed. No file is ever shortened. After a sync that failed
 * nothing is trusted: what the log holds beyond the last good one is written again, and all queues are made anew.
 *
 * Records of topics that were deleted since get no place in any queue.
 */
export async function recover(input: RecoveryInput): Promise<Recovered> {
  const { log, queues, aborted, unsyncedFrom, census, deleted, logger } = input;
  if (unsyncedFrom !== undefined) logger.warn('a sync failed before: reading the whole log again', { unsyncedFrom });
  queues.removeDeleted(deleted);
  const cleanStart = aborted || unsyncedFrom !== undefined ? undefined : await findCleanStart(input);
  if (cleanStart === undefined) {
    if (!aborted && unsyncedFrom === undefined)
      logger.warn('the queues and the commit log do not agree after a clean stop: reading the log again');
    return recoverFromCheckpoint(input);
  }
  const isMissingAny = census.isMissingAny(log, queues);
  if (isMissingAny) {
    logger.warn('queues that were there at the last clean stop are gone: reading the whole log again');
    queues.forgetFrom(log.startOffset);
  }
  const recovered = await replay(input, { from: isMissingAny ? log.startOffset : cleanStart, mayBeTorn: false });
  log.removeFilesBehindEnd();
  if (isMissingAny) queues.cutFiles();
  queues.correctMinOffsets(log.startOffset);
  return { ...recovered, isReplayed: false };
}

/** Where the last record begins that any queue names, or what to read when none does; undefined when it is not there. */
async function findCleanStart({ log, queues }: RecoveryInput): Promise<number | undefined> {
  let lastRecord = -1;
  let lastRecordEnd = -1;
  for (const queue of queues) {
    if (queue.commitLogEnd <= lastRecordEnd) continue;
    lastRecordEnd = queue.commitLogEnd;
    lastRecord = queue.lastCommitLogOffset;
  }
  // Without any queue all are made anew.
  if (lastRecordEnd <= 0) return log.startOffset;
  // What the queues name was removed for its age; behind it are records that have no place in a queue.
  if (lastRecordEnd <= log.startOffset) return log.startOffset;
  if (lastRecord < log.startOffset || lastRecordEnd > log.filesEnd) return undefined;
  let found = false;
  await scanLog(log, { from: lastRecord, mayBeTorn: false }, (record) => {
    found ||= record.physicalOffset === lastRecord && lastRecord + record.totalSize === lastRecordEnd;
  });
  return found ? lastRecord : undefined;
}

async function recoverFromCheckpoint(input: RecoveryInput): Promise<Recovered> {
  const { log, queues, unsyncedFrom, deleted, logger } = input;
  const from = unsyncedFrom === undefined ? await findScanStart(input) : log.startOffset;
  queues.forgetFrom(unsyncedFrom === undefined ? from : 0);
  // What was torn is gone from them now, so that they show whose they are.
  queues.removeDeleted(deleted);
  const recovered = await replay(input, { from, mayBeTorn: true });
  const lostBytes = log.filesEnd - log.endOffset;
  if (unsyncedFrom !== undefined) log.rewriteFrom(unsyncedFrom);
  await log.cutFiles(from);
  queues.cutFiles();
  queues.correctMinOffsets(log.startOffset);
  logger.info('the commit log was recovered', { from, end: log.endOffset, behindEndBytes: lostBytes });
  return { ...recovered, isReplayed: true };
}

/**
 * The newest file whose first record was surely on the disk with its queue entry, else the oldest. A record that was torn
 * in the middle of its store time would tell a time long ago, so it has to be whole. Without any queue all are made anew.
 */
async function findScanStart({ log, queues, checkpoint }: RecoveryInput): Promise<number> {
  if (![...queues].some((queue) => queue.commitLogEnd > 0)) return log.startOffset;
  for (let start = log.filesEnd - log.fileSizeBytes; start > log.startOffset; start -= log.fileSizeBytes) {
    const record = await readFirstRecord(log, start);
    if (record === undefined || record.storeTimestamp <= 0) continue;
    if (record.storeTimestamp <= checkpoint.minTimestamp) return start;
  }
  return log.startOffset;
}

async function readFirstRecord(log: CommitLog, start: number): Promise<StoredRecord | undefined> {
  const head = Buffer.alloc(FILLER_SIZE_BYTES);
  await log.read(head, start);
  const sizeBytes = readTotalSize(head, 0);
  if (!isRecordMagic(readMagic(head, 0)) || sizeBytes < head.length || sizeBytes > log.fileSizeBytes) return undefined;
  const bytes = Buffer.allocUnsafe(sizeBytes);
  await log.read(bytes, start);
  return readWholeRecord(bytes, 0, start);
}

async function replay(
  { log, queues, deleted, delayLevelsMs, logger }: RecoveryInput,
  range: { readonly from: number; readonly mayBeTorn: boolean },
): Promise<Omit<Recovered, 'isReplayed'>> {
  let lastStoreTimestamp = 0;
  const end = await scanLog(log, range, (record) => {
    lastStoreTimestamp = Math.max(lastStoreTimestamp, record.storeTimestamp);
    if (!deleted.has(record.topic, record.physicalOffset))
      putIntoQueue(queues, record, tagsCodeOfRecord(record, delayLevelsMs), logger);
  });
  // What was not known to be synced may be in the page cache only.
  log.endAt(end, range.from);
  return { lastStoreTimestamp };
}

function putIntoQueue(queues: ConsumeQueues, record: StoredRecord, tagsCode: number, logger: Logger): void {
  if (!hasQueueEntry(record.sysFlag)) return;
  const { topic, queueId, queueOffset, physicalOffset: commitLogOffset } = record;
  const queue = queues.findOrMake(topic, queueId);
  if (!queues.put(queue, queueOffset, commitLogOffset, record.totalSize, tagsCode)) {
    logger.error('a record names a queue offset far beyond its queue and is left out of it', {
      topic,
      queueId,
      queueOffset,
      expected: queue.maxOffset,
      commitLogOffset,
    });
  }
  queues.writeDue(queue);
}
