import type { Transport } from '../remoting/transport.js';
import type { Clock } from '../runtime/clock.js';

/** A transport that reaches some addresses only; without `serves` it is given all of them. */
export type ClusterTransport = Transport & {
  serves?(address: string): boolean;
};

/** A cluster that runs for this client. */
export interface RunningCluster {
  readonly nameServers: string | readonly string[];
  /** Serves the addresses it knows; all others go through the client's own transport. */
  readonly transport?: ClusterTransport;
  /** This client needs it no more. The source stops with its last user. */
  release(): Promise<void>;
  /** Calls back once when the cluster ended by itself, at once when it has already. A source that cannot tell leaves it out. */
  onFailed?(listener: (error: Error) => void): void;
}

/**
 * Where a client's servers come from when the application brings them itself: `embedded()` of `multistage/server`, a test
 * kit, a container. `start` may be called by several clients; each gets a hold of its own.
 */
export interface ClusterSource {
  /** The time that these servers live in, for clients that are given no `clock` of their own. Default: the machine's. */
  readonly clock?: Clock;
  start(user: { readonly clientId: string }): Promise<RunningCluster>;
}
