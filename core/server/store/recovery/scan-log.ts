import { RecordMagic, type StoredRecord } from '../../../message/message-record.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import {
  endsInZero,
  FILLER_SIZE_BYTES,
  isRecordMagic,
  readMagic,
  readTotalSize,
  readWholeRecord,
} from '../commitlog/record-layout.js';

const CHUNK_SIZE_BYTES = 4 * 1024 * 1024;

/**
 * Reads the commit log record by record from a position on, and returns where the last whole record ends: at the first
 * bytes that are neither a valid record nor a filler (Apache's CommitLog.recoverAbnormally). Where the log may end in a
 * torn write, a record that ends in a zero counts only when another follows it.
 */
export async function scanLog(
  log: CommitLog,
  { from, mayBeTorn }: { readonly from: number; readonly mayBeTorn: boolean },
  onRecord: (record: StoredRecord) => void,
): Promise<number> {
  const reader = new LogReader(log, from);
  let doubtful: StoredRecord | undefined;
  for (;;) {
    const next = await reader.next();
    if (next === undefined) return doubtful === undefined ? reader.offset : doubtful.physicalOffset;
    if (doubtful !== undefined) onRecord(doubtful);
    doubtful = undefined;
    if (next === 'filler') continue;
    if (mayBeTorn && endsInZero(next)) doubtful = copyOf(next);
    else onRecord(next);
  }
}

/** Reads forward through a log in large chunks. */
class LogReader {
  /** Where the next record begins. */
  offset: number;
  readonly #log: CommitLog;
  #chunk: Buffer;
  #chunkStart: number;
  #chunkEnd: number;

  constructor(log: CommitLog, from: number) {
    this.#log = log;
    this.offset = from;
    this.#chunk = Buffer.allocUnsafe(Math.min(CHUNK_SIZE_BYTES, log.fileSizeBytes));
    this.#chunkStart = from;
    this.#chunkEnd = from;
  }

  /** The next record, which is valid until the call after; undefined where the log ends. */
  async next(): Promise<StoredRecord | 'filler' | undefined> {
    const { fileSizeBytes, filesEnd } = this.#log;
    const start = this.offset;
    if (start >= filesEnd || !(this.#has(FILLER_SIZE_BYTES) || (await this.#load(FILLER_SIZE_BYTES)))) return undefined;
    const roomBytes = fileSizeBytes - (start % fileSizeBytes);
    const totalSize = readTotalSize(this.#chunk, start - this.#chunkStart);
    const magic = readMagic(this.#chunk, start - this.#chunkStart);
    if (magic === RecordMagic.BLANK && totalSize === roomBytes) {
      this.offset += roomBytes;
      return 'filler';
    }
    if (!isRecordMagic(magic) || totalSize < FILLER_SIZE_BYTES || totalSize + FILLER_SIZE_BYTES > roomBytes) {
      return undefined;
    }
    if (!(this.#has(totalSize) || (await this.#load(totalSize)))) return undefined;
    const record = readWholeRecord(this.#chunk, start - this.#chunkStart, start);
    if (record !== undefined) this.offset += totalSize;
    return record;
  }

  #has(sizeBytes: number): boolean {
    return this.offset + sizeBytes <= this.#chunkEnd;
  }

  async #load(sizeBytes: number): Promise<boolean> {
    if (sizeBytes > this.#chunk.length) this.#chunk = Buffer.allocUnsafe(sizeBytes);
    this.#chunkStart = this.offset;
    this.#chunkEnd = this.offset + (await this.#log.read(this.#chunk, this.offset));
    return this.#has(sizeBytes);
  }
}

function copyOf(record: StoredRecord): StoredRecord {
  return { ...record, body: Buffer.from(record.body), properties: Buffer.from(record.properties) };
}
