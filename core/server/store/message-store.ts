import type { QueueEntry } from './consumequeue/consume-queue-entry.js';
/**
 * What the store takes and gives. The broker states what it needs of a store in its own room; the two agree by shape and
 * meet where the server is put together.
 */
import type { StoreOptions } from './store-options.js';

/** A message on its way into the store: everything of the record but what the store itself decides. */
export interface StoreMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly flag: number;
  /** Bits of SysFlag. Which hosts are IPv6 the store says by what they are, whatever the bits say of it. */
  readonly sysFlag: number;
  /** Wall clock of the producer, milliseconds since 1970. */
  readonly bornTimestamp: number;
  /** `ip:port` of the producer. */
  readonly bornHost: string;
  /** `ip:port` that this broker advertises. */
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  /** As stored: compressed when sysFlag says so. Copied before {@link FileMessageStore.append} returns. */
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

export interface AppendResult {
  readonly status: AppendStatus;
  /** Byte position in the commit log; -1 when not stored. */
  readonly commitLogOffset: number;
  /** Position in the queue; -1 when not stored. */
  readonly queueOffset: number;
  /** Wall clock of the store, milliseconds since 1970; never less than that of an earlier record. */
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
  /** Whole records as stored, in queue order. They stay as they are: the caller may keep them. */
  readonly records: readonly Buffer[];
  /** Where to read next. */
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
}

export interface GetOptions {
  /** At most so many, and never more than 32 (8 where the messages are cold). */
  readonly messagesMax: number;
  /** Default 262,144, of which 65,536 where the messages are cold. The first message is always returned. */
  readonly sizeBytesMax?: number;
  /** Decides by the tag's hash, from the consume queue alone. Absent: everything matches. */
  readonly matchesTagsCode?: (tagsCode: number) => boolean;
  /** Decides by the whole record. What does not match is passed over, at most 800 messages in one call. */
  readonly matchesRecord?: (record: Buffer) => boolean;
}

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
  /** Store time and commit-log offset of the newest message that can be found by a key; 0 without any. */
  readonly indexLastUpdateTimestamp: number;
  readonly indexLastUpdateOffset: number;
}

/** Told once a message can be read: after it was written and indexed in its queue. */
export type ArrivalListener = (topic: string, queueId: number, queueOffset: number, tagsCode: number) => void;

/** What can be changed while the store is open. */
export type RuntimeStoreSettings = Pick<
  StoreOptions,
  | 'cleanFileForciblyEnable'
  | 'deleteCommitLogFilesIntervalMs'
  | 'deleteWhen'
  | 'diskMaxUsedSpaceRatio'
  | 'fileReservedTimeHours'
  | 'maxMessageSize'
>;

export interface StoreCleaning {
  /** Files of messages that are too old, whatever the hour. Resolves after a first round. */
  removeExpired(): Promise<void>;
  /** Files of queues that name nothing but messages that are gone. */
  cleanQueues(): Promise<void>;
}

export interface StoreStatistics {
  /** Position of the first byte of the commit log that there is. */
  readonly commitLogMinOffset: number;
  /** Position of the next record. */
  readonly commitLogMaxOffset: number;
  /** Everything in front of it is on the disk. */
  readonly flushedOffset: number;
  /** Store time of the oldest message; -1 without one. */
  readonly earliestStoreTimestamp: number;
  /** Of the newest one; none has a later one. 0 without any. */
  readonly newestStoreTimestamp: number;
  /** Since the store was opened, as the following. */
  readonly messagesPut: number;
  readonly bytesPut: number;
  readonly putFailures: number;
  readonly messagesGot: number;
  /** 0 to 1, of the volume that holds the data directory. */
  readonly diskUsedRatio: number;
  readonly openFiles: number;
  /** Queues that have messages, or had them. */
  readonly queues: number;
  /** Entries of queues that are in memory and in no file yet. */
  readonly unwrittenQueueEntries: number;
  /** Bytes of memory set aside for those. */
  readonly queueTailSizeBytes: number;
}
