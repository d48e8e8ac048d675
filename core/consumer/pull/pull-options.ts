import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import { whole } from '../options/option-checks.js';
import { commonOptions, heldTimeout, suspendTimeout } from '../options/shared-options.js';

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

const PULL: OptionNames = {
  of: 'a pull consumer',
  names: new Set<keyof PullConsumerOptions>([
    'group',
    'suspendTimeoutMs',
    'suspendPullTimeoutMs',
    'pullTimeoutMs',
    'maxReconsumeTimes',
    'persistOffsetIntervalMs',
    'requestTimeoutMs',
    'decompressedSizeBytesMax',
    'signal',
  ]),
};

/** Checks every option by name and fills in the defaults. @throws RMQ_OPTIONS_INVALID */
export function resolvePullOptions(options: PullConsumerOptions) {
  requireKnown(options ?? null, PULL);
  const { suspendPullTimeoutMs } = options;
  const suspendTimeoutMs = suspendTimeout(options.suspendTimeoutMs, 20_000);
  return {
    ...commonOptions(options),
    suspendTimeoutMs,
    suspendPullTimeoutMs: heldTimeout('suspendPullTimeoutMs', suspendPullTimeoutMs, suspendTimeoutMs, 10_000),
    pullTimeoutMs: whole('pullTimeoutMs', options.pullTimeoutMs, 10_000, 1, 600_000),
    maxReconsumeTimes: whole('maxReconsumeTimes', options.maxReconsumeTimes, 16, 0, 2_147_483_647),
    persistOffsetIntervalMs: whole('persistOffsetIntervalMs', options.persistOffsetIntervalMs, 5_000, 100, 3_600_000),
  };
}
