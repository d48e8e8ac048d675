export interface RetentionLimits {
  /** Messages younger than this are kept, unless the disk or the size says otherwise. */
  readonly reservedTimeMs: number;
  /** The commit log is not longer than this. */
  readonly sizeBytesMax: number;
  /** Above this part of the volume in use, what is old is removed at any hour. */
  readonly diskMaxUsedSpaceRatio: number;
  /** Above this part, the oldest is removed however young it is; undefined: never. */
  readonly diskSpaceCleanForciblyRatio: number | undefined;
}

export interface RetentionState {
  readonly diskUsedRatio: number;
  /** Whether this is one of the hours for removing what is old. */
  readonly isDeleteHour: boolean;
  /** Bytes of the commit log, the oldest file included. */
  readonly sizeBytes: number;
  /** Time since the newest message of the oldest file was stored; undefined when that cannot be told. */
  readonly ageMs: number | undefined;
}

export type RemovalReason = 'disk usage' | 'size' | 'age';

/**
 * Why the oldest file of the commit log has to go; undefined: it stays. Age and disk usage decide as in Apache's
 * CleanCommitLogService, the size is ours.
 */
export function removalReason(limits: RetentionLimits, state: RetentionState): RemovalReason | undefined {
  const { diskSpaceCleanForciblyRatio = Number.POSITIVE_INFINITY } = limits;
  if (state.diskUsedRatio > diskSpaceCleanForciblyRatio) return 'disk usage';
  if (state.sizeBytes > limits.sizeBytesMax) return 'size';
  const isTime = state.isDeleteHour || state.diskUsedRatio > limits.diskMaxUsedSpaceRatio;
  return isTime && state.ageMs !== undefined && state.ageMs >= limits.reservedTimeMs ? 'age' : undefined;
}
