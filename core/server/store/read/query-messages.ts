import { bytesOfRecord, type StoredRecord } from '../../../message/message-record.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { recordAt } from '../commitlog/record-at.js';
import { indexedRecordOf } from '../index/indexed-record.js';
import type { MessageIndex } from '../index/message-index.js';
import type { MessageQuery, QueryResult } from '../message-store.js';

/** Of the records of one answer: a frame is not larger than 16 MiB. */
const SIZE_BYTES_MAX = 15 * 1024 * 1024;

/**
 * Looks messages up by a key. Each place that the index names is looked at: other keys may have the same hash, times are in
 * the index to the second, and what it names may have been removed since. Nothing is found without an index.
 */
export async function queryMessages(
  log: CommitLog,
  index: MessageIndex | undefined,
  query: MessageQuery,
): Promise<QueryResult> {
  const found = new Map<number, Buffer>();
  let sizeBytes = 0;
  if (query.messagesMax <= 0) return resultOf(found, index);
  await index?.find(query, async (commitLogOffset) => {
    const record = found.has(commitLogOffset) ? undefined : await recordAt(log, commitLogOffset);
    if (record === undefined || !isWanted(record, query)) return true;
    if (found.size > 0 && sizeBytes + record.totalSize > SIZE_BYTES_MAX) return false;
    found.set(commitLogOffset, bytesOfRecord(record));
    sizeBytes += record.totalSize;
    return found.size < query.messagesMax;
  });
  return resultOf(found, index);
}

function resultOf(found: ReadonlyMap<number, Buffer>, index: MessageIndex | undefined): QueryResult {
  const { storeTimestamp = 0, commitLogOffset = 0 } = index?.newest ?? {};
  return {
    records: [...found].sort(([one], [other]) => one - other).map(([, record]) => record),
    indexLastUpdateTimestamp: storeTimestamp,
    indexLastUpdateOffset: commitLogOffset,
  };
}

function isWanted(record: StoredRecord, { topic, key, begin, end }: MessageQuery): boolean {
  const { keys, storeTimestamp } = indexedRecordOf(record);
  return record.topic === topic && storeTimestamp >= begin && storeTimestamp <= end && keys.includes(key);
}
