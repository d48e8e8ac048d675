import { RECORD_TOPIC_BYTES_MAX, type RecordFields, recordSize } from '../../../message/message-record.js';
import { PROPERTIES_BYTES_MAX } from '../../../message/properties.js';
import type { Clock } from '../../../runtime/clock.js';
import { clearImmediate, queueMicrotask, setImmediate } from '../../../runtime/event-loop.js';
import type { Logger } from '../../../runtime/logger.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import { FILLER_SIZE_BYTES, wouldLookTorn } from '../commitlog/record-layout.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import { hasQueueEntry, scheduledTagsCode } from '../consumequeue/queue-entry-of.js';
import type { AppendBatchResult, AppendResult, AppendStatus, StoreMessage } from '../message-store.js';
import type { ResolvedStoreOptions } from '../store-options.js';
import { AppendTurn, notStored, TakenMessage } from './append-turn.js';
import { BatchAnswer, batchNotStored } from './batch-answer.js';
import type { FlushPolicy } from './flush-policy.js';
import { HostBytes } from './host-bytes.js';
import type { WriteGate } from './write-gate.js';

/** What a topic's directory may be called; the broker is stricter in what it accepts, this keeps paths inside. */
const TOPIC = /^[%|a-zA-Z0-9_-]+$/;
const QUEUE_ID_MAX = 2 ** 31 - 1;

export interface MessageWriterParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly gate: WriteGate;
  readonly flush: FlushPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What they say at the moment counts: an operator may change the largest size. */
  readonly options: Pick<ResolvedStoreOptions, 'maxMessageSize'>;
  /** Delays of levels 1, 2, 3 … in milliseconds. */
  readonly delayLevelsMs: readonly number[];
  /** No record is stamped earlier. */
  readonly lastStoreTimestamp: number;
}

/**
 * Takes messages into the turn's write. Their places are decided as they come; bytes go down in one write at the end of
 * the turn. When they can be read and are acknowledged is for the flush policy to say.
 */
export class MessageWriter {
  readonly #parts: MessageWriterParts;
  readonly #turn = new AppendTurn();
  readonly #hosts: HostBytes;
  readonly #record: { -readonly [K in keyof RecordFields]: RecordFields[K] } = emptyRecord();
  /** Written, not yet answered: an append that starts an early write must not run callbacks of others. */
  #written: TakenMessage[] = [];
  #immediate: NodeJS.Immediate | undefined;
  #lastStoreTimestamp: number;
  /** Bytes behind the log's end that a failed write may have left. */
  #dirtyBytes = 0;
  #messagesPut = 0;
  #bytesPut = 0;
  #putFailures = 0;

  constructor(parts: MessageWriterParts) {
    this.#parts = parts;
    this.#hosts = new HostBytes(parts.logger);
    this.#lastStoreTimestamp = parts.lastStoreTimestamp;
  }

  get messagesPut(): number {
    return this.#messagesPut;
  }

  get bytesPut(): number {
    return this.#bytesPut;
  }

  get putFailures(): number {
    return this.#putFailures;
  }

  append(message: StoreMessage, done: (result: AppendResult) => void): void {
    const refused = this.#take(message, done);
    if (refused === undefined) return;
    this.#putFailures++;
    done(notStored(refused));
  }

  appendBatch(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    const refused = this.#takeBatch(messages, done);
    if (refused === undefined) return;
    this.#putFailures += messages.length;
    done(batchNotStored(refused));
  }

  appendTogether(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    const refused = this.#takeTogether(messages, done);
    if (refused === undefined) return;
    this.#putFailures += messages.length;
    done(batchNotStored(refused));
  }

