import { totalmem } from 'node:os';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import { MESSAGE_DELAY_LEVEL, parseDelayLevels } from '../../message/delay-levels.js';
import { unknownOption } from '../../runtime/known-options.js';
import { ENTRY_SIZE_BYTES } from './consumequeue/consume-queue-entry.js';
import { parseDeleteWhen } from './retention/delete-when.js';

const GIB = 1024 ** 3;

/** When a message is acknowledged: once it is written, or once it is on the disk. Apache's names. */
export type FlushDiskType = 'ASYNC_FLUSH' | 'SYNC_FLUSH';

/** Settings of a store; where Apache's broker has the same one, by its name. */
export interface StoreOptions {
  /** Bytes of a commit-log file. Default 1 GiB. A directory has to be opened with the sizes it was written with. */
  readonly mappedFileSizeCommitLog?: number;
  /** Bytes of a consume-queue file, rounded up to whole entries of 20. Default 6,000,000. */
  readonly mappedFileSizeConsumeQueue?: number;
  /** Whether messages can be found by their keys. Default true. */
  readonly messageIndexEnable?: boolean;
  /** Slots of an index file: with fewer, finding a key takes longer. Default 5,000,000. */
  readonly maxHashSlotNum?: number;
  /** Entries of an index file, one for each key of a message. Default 20,000,000. */
  readonly maxIndexNum?: number;
  /** Longest body in bytes. Default 4 MiB. */
  readonly maxMessageSize?: number;
  /**
   * `SYNC_FLUSH` acknowledges a message, and lets it be read, when it is on the disk: a power failure takes back nothing
   * that was acknowledged. Default `ASYNC_FLUSH`: when it is written, which a killed process survives.
   */
  readonly flushDiskType?: FlushDiskType;
  /** How long a message waits for the disk under synchronous flush before FLUSH_DISK_TIMEOUT answers it. Default 5,000. */
  readonly syncFlushTimeoutMs?: number;
  /** How often what was written goes to the disk under asynchronous flush; sooner after 4 MiB. Default 500. */
  readonly flushIntervalCommitLogMs?: number;
  /** How often consume-queue entries go from memory to their files. Default 1,000. */
  readonly flushIntervalConsumeQueueMs?: number;
  /** How often the consume queues go to the disk and the checkpoint moves on. Default 60,000. */
  readonly flushConsumeQueueThoroughIntervalMs?: number;
  /** Part of the volume that may be used before writes are refused. Default 0.9. */
  readonly diskSpaceWarningLevelRatio?: number;
  /**
   * Messages younger than this are kept, unless size or disk say otherwise; what is older goes by whole commit-log files, and
   * the one with the newest message always stays. Hours, parts of an hour allowed. Default 72.
   */
  readonly fileReservedTimeHours?: number;
  /** The hours in which what is old is removed, of this machine's local time: `04`, or several joined by `;`. Default `04`. */
  readonly deleteWhen?: string;
  /** Length that the commit log may have before its oldest files are removed, at any hour. Default: no limit. */
  readonly commitLogSizeBytesMax?: number;
  /** Part of the volume that may be used before what is old is removed at any hour. Default 0.75. */
  readonly diskMaxUsedSpaceRatio?: number;
  /** Part of the volume that may be used before the oldest is removed however young it is. Default 0.85. */
  readonly diskSpaceCleanForciblyRatio?: number;
  /** Whether that may happen at all. Default true. */
  readonly cleanFileForciblyEnable?: boolean;
  /**
   * Delays of levels 1, 2, 3 …: whole numbers with s, m, h or d, separated by blanks. Default
   * `1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h`, which clients count on.
   */
  readonly messageDelayLevel?: string;
  /** How often it is looked whether something has to be removed; at first after six times as long. Default 10,000. */
  readonly cleanResourceIntervalMs?: number;
  /** Pause between two commit-log files that are removed. Default 100. */
  readonly deleteCommitLogFilesIntervalMs?: number;
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

const DEFAULTS: ResolvedStoreOptions = {
  mappedFileSizeCommitLog: GIB,
  mappedFileSizeConsumeQueue: 300_000 * ENTRY_SIZE_BYTES,
  messageIndexEnable: true,
  maxHashSlotNum: 5_000_000,
  maxIndexNum: 20_000_000,
  maxMessageSize: 4 * 1024 ** 2,
  flushDiskType: 'ASYNC_FLUSH',
  syncFlushTimeoutMs: 5_000,
  flushIntervalCommitLogMs: 500,
  flushIntervalConsumeQueueMs: 1_000,
  flushConsumeQueueThoroughIntervalMs: 60_000,
  diskSpaceWarningLevelRatio: 0.9,
  fileReservedTimeHours: 72,
  deleteWhen: '04',
  commitLogSizeBytesMax: Number.MAX_SAFE_INTEGER,
  diskMaxUsedSpaceRatio: 0.75,
  diskSpaceCleanForciblyRatio: 0.85,
  messageDelayLevel: MESSAGE_DELAY_LEVEL,
  cleanFileForciblyEnable: true,
  cleanResourceIntervalMs: 10_000,
  deleteCommitLogFilesIntervalMs: 100,
  diskCheckIntervalMs: 10_000,
  hotBytes: Math.floor(totalmem() * 0.4),
  readAtOnceBytes: GIB / 4,
  openFilesMax: 512,
};

/** At the door: nobody finds out by a power failure that `flushDiskTyp` is no option. @throws RMQ_OPTIONS_INVALID naming it */
export function checkStoreOptions(options: StoreOptions): void {
  resolveStoreOptions(options);
  const unknown = Object.keys(options).find((option) => !Object.hasOwn(DEFAULTS, option));
  if (unknown !== undefined) throw unknownOption('a store', unknown, Object.keys(DEFAULTS));
}

/** Fills in the defaults. @throws RMQ_OPTIONS_INVALID naming the option */
export function resolveStoreOptions(options: StoreOptions): ResolvedStoreOptions {
  const resolved: Record<keyof StoreOptions, unknown> = { ...DEFAULTS };
  for (const option of Object.keys(DEFAULTS) as (keyof StoreOptions)[]) {
    const value = options[option] ?? undefined;
    if (value === undefined) continue;
    const expected = expectedInstead(option, value);
    if (expected !== undefined) throw invalid(option, expected, value);
    resolved[option] = option === 'mappedFileSizeConsumeQueue' ? wholeEntries(Number(value)) : value;
  }
  return resolved as ResolvedStoreOptions;
}

const FRACTIONS: ReadonlySet<string> = new Set([
  'diskSpaceWarningLevelRatio',
  'diskMaxUsedSpaceRatio',
  'diskSpaceCleanForciblyRatio',
  'fileReservedTimeHours',
]);

/** What the option should be; undefined when it is that. */
function expectedInstead(option: string, value: unknown): string | undefined {
  switch (option) {
    case 'flushDiskType':
      return value === 'ASYNC_FLUSH' || value === 'SYNC_FLUSH' ? undefined : 'ASYNC_FLUSH or SYNC_FLUSH';
    case 'deleteWhen':
      if (typeof value === 'string' && parseDeleteWhen(value) !== undefined) return undefined;
      return 'hours from 00 to 23, several joined by ;';
    case 'messageDelayLevel':
      if (typeof value === 'string' && parseDelayLevels(value) !== undefined) return undefined;
      return 'delays such as 10s or 2h, separated by blanks';
    case 'cleanFileForciblyEnable':
    case 'messageIndexEnable':
      return typeof value === 'boolean' ? undefined : 'true or false';
  }
  const [low, high] = limitsOf(option);
  const isWhole = !FRACTIONS.has(option);
  const fits = typeof value === 'number' && value >= low && value <= high && (!isWhole || Number.isInteger(value));
  return fits ? undefined : `a ${isWhole ? 'whole ' : ''}number from ${low} to ${high}`;
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
    // Together with the slots less than Java can map.
    case 'maxHashSlotNum':
      return [1, 100_000_000];
    case 'maxIndexNum':
      return [2, 80_000_000];
    case 'diskSpaceWarningLevelRatio':
    case 'diskMaxUsedSpaceRatio':
    case 'diskSpaceCleanForciblyRatio':
      return [0, 1];
    case 'fileReservedTimeHours':
    case 'deleteCommitLogFilesIntervalMs':
      return [0, 2 ** 31 - 1];
    case 'commitLogSizeBytesMax':
      return [1, Number.MAX_SAFE_INTEGER];
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
