import { totalmem } from 'node:os';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import { ENTRY_SIZE_BYTES } from './consumequeue/consume-queue-entry.js';

const GIB = 1024 ** 3;

/** When a message is acknowledged: once it is written, or once it is on the disk. Apache's names. */
export type FlushDiskType = 'ASYNC_FLUSH' | 'SYNC_FLUSH';

/** Settings of a store; where Apache's broker has the same one, by its name. */
export interface StoreOptions {
  /** Bytes of a commit-log file. Default 1 GiB. A directory has to be opened with the sizes it was written with. */
  readonly mappedFileSizeCommitLog?: number;
  /** Bytes of a consume-queue file, rounded up to whole entries of 20. Default 6,000,000. */
  readonly mappedFileSizeConsumeQueue?: number;
  /** Longest body in bytes. Default 4 MiB. */
  readonly maxMessageSize?: number;
  /**
   * `SYNC_FLUSH` acknowledges a message, and lets it be read, when it is on the disk: a power failure takes back nothing
   * that was acknowledged. Default `ASYNC_FLUSH`: when it is written, which a killed process survives.
   */
  readonly flushDiskType?: FlushDiskType;
  /** How long a message waits for the disk under synchronous flush before FLUSH_DISK_TIMEOUT answers it. Default 5,000. */
  readonly syncFlushTimeoutMs?: number;
  /** How often what was written goes to the disk under asynchronous flush. Default 500. */
  readonly flushIntervalCommitLogMs?: number;
  /** How often consume-queue entries go from memory to their files. Default 1,000. */
  readonly flushIntervalConsumeQueueMs?: number;
  /** How often the consume queues go to the disk and the checkpoint moves on. Default 60,000. */
  readonly flushConsumeQueueThoroughIntervalMs?: number;
  /** Part of the volume that may be used before writes are refused. Default 0.9. */
  readonly diskSpaceWarningLevelRatio?: number;
  /** How often the volume is looked at. Default 10,000. */
  readonly diskCheckIntervalMs?: number;
  /** Newest bytes of the commit log that count as being in memory. Default: 40 % of the machine's memory. */
  readonly hotBytes?: number;
  /** Newest bytes of the commit log that are read at once; older ones leave the event loop free. Default 256 MiB. */
  readonly readAtOnceBytes?: number;
  /** Files open at a time. Default 512. */
  readonly openFilesMax?: number;
}

export type ResolvedStoreOptions = Required<StoreOptions>;

/** Fills in the defaults. @throws RMQ_OPTIONS_INVALID naming the option */
export function resolveStoreOptions(options: StoreOptions): ResolvedStoreOptions {
  const resolved = {
    mappedFileSizeCommitLog: options.mappedFileSizeCommitLog ?? GIB,
    mappedFileSizeConsumeQueue: wholeEntries(options.mappedFileSizeConsumeQueue ?? 6_000_000),
    maxMessageSize: options.maxMessageSize ?? 4 * 1024 ** 2,
    flushDiskType: options.flushDiskType ?? 'ASYNC_FLUSH',
    syncFlushTimeoutMs: options.syncFlushTimeoutMs ?? 5000,
    flushIntervalCommitLogMs: options.flushIntervalCommitLogMs ?? 500,
    flushIntervalConsumeQueueMs: options.flushIntervalConsumeQueueMs ?? 1000,
    flushConsumeQueueThoroughIntervalMs: options.flushConsumeQueueThoroughIntervalMs ?? 60_000,
    diskSpaceWarningLevelRatio: options.diskSpaceWarningLevelRatio ?? 0.9,
    diskCheckIntervalMs: options.diskCheckIntervalMs ?? 10_000,
    hotBytes: options.hotBytes ?? Math.floor(totalmem() * 0.4),
    readAtOnceBytes: options.readAtOnceBytes ?? GIB / 4,
    openFilesMax: options.openFilesMax ?? 512,
  };
  for (const [option, value] of Object.entries(resolved)) {
    if (option === 'flushDiskType') {
      if (value !== 'ASYNC_FLUSH' && value !== 'SYNC_FLUSH') throw invalid(option, 'ASYNC_FLUSH or SYNC_FLUSH', value);
      continue;
    }
    const [low, high] = limitsOf(option);
    if (typeof value === 'number' && value >= low && value <= high) continue;
    throw invalid(option, `a number from ${low} to ${high}`, value);
  }
  return resolved;
}

function invalid(option: string, expected: string, got: unknown) {
  const message = `store option ${option}: expected ${expected}, got ${got}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
}

function limitsOf(option: string): [low: number, high: number] {
  switch (option) {
    case 'mappedFileSizeCommitLog':
      return [1024, 2 ** 31 - 1];
    case 'mappedFileSizeConsumeQueue':
      return [ENTRY_SIZE_BYTES, 2 ** 31 - 1];
    case 'diskSpaceWarningLevelRatio':
      return [0, 1];
    case 'hotBytes':
    case 'readAtOnceBytes':
      return [0, Number.MAX_SAFE_INTEGER];
    default:
      return [1, 2 ** 31 - 1];
  }
}

function wholeEntries(sizeBytes: number): number {
  return Math.ceil(sizeBytes / ENTRY_SIZE_BYTES) * ENTRY_SIZE_BYTES;
}
