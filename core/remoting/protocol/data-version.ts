import { integerMember, objectOf, optionalIntegerMember } from './body-fields.js';

/** Which state of a table it is. Matches Apache's DataVersion. */
export interface DataVersion {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Counts changes. */
  readonly counter: number;
  /** 5.x only. */
  readonly stateVersion?: number;
}

/** Reads a DataVersion; one that is missing is all zero. @throws RMQ_BODY_INVALID */
export function readDataVersion(value: unknown, name = 'dataVersion'): DataVersion {
  const version = objectOf(value ?? Object.create(null), name);
  const stateVersion = optionalIntegerMember(version, 'stateVersion', name);
  return {
    timestamp: integerMember(version, 'timestamp', name),
    counter: integerMember(version, 'counter', name),
    ...(stateVersion === undefined ? {} : { stateVersion }),
  };
}

/** Whether two versions are the same state. Matches Apache's DataVersion.equals. */
export function sameDataVersion(one: DataVersion, other: DataVersion): boolean {
  return (
    one.timestamp === other.timestamp &&
    one.counter === other.counter &&
    (one.stateVersion ?? 0) === (other.stateVersion ?? 0)
  );
}
