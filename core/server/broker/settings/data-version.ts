import type { DataVersion } from '../../../remoting/protocol/data-version.js';

/** The version of a table after a change at `nowMs`: name servers and slaves compare it. */
export function nextVersion(version: DataVersion, nowMs: number): DataVersion {
  return { ...version, timestamp: nowMs, counter: version.counter + 1 };
}
