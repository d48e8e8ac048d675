import type { ResolvedStoreOptions } from '../store-options.js';
import type { RetentionLimits } from './removal-reason.js';

const HOUR_MS = 3_600_000;

/** What the options say about how long messages are kept. */
export function retentionLimits(options: ResolvedStoreOptions): RetentionLimits {
  return {
    reservedTimeMs: options.fileReservedTimeHours * HOUR_MS,
    sizeBytesMax: options.commitLogSizeBytesMax,
    diskMaxUsedSpaceRatio: options.diskMaxUsedSpaceRatio,
    diskSpaceCleanForciblyRatio: options.cleanFileForciblyEnable ? options.diskSpaceCleanForciblyRatio : undefined,
  };
}
