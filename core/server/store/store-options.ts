import { totalmem } from 'node:os';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import { ENTRY_SIZE_BYTES } from './consumequeue/consume-queue-entry.js';

const GIB = 1024 ** 3;

/** Settings of a store; where Apache's broker has the same one, by its name. */
export interface StoreOptions {
  /** Bytes of a commit-log file. Default 1 GiB. A directory has to be opened with the sizes it was written with. */
  readonly mappedFileSizeCommitLog?: number;
  /** Bytes of a consume-queue file, rounded up to whole entries of 20. Default 6,000,000. */
  readonly mappedFileSizeConsumeQueue?: number;
  /** Longest body in bytes. Default 4 MiB. */
  readonly maxMessageSize?: number;
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
    const [low, high] = limitsOf(option);
    if (typeof value === 'number' && value >= low && value <= high) continue;
    const message = `store option ${option}: expected a number from ${low} to ${high}, got ${value}`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
  }
  return resolved;
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
