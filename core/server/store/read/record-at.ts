import type { CommitLog } from '../commitlog/commit-log.js';
import { isRecordMagic, readMagic, readTotalSize, readWholeRecord } from '../commitlog/record-layout.js';

/** Total size and magic. */
const HEAD_SIZE_BYTES = 8;

/** The bytes of the record at a place in the log; undefined when there is no whole one. */
export async function recordAt(log: CommitLog, commitLogOffset: number): Promise<Buffer | undefined> {
  const head = Buffer.alloc(HEAD_SIZE_BYTES);
  if (!Number.isSafeInteger(commitLogOffset) || commitLogOffset < log.startOffset) return undefined;
  if (commitLogOffset + head.length > log.endOffset) return undefined;
  await log.read(head, commitLogOffset);
  const sizeBytes = readTotalSize(head, 0);
  const roomBytes = log.fileSizeBytes - (commitLogOffset % log.fileSizeBytes);
  if (!isRecordMagic(readMagic(head, 0)) || sizeBytes < head.length || sizeBytes > roomBytes) return undefined;
  if (commitLogOffset + sizeBytes > log.endOffset) return undefined;
  const bytes = Buffer.allocUnsafe(sizeBytes);
  if ((await log.read(bytes, commitLogOffset)) < sizeBytes) return undefined;
  return readWholeRecord(bytes, 0, commitLogOffset) === undefined ? undefined : bytes;
}
