import { RecordMagic, type StoredRecord } from '../../../message/message-record.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import {
  FILLER_SIZE_BYTES,
  isRecordMagic,
  readMagic,
  readTotalSize,
  readWholeRecord,
} from '../commitlog/record-layout.js';

const CHUNK_SIZE_BYTES = 4 * 1024 * 1024;

/**
 * Reads the commit log record by record from a position on, and returns where the last whole record ends: at the first
 * bytes that are neither a valid record nor a filler (Apache's CommitLog.recoverAbnormally).
 */
export async function scanLog(log: CommitLog, from: number, onRecord: (record: StoredRecord) => void): Promise<number> {
  const { fileSizeBytes } = log;
  let chunk = Buffer.allocUnsafe(Math.min(CHUNK_SIZE_BYTES, fileSizeBytes));
  let chunkStart = from;
  let chunkEnd = from;
  let at = from;

  const load = async (bytes: number): Promise<boolean> => {
    if (at + bytes <= chunkEnd) return true;
    if (bytes > chunk.length) chunk = Buffer.allocUnsafe(bytes);
    chunkStart = at;
    chunkEnd = at + (await log.read(chunk, at));
    return at + bytes <= chunkEnd;
  };

  while (at < log.filesEnd && (await load(FILLER_SIZE_BYTES))) {
    const roomBytes = fileSizeBytes - (at % fileSizeBytes);
    const totalSize = readTotalSize(chunk, at - chunkStart);
    const magic = readMagic(chunk, at - chunkStart);
    if (magic === RecordMagic.BLANK && totalSize === roomBytes) {
      at += roomBytes;
      continue;
    }
    if (
      !isRecordMagic(magic) ||
      totalSize < FILLER_SIZE_BYTES ||
      totalSize + FILLER_SIZE_BYTES > roomBytes ||
      !(await load(totalSize))
    )
      break;
    const record = readWholeRecord(chunk, at - chunkStart, at);
    if (record === undefined) break;
    onRecord(record);
    at += totalSize;
  }
  return at;
}
