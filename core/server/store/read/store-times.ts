import type { CommitLog } from '../commitlog/commit-log.js';
import { isRecordMagic, readMagic, readStoreTimestamp, STORE_TIMESTAMP_END_MAX } from '../commitlog/record-layout.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { entryCommitLogOffset, isFillerEntry } from '../consumequeue/consume-queue-entry.js';
import type { MessageReader } from './message-reader.js';

/** When messages were stored: read from the beginnings of their records. */
export class StoreTimes {
  readonly #log: CommitLog;
  readonly #reader: Pick<MessageReader, 'isReadAtOnce'>;
  #earliest = { commitLogOffset: -1, storeTimestamp: -1 };

  constructor(log: CommitLog, reader: Pick<MessageReader, 'isReadAtOnce'>) {
    this.#log = log;
    this.#reader = reader;
  }

  /** Of the message at a queue offset: at once where it is young; undefined when there is none. */
  at(queue: ConsumeQueue, offset: number): number | undefined | Promise<number | undefined> {
    const commitLogOffset = commitLogOffsetAt(queue, offset);
    const log = this.#log;
    if (commitLogOffset === undefined || commitLogOffset < log.startOffset) return undefined;
    const head = Buffer.alloc(STORE_TIMESTAMP_END_MAX);
    if (this.#reader.isReadAtOnce(commitLogOffset)) {
      log.readSync(head, commitLogOffset);
      return storeTimestampIn(head);
    }
    return log.read(head, commitLogOffset).then(() => storeTimestampIn(head));
  }

  /** Of the oldest message; -1 without one. Where files may not be read any more, or cannot be, what was known last. */
  earliest(mayRead: boolean): number {
    const { startOffset: commitLogOffset, endOffset } = this.#log;
    const isKnown = this.#earliest.commitLogOffset === commitLogOffset;
    if (!isKnown && commitLogOffset < endOffset && mayRead) {
      const head = this.#headAt(commitLogOffset);
      if (head !== undefined) this.#earliest = { commitLogOffset, storeTimestamp: storeTimestampIn(head) ?? -1 };
    }
    return this.#earliest.storeTimestamp;
  }

  #headAt(commitLogOffset: number): Buffer | undefined {
    const head = Buffer.alloc(STORE_TIMESTAMP_END_MAX);
    try {
      this.#log.readSync(head, commitLogOffset);
      return head;
    } catch {
      // One number of many, which is asked for again: who wants the others must not fail for it.
      return undefined;
    }
  }
}

/** Where the message at a queue offset lies in the commit log; undefined when there is none. */
export function commitLogOffsetAt(queue: ConsumeQueue, offset: number): number | undefined {
  if (offset < queue.minOffset || offset >= queue.maxOffset) return undefined;
  const entry = queue.readSync(offset, 1);
  return entry.length === 0 || isFillerEntry(entry, 0) ? undefined : entryCommitLogOffset(entry, 0);
}

function storeTimestampIn(head: Buffer): number | undefined {
  return isRecordMagic(readMagic(head, 0)) ? readStoreTimestamp(head, 0) : undefined;
}
