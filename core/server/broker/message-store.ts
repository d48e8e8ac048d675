import type { StoredRecord } from '../../message/message-record.js';
import { type Token, token } from '../../runtime/token.js';

/**
 * What the broker needs of a store; `server/store` satisfies it by shape, and the two meet in `server/container.ts`.
 */

/** A message on its way into the store: everything of the record but what the store itself decides. */
export interface StoreMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly flag: number;
  /** Bits of SysFlag. Which hosts are IPv6 the store says by what they are, whatever the bits say of it. */
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  /** `ip:port` of the producer. */
  readonly bornHost: string;
  /** `ip:port` that this broker advertises. */
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  /** As stored: compressed when sysFlag says so. Copied before `append` returns. */
  readonly body: Uint8Array;
  /** Properties string, encoded. Copied as well. */
  readonly properties: Uint8Array;
  /**
   * Hash of the tag, 0 without one; of a timer its instant. Of a message in a delay level the store makes it the time of
   * delivery, whatever is given.
   */
  readonly tagsCode: number;
  /** Whether to answer only after the flush that the store is configured for. */
  readonly waitStored: boolean;
  /** It lies in the log already, elsewhere: `maxMessageSize` is for what is new. Default false. */
  readonly storedBefore?: boolean;
}

/** Names of Apache's PutMessageStatus. */
export type AppendStatus =
  | 'PUT_OK'
  | 'FLUSH_DISK_TIMEOUT'
  | 'CREATE_MAPPED_FILE_FAILED'
  | 'MESSAGE_ILLEGAL'
  | 'SERVICE_NOT_AVAILABLE'
  | 'UNKNOWN_ERROR';

/** Whether a message is with the store, be it synced or not. */
export function isStored(status: string | undefined): status is 'PUT_OK' | 'FLUSH_DISK_TIMEOUT' {
  return status === 'PUT_OK' || status === 'FLUSH_DISK_TIMEOUT';
}

export interface AppendResult {
  readonly status: AppendStatus;
  /** Byte position in the commit log; -1 when not stored. */
  readonly commitLogOffset: number;
  /** Position in the queue; -1 when not stored. */
  readonly queueOffset: number;
  readonly storeTimestamp: number;
}

/** What became of messages that are stored together or not at all. */
export interface AppendBatchResult {
  readonly status: AppendStatus;
  /** Byte positions in the commit log, in the order of the messages; empty when not stored. */
  readonly commitLogOffsets: readonly number[];
  /** Position of the first in the queue, the others follow it; -1 when not stored. */
  readonly queueOffset: number;
  readonly storeTimestamp: number;
}

/** An entry of a queue. */
export interface QueueEntry {
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  /** Hash of the tag; of a message that waits to be delivered, when it is due; of a timer negative where it takes another one back. */
  readonly tagsCode: number;
}

export interface QueueEntries {
  /** Queue offset of the first entry. */
  readonly offset: number;
  readonly entries: readonly QueueEntry[];
}

/** How far timers have come (Apache's TimerCheckpoint). */
export interface TimerCheck {
  /** Timers with an earlier instant were delivered, milliseconds since 1970. */
  readonly readTimeMs: number;
  /** Only those in front of it were looked at. */
  readonly queueOffset: number;
}

/** A timer that waits. */
export interface WaitingTimer {
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  /** Whole seconds, in milliseconds since 1970. */
  readonly outMs: number;
  /** Whether it takes another one back. */
  readonly isRecall: boolean;
}

/** All timers that wait, in queue order, for an Apache broker to go on with. */
export interface WaitingTimers {
  readonly timers: Iterable<WaitingTimer>;
  readonly nowMs: number;
  /** The newest entry of the timers' queue, which may have been delivered. */
  readonly last: WaitingTimer;
}

/** Names of Apache's GetMessageStatus. */
export type GetStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MESSAGE_IN_QUEUE';

export interface GetResult {
  readonly status: GetStatus;
  /** Whole records as stored, in queue order. */
  readonly records: readonly Buffer[];
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
}

