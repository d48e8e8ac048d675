import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { StoredRecord } from '../../message/message-record.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { Scheduler } from '../../runtime/scheduler.js';
import { Arrivals } from './append/arrivals.js';
import { MessageWriter } from './append/message-writer.js';
import { WriteGate } from './append/write-gate.js';
import type { CommitLog } from './commitlog/commit-log.js';
import { ConfigFiles, type IsWhole } from './config-files.js';
import { readEntries } from './consumequeue/consume-queue-entry.js';
import type { ConsumeQueues } from './consumequeue/consume-queues.js';
import type { DeletedTopics } from './deleted-topics.js';
import type { OpenFiles } from './files/open-files.js';
import type { StoreFiles, StoreLock } from './files/store-files.js';
import type { Checkpoint } from './flush/checkpoint.js';
import { Checkpointer } from './flush/checkpointer.js';
import { chooseFlushPolicy } from './flush/choose-flush-policy.js';
import type { IndexFiles } from './index/index-files.js';
import { MessageIndex } from './index/message-index.js';
import type {
  AppendBatchResult,
  AppendResult,
  ArrivalListener,
  GetOptions,
  GetResult,
  MessageQuery,
  QueryResult,
  QueueEntries,
  RuntimeStoreSettings,
  StoreCleaning,
  StoreMessage,
  StoreStatistics,
  TimeBoundary,
  TimerCheck,
  WaitingTimers,
} from './message-store.js';
import { MessageReader } from './read/message-reader.js';
import { queryMessages } from './read/query-messages.js';
import { type RecordVisit, RecordVisitor } from './read/record-visitor.js';
import { searchByTime } from './read/search-by-time.js';
import { commitLogOffsetAt, StoreTimes } from './read/store-times.js';
import { scanLog } from './recovery/scan-log.js';
import { UnsyncedMark } from './recovery/unsynced-mark.js';
import { type ResolvedStoreOptions, resolveStoreOptions } from './store-options.js';
import type { StorePaths } from './store-paths.js';
import { ApacheTimerFiles } from './timer/apache-timer-files.js';
import { StoreUpkeep } from './upkeep/store-upkeep.js';

