import type { RocketMQError } from '../errors/rocketmq-error.js';
import { type Token, token } from '../runtime/token.js';
import type { OutgoingCommand, RemotingCommand } from './protocol/remoting-command.js';

/** Told exactly once how a request ended, never before `start` returned. */
export interface RequestObserver {
  /** The response, whatever its code; undefined when a oneway request is with the socket. */
  onResponse(response: RemotingCommand | undefined): void;
  /** RMQ_CONNECT_FAILED, RMQ_CONNECTION_LOST, RMQ_REQUEST_TIMEOUT, RMQ_FRAME_INVALID, or a plugin's error. */
  onFailure(error: RocketMQError): void;
}

/** A request in flight. */
export interface PendingRequest {
  /** Drops the request: the observer hears nothing more, a late answer is counted and ignored. Tells whether its bytes may have left; a frame still in this turn's buffer is taken out of it. */
  cancel(): 'no' | 'maybe';
  /** Whether the bytes may have left. */
  readonly sent: 'no' | 'maybe';
  /** The plugin whose interceptor has the request, or the answer to it, and has not handed it on. */
  readonly heldBy?: string | undefined;
}

/** Answers a request that a server sends us on our own connection; undefined answers nothing. */
export type CallbackHandler = (
  request: RemotingCommand,
  address: string,
) => OutgoingCommand | undefined | Promise<OutgoingCommand | undefined>;

/** Requests to servers by address: one connection an address, shared, made on first use. */
export interface RemotingClient {
  /**
   * The hot path: starts a request at once and tells `observer`. `timeoutMs` counts from now, connecting included.
   * `oneway` requests are told about when their bytes are with the socket. `nowMs` spares reading the monotonic clock
   * where the caller just has.
   */
  start(
    address: string,
    request: OutgoingCommand,
    options: { readonly timeoutMs: number; readonly oneway?: boolean; readonly nowMs?: number },
    observer: RequestObserver,
  ): PendingRequest;
  /** The same as a promise. A response of any code is a value; `expectSuccess` in remoting/expect-success.ts raises the others. */
  invoke(
    address: string,
    request: OutgoingCommand,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RemotingCommand>;
  /** Resolves when the bytes are with the socket. */
  oneway(address: string, request: OutgoingCommand, options: { readonly timeoutMs: number }): Promise<void>;
  /** Registers the answerer of one request code; one a code. */
  handle(code: number, handler: CallbackHandler): void;
  /** Called with the address whenever an established connection is lost. */
  onConnectionLost(listener: (address: string) => void): () => void;
  /** Whether a connection to the address is established. */
  isConnected(address: string): boolean;
  /** Closes connections to addresses that `keep` refuses, when nothing is in flight on them. */
  retainAddresses(keep: (address: string) => boolean): void;
  /** Late answers that were ignored, and the like; for tests and metrics. */
  readonly statistics: { readonly lateResponses: number; readonly inFlight: number };
  /** Fails what is pending, closes every connection. */
  close(): Promise<void>;
}

export const RemotingClient: Token<RemotingClient> = token('RemotingClient');
