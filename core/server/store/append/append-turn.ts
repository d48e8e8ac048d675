import { type RecordFields, writeRecord } from '../../../message/message-record.js';
import type { Logger } from '../../../runtime/logger.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { AppendResult, AppendStatus } from '../message-store.js';

/** What is gathered before it has to be written. */
const TURN_SIZE_BYTES_MAX = 4 * 1024 * 1024;
const TURN_MESSAGES_MAX = 1024;
const BUFFER_SIZE_BYTES_MIN = 64 * 1024;

/** A message that has its place: written with its turn, then acknowledged as the flush policy decides. */
export class TakenMessage {
  readonly queue: ConsumeQueue;
  /** False for a record that has no place in the queue of its topic: transactions that are not committed. */
  readonly isQueued: boolean;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  readonly tagsCode: number;
  readonly storeTimestamp: number;
  readonly waitStored: boolean;
  readonly #done: (result: AppendResult) => void;
  readonly #logger: Logger;

  constructor(
    queue: ConsumeQueue,
    isQueued: boolean,
    record: Pick<RecordFields, 'queueOffset' | 'physicalOffset' | 'storeTimestamp'>,
    sizeBytes: number,
    tagsCode: number,
    waitStored: boolean,
    done: (result: AppendResult) => void,
    logger: Logger,
  ) {
    this.queue = queue;
    this.isQueued = isQueued;
    this.queueOffset = record.queueOffset;
    this.commitLogOffset = record.physicalOffset;
    this.sizeBytes = sizeBytes;
    this.tagsCode = tagsCode;
    this.storeTimestamp = record.storeTimestamp;
    this.waitStored = waitStored;
    this.#done = done;
    this.#logger = logger;
  }

  /** The message is stored; `status` says how safely. */
  answer(status: 'PUT_OK' | 'FLUSH_DISK_TIMEOUT'): void {
    const { commitLogOffset, queueOffset, storeTimestamp } = this;
    this.#tell({ status, commitLogOffset, queueOffset, storeTimestamp });
  }

  refuse(status: AppendStatus): void {
    this.#tell(notStored(status));
  }

  /** One caller that throws must not keep the others of its turn from their answers. */
  #tell(result: AppendResult): void {
    try {
      this.#done(result);
    } catch (error) {
      this.#logger.error('the callback of an append threw', { error });
    }
  }
}

/** The result for a message that was not stored. */
export function notStored(status: AppendStatus): AppendResult {
  return { status, commitLogOffset: -1, queueOffset: -1, storeTimestamp: 0 };
}

/**
 * The records that one turn of the event loop brought, encoded one after the other in a buffer that is used again for
 * the next turn: they are written before the turn ends. One copy and one write beat a vectored write of the parts at
 * 1 KiB bodies (bench/store-append.mjs), and leave nothing behind to collect.
 */
export class AppendTurn {
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_SIZE_BYTES_MIN);
  #sizeBytes = 0;
  #messages: TakenMessage[] = [];

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get messages(): readonly TakenMessage[] {
    return this.#messages;
  }

  /** Whether a record of this size belongs to this turn's write; an empty turn takes any. */
  hasRoomFor(sizeBytes: number): boolean {
    if (this.#messages.length === 0) return true;
    return this.#sizeBytes + sizeBytes <= TURN_SIZE_BYTES_MAX && this.#messages.length < TURN_MESSAGES_MAX;
  }

  /** Encodes a record of the given size behind those that are there. */
  add(record: RecordFields, sizeBytes: number): void {
    const needed = this.#sizeBytes + sizeBytes;
    if (needed > this.#buffer.length) this.#grow(needed);
    writeRecord(this.#buffer, this.#sizeBytes, record);
    this.#sizeBytes = needed;
  }

  /** Remembers whom to answer for the record that was added last. */
  expect(message: TakenMessage): void {
    this.#messages.push(message);
  }

  /** What is to be written. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#sizeBytes);
  }

  /** Begins the next turn, and hands out the messages of this one. */
  take(): TakenMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#sizeBytes = 0;
    if (this.#buffer.length > TURN_SIZE_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(BUFFER_SIZE_BYTES_MIN);
    return messages;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(this.#buffer.length * 2, TURN_SIZE_BYTES_MAX)));
    this.#buffer.copy(larger, 0, 0, this.#sizeBytes);
    this.#buffer = larger;
  }
}
