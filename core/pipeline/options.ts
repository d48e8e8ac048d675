import type { CompressionType } from '../message/compression/compressor.js';
import type { LatencyFaultSettings } from '../routing/latency-fault/latency-fault-options.js';

/** What a status other than SEND_OK does: the message is stored, but not flushed or replicated in time. */
export type NotStoredPolicy = 'return' | 'retry' | 'throw';

/** The settings of one producer's pipeline, validated and complete. */
export interface PipelineOptions {
  /** Name of the group, as the application writes it. */
  readonly group: string;
  /** How long one send may take, retries included. */
  readonly timeoutMs: number;
  /** Further attempts after the first. */
  readonly retries: number;
  /** How long one attempt may wait for its broker; undefined for what is left of `timeoutMs`. */
  readonly attemptTimeoutMs: number | undefined;
  /** Bodies of at least so many bytes are compressed. */
  readonly compressThresholdBytes: number;
  /** Which of the client's compressors; undefined for the one under the token Compressor. */
  readonly compression: CompressionType | undefined;
  /** 1 to 9. */
  readonly compressLevel: number;
  readonly maxMessageSizeBytes: number;
  /** The topic whose route and settings a topic that does not exist yet is created from. */
  readonly createTopicKey: string;
  /** Queues per broker of a topic that is created by sending to it. */
  readonly defaultTopicQueueNums: number;
  /** Response codes after which another attempt is made. */
  readonly retryResponseCodes: ReadonlySet<number>;
  readonly notStored: NotStoredPolicy;
  /** Undefined when brokers that were slow or failed are not remembered, or by a strategy that a plugin binds. */
  readonly latencyFault: LatencyFaultSettings | undefined;
  /** Marks topics that are created as unit topics. Matches Java's unitMode. */
  readonly unitMode: boolean;
}