export interface GetOptions {
  /** At most so many, and never more than 32, or 8 where they come from the disk. */
  readonly messagesMax: number;
  /** Default and at most 262,144, or 65,536 where they come from the disk. The first message is always returned. */
  readonly sizeBytesMax?: number;
  /** Decides by the tag's hash, from the consume queue alone. Absent: everything matches. */
  readonly matchesTagsCode?: (tagsCode: number) => boolean;
  /** Decides by the whole record. What does not match is passed over, at most 800 messages in one call. */
  readonly matchesRecord?: (record: Buffer) => boolean;
}

/** Where a record begins in `source`, and which offset of its queue it has. */
export type RecordVisit = (queueOffset: number, source: Buffer, position: number) => void;

/**
 * Which offset a time stands for: the nearest, as 4.9 searches; `lower`, the first stored then or later, one past the last
 * without any; `upper`, the last stored then or earlier, 0 without any. The latter two as 5.x.
 */
export type TimeBoundary = 'nearest' | 'lower' | 'upper';

/** What messages are looked for by their keys. */
export interface MessageQuery {
  readonly topic: string;
  /** One of the message's KEYS, or its UNIQ_KEY. */
  readonly key: string;
  readonly messagesMax: number;
  /** Store times in milliseconds since 1970, both included. */
  readonly begin: number;
  readonly end: number;
}

export interface QueryResult {
  /** Whole records as stored, in the order of the commit log. */
  readonly records: readonly Buffer[];
  /** Of the newest message that can be found by a key; 0 without any. */
  readonly indexLastUpdateTimestamp: number;
  readonly indexLastUpdateOffset: number;
}

/** Told once a message can be read: after it was appended and indexed in its queue. */
export type ArrivalListener = (topic: string, queueId: number, queueOffset: number, tagsCode: number) => void;

/** What a store can be told while it is open. */
export interface RuntimeStoreSettings {
  readonly cleanFileForciblyEnable?: boolean;
  readonly deleteCommitLogFilesIntervalMs?: number;
  readonly deleteWhen?: string;
  readonly diskMaxUsedSpaceRatio?: number;
  readonly fileReservedTimeHours?: number;
  readonly maxMessageSize?: number;
}

export interface StoreCleaning {
  /** Files of messages that are too old, whatever the hour. Resolves after a first round. */
  removeExpired(): Promise<void>;
  /** Files of queues that name nothing but messages that are gone. */
  cleanQueues(): Promise<void>;
}

