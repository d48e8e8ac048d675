import type { StoreStatistics } from './broker/message-store.js';

/** What a server counts, since it was started. */
export interface ServerStatistics {
  readonly store: StoreStatistics;
  /** Groups that are connected now, and pulls that wait for messages. */
  readonly broker: { readonly producerGroups: number; readonly consumerGroups: number; readonly heldPulls: number };
  /** Open now, on all ports. */
  readonly connections: number;
  /** Closed as they came, since there were `connectionsMax`. */
  readonly refusedConnections: number;
  /** What arrived and was no frame; each ended its connection. */
  readonly invalidFrames: number;
  /** How often the event loop stood still for more than 50 ms, and the longest time in milliseconds. */
  readonly loopStalls: { readonly count: number; readonly longestMs: number };
}

/** A name server and a broker, or a broker alone, that answer. */
export interface RunningServer {
  /** What clients connect to: `host:port`, several joined by `;`. */
  readonly nameServers: string;
  /** `host:port` that the broker is registered under. */
  readonly brokerAddress: string;
  /** Where its data is, as the option says. */
  readonly dir: string;
  /** As they are at the moment of reading; in a worker up to 100 ms old. */
  readonly statistics: ServerStatistics;
  /** Why sends are refused now, in words; undefined while they are taken. */
  readonly refusal: string | undefined;
  /**
   * Calls back once when the server ended by itself, or at once when it has: RMQ_SERVER_FAILED. Only one in a worker
   * can, with its thread; one in this thread shares its fate. Returns a way to take that back.
   */
  onFailed(listener: (error: Error) => void): () => void;
  /** Stops cleanly: leaves the name servers, answers what is under way, saves everything. A second call waits for the first. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
