import type { OutgoingCommand, RemotingCommand } from './protocol/remoting-command.js';

/** A client's connection as the server's processors see it. */
export interface ServerConnection {
  /** Unique in this process. */
  readonly id: number;
  /** `ip:port` of the client. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly closed: boolean;
  /** Whether the client reads so slowly that {@link oneway} may soon be dropped. */
  readonly lagging: boolean;
  /** Calls back once when the connection is gone; at once when it is gone already. Returns a way to take that back. */
  onClose(listener: () => void): () => void;
  /** A request of the broker's own to this client. @throws RMQ_CONNECTION_LOST, RMQ_REQUEST_TIMEOUT */
  invoke(request: OutgoingCommand, options: { readonly timeoutMs: number }): Promise<RemotingCommand>;
  /** The same without an answer; a lost connection is no error. Dropped where the client has too much to read as it is. */
  oneway(request: OutgoingCommand): void;
  close(): void;
}

/** What a processor answers. `ext` may be an empty object: Java reads some responses' fields without asking. */
export interface OutgoingResponse extends OutgoingCommand {
  /** Body in several pieces, written one after another without a copy; instead of `body`. */
  readonly bodyParts?: readonly Uint8Array[];
}

/**
 * Answers a request: at once, by promise, or later through `respond` when it returns `'later'` (held pulls, stores). Calls
 * `respond` at most once; undefined and `respond` never called answer nothing. For a oneway request answers are dropped. What it throws becomes SYSTEM_ERROR (1).
 */
export type RequestProcessor = (
  request: RemotingCommand,
  connection: ServerConnection,
  respond: (response: OutgoingResponse) => void,
) => OutgoingResponse | Promise<OutgoingResponse> | 'later' | undefined;

export interface RemotingServerOptions {
  readonly host: string;
  readonly port: number;
  /** Largest frame, length field included. Default 16 MiB (protocol §1.1). */
  readonly frameSizeBytesMax?: number;
  /** Connections at one time; more are closed as they come. Default 10,000. */
  readonly connectionsMax?: number;
  /** A connection without traffic either way is closed. Default 120,000. */
  readonly idleTimeoutMs?: number;
  /**
   * Answers that a client does not take: beyond this many bytes no further request of that connection is processed until
   * it has read them. At least 1 MiB, default 8 MiB.
   */
  readonly unsentBytesMax?: number;
  /** How long `close` waits for answers that processors promised and for clients to take them. Default 1,000. */
  readonly closeTimeoutMs?: number;
}

/** One port with a table from request code to processor. */
export interface RemotingServer {
  /** Bound host and port; known after `listen`. */
  readonly address: { readonly host: string; readonly port: number };
  process(code: number, processor: RequestProcessor): void;
  /** Answers codes that have no processor; the default refuses them with REQUEST_CODE_NOT_SUPPORTED (3). */
  processOthers(processor: RequestProcessor): void;
  onConnection(listener: (connection: ServerConnection) => void): void;
  /**
   * Runs after the frames of one chunk, or of a part of it, have been processed and before their answers are flushed: where
   * a store writes what it gathered.
   */
  onTurnEnd(listener: () => void): void;
  listen(): Promise<void>;
  readonly statistics: {
    readonly connections: number;
    readonly refusedConnections: number;
    readonly invalidFrames: number;
  };
  /**
   * Stops listening and processing, lets answers leave, closes connections. Waits for promised answers, not for those
   * that were put off with `'later'`: whoever holds requests answers them before.
   */
  close(): Promise<void>;
}
