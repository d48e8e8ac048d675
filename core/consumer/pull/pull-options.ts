import { whole } from '../option-checks.js';
import { checkNames, sizeMax } from './lite-pull-options.js';

/** What a pull consumer can be told. Matches Apache's DefaultMQPullConsumer where the names are the same. */
export interface PullConsumerOptions {
  readonly group: string;
  /** How long a broker may hold a `pullBlockIfNotFound` that finds nothing. 1,000 to 60,000, default 20,000. */
  readonly suspendTimeoutMs?: number;
  /** How long to wait for the answer to it; more than `suspendTimeoutMs`. Default 30,000. */
  readonly suspendPullTimeoutMs?: number;
  /** How long to wait for the answer to `pull`. 1 to 600,000, default 10,000. */
  readonly pullTimeoutMs?: number;
  /** After so many times a message that is sent back is a dead letter. 0 to 2,147,483,647, default 16. */
  readonly maxReconsumeTimes?: number;
  /** How often offsets are stored. 100 to 3,600,000, default 5,000. */
  readonly persistOffsetIntervalMs?: number;
  /** For requests other than pulls. 1 to 600,000, default 3,000. */
  readonly requestTimeoutMs?: number;
  /** What one body may grow to when it is decompressed. 1 to 1,073,741,824, default 16,777,216 (16 MiB). */
  readonly decompressedSizeBytesMax?: number;
  /** Closes the consumer. */
  readonly signal?: AbortSignal;
}

export type ResolvedPullOptions = ReturnType<typeof resolvePullOptions>;

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof PullConsumerOptions>([
  'group',
  'suspendTimeoutMs',
  'suspendPullTimeoutMs',
  'pullTimeoutMs',
  'maxReconsumeTimes',
  'persistOffsetIntervalMs',
  'requestTimeoutMs',
  'decompressedSizeBytesMax',
  'signal',
]);

/** Checks every option by name and fills in the defaults. @throws RMQ_OPTIONS_INVALID */
export function resolvePullOptions(options: PullConsumerOptions) {
  checkNames('pull consumer', options, KNOWN_OPTIONS);
  const suspendTimeoutMs = whole('suspendTimeoutMs', options.suspendTimeoutMs, 20_000, 1_000, 60_000);
  return {
    suspendTimeoutMs,
    suspendPullTimeoutMs: whole(
      'suspendPullTimeoutMs',
      options.suspendPullTimeoutMs,
      Math.max(30_000, suspendTimeoutMs + 10_000),
      suspendTimeoutMs + 1,
      600_000,
    ),
    pullTimeoutMs: whole('pullTimeoutMs', options.pullTimeoutMs, 10_000, 1, 600_000),
    maxReconsumeTimes: whole('maxReconsumeTimes', options.maxReconsumeTimes, 16, 0, 2_147_483_647),
    persistOffsetIntervalMs: whole('persistOffsetIntervalMs', options.persistOffsetIntervalMs, 5_000, 100, 3_600_000),
    requestTimeoutMs: whole('requestTimeoutMs', options.requestTimeoutMs, 3_000, 1, 600_000),
    decompressedSizeBytesMax: sizeMax(options.decompressedSizeBytesMax),
  };
}
