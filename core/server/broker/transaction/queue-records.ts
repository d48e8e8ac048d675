import { readRecord, type StoredRecord } from '../../../message/message-record.js';
import type { MessageStore } from '../message-store.js';
import { TRANSACTION_QUEUE_ID } from './transaction-topics.js';

const RECORDS_AT_ONCE = 32;

/** The records of a topic's queue from `from` to before `to`, some at a time; what is gone in between is left out. */
export async function* recordsOf(
  store: MessageStore,
  topic: string,
  from: number,
  to: number,
  queueId = TRANSACTION_QUEUE_ID,
): AsyncGenerator<readonly StoredRecord[]> {
  for (let offset = from; offset < to; ) {
    const messagesMax = Math.min(RECORDS_AT_ONCE, to - offset);
    const { records, nextBeginOffset } = await store.get(topic, queueId, offset, { messagesMax });
    if (records.length > 0) yield records.map((bytes) => readRecord(bytes, 0));
    // A store that cannot say where to go on has nothing more.
    if (nextBeginOffset <= offset) return;
    offset = nextBeginOffset;
  }
}
