import type { CompressionName } from '../message/compression/compressor.js';
import type { NotStoredPolicy } from '../pipeline/options.js';
import type { LatencyFaultOptions } from '../routing/latency-fault/latency-fault-options.js';

/** How many un-awaited sends a producer keeps in flight before further ones wait. */
export interface BackPressureOptions {
  /** Sends in flight. Default 10,000. */
  readonly messagesMax?: number;
  /** Bytes of the bodies in flight. Default 104,857,600 (100 MiB). A larger message goes alone. */
  readonly bytesMax?: number;
}

/** How `send` gathers messages into batches by itself. */
export interface AutoBatchOptions {
  /** Longest wait for others to join. Default 10. */
  readonly lingerMs?: number;
  /** Largest batch; a message that fills it alone does not wait. Default 32,768, at most `maxMessageSizeBytes`. */
  readonly sizeBytesMax?: number;
  /** Bytes that may wait in all; with more, messages go by themselves. Default 33,554,432 (32 MiB). */
  readonly totalBytesMax?: number;
}

/** {@link AutoBatchOptions}, complete. */
export type ResolvedAutoBatch = Required<AutoBatchOptions>;

/** What a producer can be told. Only `group` is required. */
export interface ProducerOptions {
  /** 1 to 255 of `%|a-zA-Z0-9_-`; not DEFAULT_PRODUCER. One producer of a group in one client. */
  readonly group: string;
  /** Deadline of one send, retries included. Default 3,000. */
  readonly timeoutMs?: number;
  /** Further attempts after a failed one, on another broker where there is one. Default 2. */
  readonly retries?: number;
  /** Longest wait for one broker's answer, so that time is left for another. Default: what is left of `timeoutMs`. */
  readonly attemptTimeoutMs?: number;
  /** Bodies of at least so many bytes are compressed. Default 4,096; Infinity compresses none. */
  readonly compressThresholdBytes?: number;
  /**
   * How they are compressed: what every consumer of the topic has to be able to read. `lz4` needs the optional package
   * lz4-napi, `zstd` Node 22.15 or the optional package zstd-codec; without it making the producer fails with
   * RMQ_CODEC_MISSING. Default `zlib`, which clients of any age read.
   */
  readonly compression?: CompressionName;
  /** Level of zlib or zstd, 1 to 9; lz4 has none. Default 5. */
  readonly compressLevel?: number;
  /** Largest body. Default 4,194,304 (4 MiB), which is also what brokers allow unless told otherwise. */
  readonly maxMessageSizeBytes?: number;
  /** The topic from which brokers create one that does not exist. Default `TBW102`. */
  readonly createTopicKey?: string;
  /** Queues per broker of a topic that is created that way. Default 4. */
  readonly defaultTopicQueueNums?: number;
  /** Response codes after which another attempt is made, besides 1, 2, 14, 16, 17, 204, 205, 215 and 1500. Default none. */
  readonly retryResponseCodes?: readonly number[];
  /**
   * What FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT and SLAVE_NOT_AVAILABLE do: return them as `status`, make another
   * attempt, or fail with RMQ_NOT_STORED. Default `return`.
   */
  readonly notStored?: NotStoredPolicy;
  /**
   * Keeps sends away from brokers that were slow or failed. Off unless given: `{ form: '5.x' }` takes the tables and rules
   * of Apache's 5.x client, `{ form: '4.9' }` those of 4.9, which leave a failed broker alone for ten minutes.
   */
  readonly latencyFault?: LatencyFaultOptions;
  readonly backPressure?: BackPressureOptions;
  /**
   * Lets sends of one topic, tag, queue (or `shardingKey`) and `waitStored` wait for one another and go out as one batch;
   * each still ends by itself. Delayed messages, half ones, those for retry topics, those with a `selector` and oneway
   * sends do not wait. Batches are not compressed. Default off; `true` takes the defaults.
   */
  readonly autoBatch?: boolean | AutoBatchOptions;
}