  flushTurn(): void {
    if (this.#immediate !== undefined) {
      clearImmediate(this.#immediate);
      this.#immediate = undefined;
    }
    this.#writeTurn();
    const written = this.#written;
    if (written.length === 0) return;
    this.#written = [];
    this.#parts.flush.written(written);
  }

  /** Clears away what a failed write left, so that writes can be taken again. Throws while the disk refuses that too. */
  mend(): void {
    this.#parts.log.zeroBehindEnd(this.#dirtyBytes);
    this.#dirtyBytes = 0;
    this.#parts.gate.writeMended();
  }

  /** Of the newest message, milliseconds since 1970; 0 without any. */
  get lastStoreTimestamp(): number {
    return this.#lastStoreTimestamp;
  }

  /** Bytes that the failed write wanted to write. */
  get dirtyBytes(): number {
    return this.#dirtyBytes;
  }

  /** Gives the message its place, or says why it gets none. */
  #take(message: StoreMessage, done: (result: AppendResult) => void): AppendStatus | undefined {
    if (this.#parts.gate.refusal !== undefined) return 'SERVICE_NOT_AVAILABLE';
    const queue = this.#prepare(message);
    if (queue === undefined) return 'MESSAGE_ILLEGAL';
    const sizeBytes = recordSize(this.#record);
    if (sizeBytes + FILLER_SIZE_BYTES > this.#parts.log.fileSizeBytes) return 'MESSAGE_ILLEGAL';
    if (!this.#makeRoom(sizeBytes)) return 'SERVICE_NOT_AVAILABLE';
    this.#place(message, queue, sizeBytes, this.#stamp(), done);
    return undefined;
  }

  /** Gives all of the messages their places, one behind the other in one file and one write, or none of them. */
  #takeBatch(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): AppendStatus | undefined {
    if (this.#parts.gate.refusal !== undefined) return 'SERVICE_NOT_AVAILABLE';
    const [first] = messages;
    const queue = first === undefined ? undefined : this.#prepare(first);
    if (first === undefined || queue === undefined) return 'MESSAGE_ILLEGAL';
    const record = this.#record;
    let sizeBytes = 0;
    for (const message of messages) {
      if (!isAlike(message, first) || this.#isIllegal(message, queue)) return 'MESSAGE_ILLEGAL';
      record.body = message.body;
      record.properties = message.properties;
      sizeBytes += recordSize(record);
    }
    if (sizeBytes + FILLER_SIZE_BYTES > this.#parts.log.fileSizeBytes) return 'MESSAGE_ILLEGAL';
    if (!this.#makeRoom(sizeBytes)) return 'SERVICE_NOT_AVAILABLE';
    const storeTimestamp = this.#stamp();
    const answer = new BatchAnswer(messages.length, done);
    for (const message of messages) {
      record.body = message.body;
      record.properties = message.properties;
      this.#place(message, queue, recordSize(record), storeTimestamp, answer.told);
    }
    return undefined;
  }

  /** The same for messages of any queues: they are few, so that each is prepared twice, for its size and for its place. */
  #takeTogether(
    messages: readonly StoreMessage[],
    done: (result: AppendBatchResult) => void,
  ): AppendStatus | undefined {
    if (this.#parts.gate.refusal !== undefined) return 'SERVICE_NOT_AVAILABLE';
    let sizeBytes = 0;
    for (const message of messages) {
      if (this.#prepare(message) === undefined) return 'MESSAGE_ILLEGAL';
      sizeBytes += recordSize(this.#record);
    }
    if (messages.length === 0 || sizeBytes + FILLER_SIZE_BYTES > this.#parts.log.fileSizeBytes)
      return 'MESSAGE_ILLEGAL';
    if (!this.#makeRoom(sizeBytes)) return 'SERVICE_NOT_AVAILABLE';
    const storeTimestamp = this.#stamp();
    const answer = new BatchAnswer(messages.length, done);
    for (const message of messages) {
      const queue = this.#prepare(message) as ConsumeQueue;
      this.#place(message, queue, recordSize(this.#record), storeTimestamp, answer.told);
    }
    return undefined;
  }

  /** Begins the record with what the message brings; tells its queue, or undefined when it is illegal. */
  #prepare(message: StoreMessage): ConsumeQueue | undefined {
    const queue = this.#queueOf(message);
    const bornHost = this.#hosts.of(message.bornHost);
    const storeHost = this.#hosts.of(message.storeHost);
    if (queue === undefined || bornHost === undefined || storeHost === undefined) return undefined;
    if (this.#isIllegal(message, queue)) return undefined;
    const record = this.#record;
    record.body = message.body;
    record.topic = queue.topicBytes;
    record.properties = message.properties;
    record.bornHost = bornHost;
    record.storeHost = storeHost;
    return queue;
  }

  /** The time of the next record; never earlier than that of the one before. One time for all that a turn brings. */
  #stamp(): number {
    if (this.#turn.messages.length > 0) return this.#lastStoreTimestamp;
    this.#lastStoreTimestamp = Math.max(this.#parts.clock.now(), this.#lastStoreTimestamp);
    return this.#lastStoreTimestamp;
  }

  /** Ends the prepared record with its place, and adds it to the turn. */
  #place(
    message: StoreMessage,
    queue: ConsumeQueue,
    sizeBytes: number,
    storeTimestamp: number,
    done: (result: AppendResult) => void,
  ): void {
    const record = this.#record;
    const isQueued = hasQueueEntry(message.sysFlag);
    record.queueId = message.queueId;
    record.flag = message.flag;
    record.queueOffset = isQueued ? queue.nextOffset : 0;
    record.physicalOffset = this.#parts.log.endOffset + this.#turn.sizeBytes;
    record.sysFlag = message.sysFlag;
    record.bornTimestamp = message.bornTimestamp;
    record.storeTimestamp = storeTimestamp;
    record.reconsumeTimes = message.reconsumeTimes;
    record.preparedTransactionOffset = message.preparedTransactionOffset;
    this.#turn.add(record, sizeBytes);
    if (isQueued) queue.nextOffset++;
    const { topic, queueId } = queue;
    const scheduled = scheduledTagsCode(topic, queueId, storeTimestamp, this.#parts.delayLevelsMs);
    const tagsCode = scheduled ?? message.tagsCode;
    this.#turn.expect(
      new TakenMessage(queue, isQueued, record, sizeBytes, tagsCode, message.waitStored, done, this.#parts.logger),
    );
    this.#immediate ??= setImmediate(this.#atTurnEnd);
  }

  readonly #atTurnEnd = (): void => {
    this.#immediate = undefined;
    this.flushTurn();
  };

  /** Writes early where the turn or the file is full. False when that failed. */
  #makeRoom(sizeBytes: number): boolean {
    const { log, gate } = this.#parts;
    if (!this.#turn.hasRoomFor(sizeBytes)) this.#writeTurn();
    if (sizeBytes + FILLER_SIZE_BYTES > log.roomBytes - this.#turn.sizeBytes) {
      this.#writeTurn();
      if (gate.refusal === undefined) this.#finishFile();
    }
    return gate.refusal === undefined;
  }

  #finishFile(): void {
    try {
      this.#parts.log.finishFile();
    } catch (error) {
      this.#dirtyBytes = FILLER_SIZE_BYTES;
      this.#parts.gate.writeFailed(error);
    }
  }

  #writeTurn(): void {
    if (this.#turn.messages.length === 0) return;
    const bytes = this.#turn.bytes();
    const { log, gate } = this.#parts;
    try {
      log.ensureFile();
    } catch (error) {
      gate.writeFailed(error);
      this.#refuse(this.#turn.take(), 'CREATE_MAPPED_FILE_FAILED');
      return;
    }
    try {
      log.write(bytes);
    } catch (error) {
      this.#dirtyBytes = bytes.length;
      gate.writeFailed(error);
      this.#refuse(this.#turn.take(), 'SERVICE_NOT_AVAILABLE');
      return;
    }
    this.#messagesPut += this.#turn.messages.length;
    this.#bytesPut += bytes.length;
    for (const message of this.#turn.take()) this.#written.push(message);
  }

  /** Takes back what was decided for messages that could not be written, and says so when the turn ends. */
  #refuse(messages: readonly TakenMessage[], status: AppendStatus): void {
    this.#putFailures += messages.length;
    for (const { isQueued, queue, queueOffset } of messages) if (isQueued) queue.takeBack(queueOffset);
    queueMicrotask(() => {
      for (const message of messages) message.refuse(status);
    });
  }

  #queueOf({ topic, queueId }: StoreMessage): ConsumeQueue | undefined {
    const { queues } = this.#parts;
    const known = queues.find(topic, queueId);
    if (known !== undefined) return known;
    if (!TOPIC.test(topic) || topic.length > RECORD_TOPIC_BYTES_MAX) return undefined;
    if (!Number.isInteger(queueId) || queueId < 0 || queueId > QUEUE_ID_MAX) return undefined;
    return queues.findOrMake(topic, queueId);
  }

  #isIllegal(message: StoreMessage, { topicBytes }: ConsumeQueue): boolean {
    const { body, properties } = message;
    return (
      (body.length > this.#parts.options.maxMessageSize && message.storedBefore !== true) ||
      properties.length > PROPERTIES_BYTES_MAX ||
      topicBytes.length > RECORD_TOPIC_BYTES_MAX ||
      wouldLookTorn(properties)
    );
  }
}

/** Whether a message belongs into a batch with the first. */
function isAlike(message: StoreMessage, first: StoreMessage): boolean {
  return (
    message.topic === first.topic &&
    message.queueId === first.queueId &&
    message.bornHost === first.bornHost &&
    message.storeHost === first.storeHost
  );
}

function emptyRecord(): RecordFields {
  const none = Buffer.alloc(0);
  return {
    queueId: 0,
    flag: 0,
    queueOffset: 0,
    physicalOffset: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: none,
    storeTimestamp: 0,
    storeHost: none,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: none,
    topic: none,
    properties: none,
  };
}
