import { DECOMPRESSED_BYTES_MAX } from '../../message/compression/decompress.js';
import type { AllocateStrategy } from '../allocation/allocate-strategy.js';
import type { StartFrom } from './consumer-options.js';
import { invalid, oneOf, whole } from './option-checks.js';

const MEBIBYTE = 1024 * 1024;

/** What consumers of every kind can be told. @throws RMQ_OPTIONS_INVALID */
export function commonOptions(options: {
  readonly requestTimeoutMs?: number;
  readonly decompressedSizeBytesMax?: number;
}) {
  const { requestTimeoutMs, decompressedSizeBytesMax } = options;
  return {
    requestTimeoutMs: whole('requestTimeoutMs', requestTimeoutMs, 3_000, 1, 600_000),
    decompressedSizeBytesMax: whole(
      'decompressedSizeBytesMax',
      decompressedSizeBytesMax,
      DECOMPRESSED_BYTES_MAX,
      1,
      1_073_741_824,
    ),
  };
}

/** What those that pull queues by themselves can be told, besides. @throws RMQ_OPTIONS_INVALID */
export function readingOptions(options: {
  readonly from?: StartFrom;
  readonly messageModel?: 'clustering' | 'broadcasting';
  readonly pullThresholdForQueue?: number;
  readonly pullThresholdSizeForQueueMiB?: number;
  readonly pullRetryDelayMs?: number;
  readonly allocateStrategy?: AllocateStrategy;
  readonly rebalanceIntervalMs?: number;
  readonly localOffsetStoreDir?: string;
}) {
  const { pullThresholdForQueue, pullThresholdSizeForQueueMiB, pullRetryDelayMs, rebalanceIntervalMs } = options;
  return {
    from: startFrom(options.from),
    messageModel: oneOf('messageModel', options.messageModel, ['clustering', 'broadcasting']),
    pullThresholdForQueue: whole('pullThresholdForQueue', pullThresholdForQueue, 1_000, 1, 65_535),
    pullThresholdSizeForQueueBytes:
      whole('pullThresholdSizeForQueueMiB', pullThresholdSizeForQueueMiB, 100, 1, 1_024) * MEBIBYTE,
    pullRetryDelayMs: whole('pullRetryDelayMs', pullRetryDelayMs, 1_000, 1, 60_000),
    allocateStrategy: strategy(options.allocateStrategy),
    rebalanceIntervalMs: whole('rebalanceIntervalMs', rebalanceIntervalMs, 20_000, 1_000, 3_600_000),
    localOffsetStoreDir: folder('localOffsetStoreDir', options.localOffsetStoreDir),
  };
}

/** How long a broker may hold a pull. @throws RMQ_OPTIONS_INVALID */
export function suspendTimeout(value: number | undefined, fallback: number): number {
  return whole('suspendTimeoutMs', value, fallback, 1_000, 60_000);
}

/**
 * How long the answer to a pull is waited for that may be held so long: 30 seconds, or where that is little, `graceMs` more.
 * @throws RMQ_OPTIONS_INVALID
 */
export function heldTimeout(
  option: string,
  value: number | undefined,
  suspendTimeoutMs: number,
  graceMs: number,
): number {
  const fallback = Math.max(30_000, suspendTimeoutMs + graceMs);
  return whole(option, value, fallback, suspendTimeoutMs + 1, 600_000);
}

function strategy(value: AllocateStrategy | undefined): AllocateStrategy | undefined {
  if (value === undefined || (typeof value === 'object' && typeof value?.allocate === 'function')) return value;
  throw invalid('allocateStrategy', 'an object with name and allocate', value);
}

function folder(option: string, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw invalid(option, 'the path of a folder', value);
}

function startFrom(from: StartFrom | undefined): StartFrom {
  if (from === undefined) return 'last';
  if (from === 'last' || from === 'first') return from;
  if (typeof from === 'object' && from !== null && Number.isSafeInteger(from.timestamp) && from.timestamp >= 0) {
    return { timestamp: from.timestamp };
  }
  throw invalid('from', "'last', 'first' or { timestamp: milliseconds since 1970 }", from);
}