/** A recovered store, before it takes its first message. */
export interface OpenedStore {
  readonly paths: StorePaths;
  readonly files: StoreFiles;
  readonly open: OpenFiles;
  readonly lock: StoreLock;
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly deleted: DeletedTopics;
  readonly checkpoint: Checkpoint;
  readonly indexFiles: IndexFiles;
  /** Whether the last run ended so that they may be torn. */
  readonly isIndexTorn: boolean;
  readonly lastStoreTimestamp: number;
  /** Delays of levels 1, 2, 3 … in milliseconds. */
  readonly delayLevelsMs: readonly number[];
  readonly options: ResolvedStoreOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Messages in a directory of Apache's layout. Made by `openMessageStore`, and at work from {@link start} on.
 *
 * What it promises: a message is acknowledged when it is written (asynchronous flush) or on the disk (synchronous flush);
 * after a kill of the process all of those are there, after a power failure those that had been flushed, and always a
 * prefix of what was acknowledged.
 */
export class FileMessageStore {
  readonly #parts: OpenedStore;
  readonly #gate: WriteGate;
  readonly #arrivals: Arrivals;
  readonly #writer: MessageWriter;
  readonly #reader: MessageReader;
  readonly #visitor: RecordVisitor;
  readonly #storeTimes: StoreTimes;
  readonly #configs: ConfigFiles;
  readonly #upkeep: StoreUpkeep;
  readonly #timerFiles: ApacheTimerFiles;
  readonly #needs: (() => number)[] = [];
  readonly #index: MessageIndex | undefined;
  #messagesGot = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: OpenedStore) {
    this.#parts = parts;
    const { log, queues, options, clock, logger, lastStoreTimestamp } = parts;
    const scheduler = new Scheduler(clock, logger);
    this.#gate = new WriteGate(options.diskSpaceWarningLevelRatio, logger);
    this.#arrivals = new Arrivals({
      queues,
      gate: this.#gate,
      logger,
      recoveredEnd: log.endOffset,
      onIndexed: (storeTimestamp, end) => checkpointer.indexed(storeTimestamp, end),
    });
    this.#index = this.#makeIndex();
    const checkpointer = new Checkpointer({ ...parts, index: this.#index });
    const flush = chooseFlushPolicy({
      ...parts,
      arrivals: this.#arrivals,
      scheduler,
      onSyncFailed: this.#syncFailed,
    });
    this.#writer = new MessageWriter({
      log,
      queues,
      gate: this.#gate,
      flush,
      clock,
      logger,
      options,
      delayLevelsMs: parts.delayLevelsMs,
      lastStoreTimestamp,
    });
    this.#reader = new MessageReader(log, options);
    this.#visitor = new RecordVisitor(log, this.#reader);
    this.#storeTimes = new StoreTimes(log, this.#reader);
    this.#configs = new ConfigFiles(parts.paths.config, parts.files, logger);
    this.#timerFiles = new ApacheTimerFiles(parts.paths, parts.files);
    this.#upkeep = new StoreUpkeep({
      ...parts,
      index: this.#index,
      gate: this.#gate,
      writer: this.#writer,
      flush,
      checkpointer,
      neededFrom: () => Math.min(...this.#needs.map((neededFrom) => neededFrom())),
      onSyncFailed: this.#syncFailed,
      scheduler,
    });
  }

  /** Looks at the disk, and begins to keep itself in order. */
  start(): Promise<void> {
    return this.#upkeep.start();
  }

  /**
   * Takes a message into this turn's write; its queue offset is decided now, in call order. `done` is called once: when
   * it may be acknowledged, when that takes too long (FLUSH_DISK_TIMEOUT: it is written), or at once when it is refused.
   */
  append(message: StoreMessage, done: (result: AppendResult) => void): void {
    this.#writer.append(message, done);
  }

  /**
   * Takes all of the messages or none: they follow one another in the commit log, in one of its files, and in their
   * queue. `done` is called once, as for {@link append}.
   */
  appendBatch(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    this.#writer.appendBatch(messages, done);
  }

  /**
   * Takes messages of any topics and queues, all or none, one directly behind the other in one file and one write: a crash
   * leaves a beginning of them. `done` is told of the first, and all commit-log offsets.
   */
  appendTogether(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    this.#writer.appendTogether(messages, done);
  }

  /** Writes what was gathered this turn; happens by itself at the end of the turn. */
  flushTurn(): void {
    this.#writer.flushTurn();
  }

  /** What begins where `neededFrom` says or behind does not become too old; Infinity: nothing is needed. */
  keep(neededFrom: () => number): void {
    this.#needs.push(neededFrom);
  }

  /** Told of every message once it can be read. */
  onArrival(listener: ArrivalListener): void {
    this.#arrivals.onArrival(listener);
  }

  /**
   * Messages of a queue from an offset on: at once where they are young, else by promise.
   * @throws what the file system says when they cannot be read; RMQ_NOT_RUNNING after {@link close}
   */
  get(topic: string, queueId: number, offset: number, options: GetOptions): GetResult | Promise<GetResult> {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    if (queue === undefined) {
      // Apache's broker makes a queue by looking for it.
      return { status: 'NO_MESSAGE_IN_QUEUE', records: [], nextBeginOffset: 0, minOffset: 0, maxOffset: 0 };
    }
    const { minOffset, maxOffset } = queue;
    if (offset > maxOffset && this.#parts.deleted.knows(topic)) {
      // Who is so far was reading the topic that was deleted: nothing of the one that was made again may be passed over.
      return { status: 'OFFSET_OVERFLOW_BADLY', records: [], nextBeginOffset: minOffset, minOffset, maxOffset };
    }
    const result = this.#reader.get(queue, offset, options);
    return 'then' in result ? result.then(this.#counted) : this.#counted(result);
  }

  /**
   * Shows the records at `count` offsets of a queue from `offset` on to `visit`, in order, as {@link get} without a copy: the
   * bytes are good until it returns, and it must not visit others meanwhile. What is not there, or not whole, is left out.
   */
  visit(topic: string, queueId: number, offset: number, count: number, visit: RecordVisit): void | Promise<void> {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    if (queue !== undefined) return this.#visitor.visit(queue, offset, count, visit);
  }

  /** First offset that can be read; 0 for a queue without messages. */
  minOffset(topic: string, queueId: number): number {
    return this.#parts.queues.find(topic, queueId)?.minOffset ?? 0;
  }

  /** Offset behind the newest message that can be read; 0 for a queue without messages. */
  maxOffset(topic: string, queueId: number): number {
    return this.#parts.queues.find(topic, queueId)?.maxOffset ?? 0;
  }

  /** An offset by store time; 0 for a queue without messages. */
  async offsetByTime(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: TimeBoundary = 'nearest',
  ): Promise<number> {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    if (queue === undefined) return 0;
    const { minOffset, maxOffset } = queue;
    return searchByTime(minOffset, maxOffset, timestampMs, boundary, (offset) => this.#storeTimes.at(queue, offset));
  }

  /** Store time of the message at a queue offset; undefined when there is none. */
  async storeTimeAt(topic: string, queueId: number, offset: number): Promise<number | undefined> {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    return queue === undefined ? undefined : this.#storeTimes.at(queue, offset);
  }

  /** Whether the message at a queue offset is old enough to be read from the disk rather than from memory. */
  isCold(topic: string, queueId: number, offset: number): boolean {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    const commitLogOffset = queue === undefined ? undefined : commitLogOffsetAt(queue, offset);
    return commitLogOffset !== undefined && this.#reader.isCold(commitLogOffset);
  }

  /** One record by its commit-log offset, at once where it is young; undefined when there is no whole record there. */
  recordAt(commitLogOffset: number): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    this.#refuseWhenClosed();
    return this.#reader.recordAt(commitLogOffset);
  }

  /**
   * Messages of a topic that have a key (one of KEYS, or UNIQ_KEY), in the order of the commit log: of more than
   * `messagesMax` the newest. Finds everything that could be read when it was asked.
   */
  async query(query: MessageQuery): Promise<QueryResult> {
    this.#refuseWhenClosed();
    return queryMessages(this.#parts.log, this.#index, query);
  }

  /** Entries of a queue from an offset on, at most `count`; those in front of its first and behind its last are left out. */
  entries(topic: string, queueId: number, offset: number, count: number): QueueEntries {
    this.#refuseWhenClosed();
    const queue = this.#parts.queues.find(topic, queueId);
    if (queue === undefined) return { offset, entries: [] };
    const from = Math.max(offset, queue.minOffset);
    return { offset: from, entries: readEntries(queue.readSync(from, count)) };
  }

  /**
   * Shows every record of the commit log from a position on, where a record begins, to `visit`, in order; body and
   * properties are good until it returns. Ends where the log ends.
   */
  async scan(from: number, visit: (record: StoredRecord) => void): Promise<void> {
    this.#refuseWhenClosed();
    const { log } = this.#parts;
    if (from >= log.endOffset) return;
    await scanLog(log, { from: Math.max(from, log.startOffset), mayBeTorn: false }, visit);
  }

  /** Puts everything that was written on the disk. Rejects when the disk does not take it; then nothing is written any more. */
  async sync(): Promise<void> {
    this.#refuseWhenClosed();
    try {
      await this.#parts.log.sync();
    } catch (error) {
      this.#syncFailed(error);
      throw error;
    }
  }

  /** The progress of an Apache broker's timers as it left it; undefined where there is none. */
  readTimerCheck(): TimerCheck | undefined {
    return this.#timerFiles.readCheck();
  }

  /** Leaves the timers that wait in the files of an Apache 5.x broker, so that one can go on from here. */
  async writeTimers(timers: WaitingTimers): Promise<void> {
    this.#refuseWhenClosed();
    await this.#timerFiles.write(timers);
  }

  /** Topics that have messages, or had them, with their queue ids. */
  *queues(): IterableIterator<{ readonly topic: string; readonly queueId: number }> {
    for (const { topic, queueId, maxOffset } of this.#parts.queues) {
      if (maxOffset > 0) yield { topic, queueId };
    }
  }

  /**
   * Removes a topic's messages: none of them can be read by topic and queue any more, and queues of a topic that is made
   * under the same name begin at offset 0. What the commit log holds of them goes with its files. On the disk on return.
   * @throws what the file system says; the messages are still there then, or gone at the next start
   */
  deleteTopic(topic: string): void {
    this.#refuseWhenClosed();
    const { log, queues, deleted } = this.#parts;
    this.flushTurn();
    if (!queues.has(topic)) return;
    deleted.add(topic, log.endOffset);
    queues.remove(topic);
  }

  get statistics(): StoreStatistics {
    const { log, queues, open } = this.#parts;
    return {
      commitLogMinOffset: log.startOffset,
      commitLogMaxOffset: log.endOffset,
      flushedOffset: log.syncedOffset,
      earliestStoreTimestamp: this.#storeTimes.earliest(this.#closing === undefined),
      newestStoreTimestamp: this.#writer.lastStoreTimestamp,
      messagesPut: this.#writer.messagesPut,
      bytesPut: this.#writer.bytesPut,
      putFailures: this.#writer.putFailures,
      messagesGot: this.#messagesGot,
      diskUsedRatio: this.#gate.diskUsedRatio,
      openFiles: open.count,
      queues: queues.count,
      unwrittenQueueEntries: queues.unwrittenEntries,
      queueTailSizeBytes: queues.tailSizeBytes,
    };
  }

  /** In words why writes are refused; undefined when they are taken. */
  get refusal(): string | undefined {
    return this.#gate.refusal;
  }

  /**
   * A configuration file of `config/` as text, or its `.bak` when the file is missing or `isWhole` says that it is not
   * all there (default: it is empty); undefined when neither can be read.
   */
  readConfig(name: string, isWhole?: IsWhole): Promise<string | undefined> {
    return this.#configs.read(name, isWhole);
  }

  /** Replaces a configuration file; whatever happens, the new or the old text can be read. @throws RMQ_STORE_READ_ONLY */
  async writeConfig(name: string, text: string): Promise<void> {
    this.#refuseWhenClosed();
    return this.#configs.write(name, text);
  }

  /** Looks at the space that is left on the volume now rather than at the next period. */
  checkDisk(): Promise<void> {
    return this.#upkeep.checkDisk();
  }

  /** Looks now, rather than at the next period, whether messages are too old or too many, and removes the oldest. */
  async removeOldFiles(): Promise<void> {
    this.#refuseWhenClosed();
    await this.#upkeep.removeOldFiles();
  }

  /** What an operator can have removed at once. */
  get cleaning(): StoreCleaning {
    return this.#upkeep.cleaning;
  }

  /** What it goes by now. */
  get settings(): ResolvedStoreOptions {
    return this.#parts.options;
  }

  /** Goes by other settings from now on. @throws RMQ_OPTIONS_INVALID, and then by those of before */
  change(settings: RuntimeStoreSettings): void {
    const { options } = this.#parts;
    Object.assign(options, resolveStoreOptions({ ...options, ...settings }));
  }

  /** Writes and syncs everything, marks the stop as clean and lets go of the directory. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { open, lock, checkpoint } = this.#parts;
    this.flushTurn();
    this.#gate.close();
    try {
      await this.#configs.idle();
      await this.#upkeep.close();
    } finally {
      checkpoint.close();
      open.closeAll();
      lock.release();
    }
  }

  #makeIndex(): MessageIndex | undefined {
    const { indexFiles: files, log, checkpoint, isIndexTorn: mayBeTorn, options, clock, logger } = this.#parts;
    if (!options.messageIndexEnable) return undefined;
    const { indexMsgTimestamp: trustedUntil } = checkpoint.values;
    const readableOffset = () => this.#arrivals.readableOffset;
    return new MessageIndex({ log, files, readableOffset, mayBeTorn, trustedUntil, clock, logger });
  }

  readonly #syncFailed = (error: unknown): void => {
    const { paths, files, log, logger } = this.#parts;
    this.#gate.syncFailed(error);
    try {
      new UnsyncedMark(paths.unsynced, files).set(log.syncedOffset);
    } catch (cause) {
      logger.error('the failed sync could not be noted down: restore the disk before the next start', { error: cause });
    }
  };

  readonly #counted = (result: GetResult): GetResult => {
    this.#messagesGot += result.records.length;
    return result;
  };

  #refuseWhenClosed(): void {
    if (this.#closing === undefined) return;
    throw rocketMQError('RMQ_NOT_RUNNING', 'the store is closed', { state: 'closed' });
  }
}
