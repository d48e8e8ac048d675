import { type Token, type TraceRecord, token } from '../../core/index.js';

/**
 * Where trace records go. The plugin's own sends them to RocketMQ's trace topic; bind another under this token
 * (`host.bind(TraceDispatcher, { value })` in a plugin of yours) for a collector of your own. Matches Apache's TraceDispatcher.
 */
export interface TraceDispatcher {
  /**
   * Before the first record, while the client starts. What it throws, and what takes longer than 5 s (or most of the client's
   * `pluginTimeoutMs`), is a warning: the client runs on without traces, and closes it if it starts after all.
   */
  start?(): void | Promise<void>;
  /**
   * Takes a record. Called on the way of each message: keep it and deliver it later.
   * @returns false when there is no room for it: it is counted as dropped
   */
  append(record: TraceRecord): boolean;
  /** Records that it took and could not deliver, so far. */
  readonly lost?: number;
  /** Delivers what it has. */
  flush?(): Promise<void>;
  /** Delivers what it has, and ends. After producers and consumers of the client are closed. */
  close?(): void | Promise<void>;
}

export const TraceDispatcher: Token<TraceDispatcher> = token('TraceDispatcher');
