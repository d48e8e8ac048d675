import type { StoredRecord } from '../../../message/message-record.js';
import type { CommitLog } from './commit-log.js';
import { isRecordMagic, readMagic, readTotalSize, readWholeRecord } from './record-layout.js';

/** Total size and magic. */
const HEAD_SIZE_BYTES = 8;
/** Most records are not longer: then one read finds out how long it is and reads it. */
const FIRST_READ_SIZE_BYTES = 4096;

/** The record at a place in the log; undefined when there is no whole one. */
export async function recordAt(log: CommitLog, commitLogOffset: number): Promise<StoredRecord | undefined> {
  if (!isInside(log, commitLogOffset)) return undefined;
  const head = Buffer.alloc(HEAD_SIZE_BYTES);
  await log.read(head, commitLogOffset);
  const sizeBytes = sizeOf(log, head, commitLogOffset);
  if (sizeBytes === undefined) return undefined;
  const bytes = Buffer.allocUnsafe(sizeBytes);
  if ((await log.read(bytes, commitLogOffset)) < sizeBytes) return undefined;
  return readWholeRecord(bytes, 0, commitLogOffset);
}

/** The same at once: for what is in the page cache. */
export class RecordsAtOnce {
  readonly #log: CommitLog;
  readonly #first = Buffer.allocUnsafeSlow(FIRST_READ_SIZE_BYTES);

  constructor(log: CommitLog) {
    this.#log = log;
  }

  at(commitLogOffset: number): StoredRecord | undefined {
    const log = this.#log;
    const first = this.#first;
    if (!isInside(log, commitLogOffset)) return undefined;
    const readBytes = log.readSync(first, commitLogOffset);
    const sizeBytes = sizeOf(log, first, commitLogOffset);
    if (sizeBytes === undefined) return undefined;
    const bytes = Buffer.allocUnsafe(sizeBytes);
    if (sizeBytes <= readBytes) first.copy(bytes, 0, 0, sizeBytes);
    else if (log.readSync(bytes, commitLogOffset) < sizeBytes) return undefined;
    return readWholeRecord(bytes, 0, commitLogOffset);
  }
}

function isInside(log: CommitLog, commitLogOffset: number): boolean {
  if (!Number.isSafeInteger(commitLogOffset) || commitLogOffset < log.startOffset) return false;
  return commitLogOffset + HEAD_SIZE_BYTES <= log.endOffset;
}

function sizeOf(log: CommitLog, head: Buffer, commitLogOffset: number): number | undefined {
  const sizeBytes = readTotalSize(head, 0);
  const roomBytes = log.fileSizeBytes - (commitLogOffset % log.fileSizeBytes);
  if (!isRecordMagic(readMagic(head, 0)) || sizeBytes < HEAD_SIZE_BYTES || sizeBytes > roomBytes) return undefined;
  return commitLogOffset + sizeBytes > log.endOffset ? undefined : sizeBytes;
}
