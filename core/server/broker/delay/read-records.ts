import { readRecord, type StoredRecord } from '../../../message/message-record.js';
import type { MessageStore } from '../message-store.js';

/** What one answer of the store holds at most. */
const MESSAGES_MAX = 32;

/**
 * The records at offsets of a queue, by offset; what is not there any more is missing. Offsets that follow one another are
 * read together, and no promise is made where the store answers at once.
 */
export async function readRecordsAt(
  store: Pick<MessageStore, 'get'>,
  { topic, queueId }: { readonly topic: string; readonly queueId: number },
  offsets: readonly number[],
): Promise<ReadonlyMap<number, StoredRecord>> {
  const records = new Map<number, StoredRecord>();
  for (let index = 0; index < offsets.length; ) {
    const first = offsets[index]!;
    const count = runLength(offsets, index);
    const asked = store.get(topic, queueId, first, { messagesMax: Math.min(count, MESSAGES_MAX) });
    const got = 'then' in asked ? await asked : asked;
    for (const bytes of got.records) {
      const record = readRecord(bytes, 0);
      records.set(record.queueOffset, record);
    }
    // One answer may hold fewer; what was passed over without a record is gone.
    index += Math.min(count, Math.max(1, got.nextBeginOffset - first));
  }
  return records;
}

function runLength(offsets: readonly number[], from: number): number {
  let length = 1;
  while (offsets[from + length] === offsets[from]! + length) length++;
  return length;
}