export interface MessageStore {
  /**
   * Takes a message into this turn's write; its queue offset is decided now, in call order. `done` is called once: when
   * the write (and, under synchronous flush and `waitStored`, the covering sync) has ended, or at once when refused.
   */
  append(message: StoreMessage, done: (result: AppendResult) => void): void;
  /**
   * Takes messages of one topic and queue, all or none: their queue offsets follow one another, and they lie behind one
   * another in one file of the commit log. `done` is called once, as for `append`. MESSAGE_ILLEGAL when one of them is
   * illegal, when there is none, and when together they are larger than a file.
   */
  appendBatch(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void;
  /**
   * Takes messages of any topics and queues, all or none, one directly behind the other in one file and one write: a crash
   * leaves a beginning of them, never one without those in front of it. `done` is told of the first, and all commit-log
   * offsets. MESSAGE_ILLEGAL as for `appendBatch`.
   */
  appendTogether(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void;
  /** Writes what was gathered this turn. Called by itself at the end of the turn; the server calls it after each chunk of frames. */
  flushTurn(): void;
  /** Answers at once from the page cache where it can, else by promise. */
  get(topic: string, queueId: number, offset: number, options: GetOptions): GetResult | Promise<GetResult>;
  /**
   * Shows the records at `count` offsets of a queue from `offset` on to `visit`, in order, for who needs each for a moment
   * only: they come by one buffer and are good until it returns, and it must not visit others meanwhile. What is not there
   * is left out. At once from the page cache where it can, else by promise.
   */
  visit(topic: string, queueId: number, offset: number, count: number, visit: RecordVisit): void | Promise<void>;
  /** First offset that can be read; 0 for a queue without messages. */
  minOffset(topic: string, queueId: number): number;
  /** Offset the next message will get; 0 for a queue without messages. */
  maxOffset(topic: string, queueId: number): number;
  /** An offset by store time, by default the nearest; 0 for a queue without messages. */
  offsetByTime(topic: string, queueId: number, timestampMs: number, boundary?: TimeBoundary): Promise<number>;
  /** Store time of the message at a queue offset; undefined when there is none. */
  storeTimeAt(topic: string, queueId: number, offset: number): Promise<number | undefined>;
  /** Whether the message at a queue offset is old enough to be read from disk rather than from memory. */
  isCold(topic: string, queueId: number, offset: number): boolean;
  /** One record by its commit-log offset, at once where it is young; undefined when there is no whole record there. */
  recordAt(commitLogOffset: number): StoredRecord | undefined | Promise<StoredRecord | undefined>;
  /** Entries of a queue from an offset on, at most `count`; those in front of its first and behind its last are left out. */
  entries(topic: string, queueId: number, offset: number, count: number): QueueEntries;
  /**
   * Shows every record of the commit log from a position on, where a record begins, to `visit`, in order; body and
   * properties are good until it returns.
   */
  scan(from: number, visit: (record: StoredRecord) => void): Promise<void>;
  /** How far an Apache broker's timers are, or those of a clean stop; undefined where there are none. */
  readTimerCheck(): TimerCheck | undefined;
  /** Leaves the timers that wait in the files of an Apache 5.x broker, so that one can go on from here. */
  writeTimers(timers: WaitingTimers): Promise<void>;
  /** Puts everything that was written on the disk. Rejects when the disk does not take it; then nothing is written any more. */
  sync(): Promise<void>;
  /** Messages by a key: of more than `messagesMax` the newest. */
  query(query: MessageQuery): Promise<QueryResult>;
  onArrival(listener: ArrivalListener): void;
  /**
   * The broker needs what begins where `neededFrom` says in the commit log, and behind: it does not become too old. Infinity:
   * nothing.
   */
  keep(neededFrom: () => number): void;
  /**
   * Removes a topic's messages, on the disk too: its queues are gone, and begin at offset 0 where there are new ones. Throws
   * what the file system says.
   */
  deleteTopic(topic: string): void;
  /** What it goes by now, under our names: units last. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Goes by other settings from now on. @throws RMQ_OPTIONS_INVALID, and then by those of before */
  change(settings: RuntimeStoreSettings): void;
  /** What an operator can have removed at once, rather than when it is due. */
  readonly cleaning: StoreCleaning;
  /** Topics that have consume queues, with their queue ids. */
  queues(): Iterable<{ readonly topic: string; readonly queueId: number }>;
  /** Numbers for GET_BROKER_RUNTIME_INFO and for `statistics`. */
  readonly statistics: StoreStatistics;
  /** Whether writes are accepted now; why not, in words, otherwise. */
  readonly refusal: string | undefined;
  /**
   * A configuration file of `config/` as text, falling back to its `.bak` when it is missing, unreadable or, where
   * `isWhole` says so, not whole; undefined when neither can be read.
   */
  readConfig(name: string, isWhole?: (text: string) => boolean): Promise<string | undefined>;
  /** Replaces a configuration file: temporary file, sync, `.bak`, rename, directory sync. */
  writeConfig(name: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export const MessageStore: Token<MessageStore> = token('MessageStore');

/** What a store counts, since it was opened. Offsets are byte positions in the commit log. */
export interface StoreStatistics {
  /** Of the oldest record that is kept. */
  readonly commitLogMinOffset: number;
  /** Where the next record will lie. */
  readonly commitLogMaxOffset: number;
  /** Everything below is on the disk. */
  readonly flushedOffset: number;
  /** Store time of the oldest message, milliseconds since 1970. */
  readonly earliestStoreTimestamp: number;
  /** Of the newest one; none has a later one. 0 without any. */
  readonly newestStoreTimestamp: number;
  readonly messagesPut: number;
  readonly bytesPut: number;
  /** Messages that could not be stored. */
  readonly putFailures: number;
  readonly messagesGot: number;
  /** How full the volume is, 0 to 1. */
  readonly diskUsedRatio: number;
  readonly openFiles: number;
}
