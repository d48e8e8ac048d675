import { type Token, token } from '../runtime/token.js';

/** Receives what a wire reports. Calls come in order; `closed` is the last, exactly once. */
export interface WireEvents {
  /** Bytes that arrived, in order; the receiver owns the buffer. */
  data(chunk: Buffer): void;
  /** The wire is gone; `error` when it did not end well. */
  closed(error: Error | undefined): void;
  /** What was written has left, after `write` had returned false. */
  drained?(): void;
}

/** One byte stream in both directions. */
export interface Wire {
  /** `ip:port` of the peer. */
  readonly remoteAddress: string;
  /** `ip:port` of this side. */
  readonly localAddress: string;
  /** Bytes handed over that have not left yet. When it is 0 after `write`, the wire needs the buffers no more. */
  readonly bufferedBytes: number;
  /** Whether `write` copies: its caller need not join small buffers, and may change them afterwards. */
  readonly copiesWrites?: boolean;
  /** Hands over the buffers in one go (one writev); `flushed` is called once they are with the operating system. False when the wire wants to drain first. */
  write(buffers: readonly Uint8Array[], flushed?: (error?: Error) => void): boolean;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
  /** Flushes, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(error?: Error): void;
  /** Whether the wire alone may keep the process alive. */
  setRef(ref: boolean): void;
}

/** Where a transport listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Told when a single connection could not be accepted (out of file handles); the others are not touched. */
  readonly onAcceptError?: (error: Error) => void;
}

/** Something that listens, until it is closed. */
export interface Listener {
  /** The address that was really bound. */
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** How bytes travel: `tcp` and `memory` are the two we have; both carry the same frames, as bytes only. */
export interface Transport {
  readonly name: string;
  /** Whether this transport has a listener of its own at the address; one that reaches out, as TCP does, leaves it out. */
  serves?(address: string): boolean;
  /**
   * `events` is asked once and at once: the wire is there before it is connected, so that it can be destroyed or
   * released from keeping the process alive. Nothing may be written before the promise resolves; when it rejects, none of
   * the events come.
   * @throws RMQ_CONNECT_FAILED, RMQ_REQUEST_ABORTED
   */
  connect(
    address: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly events: (wire: Wire) => WireEvents },
  ): Promise<Wire>;
  /** @throws RMQ_ADDRESS_IN_USE */
  listen(options: ListenOptions, accept: (wire: Wire) => WireEvents): Promise<Listener>;
}

export const Transport: Token<Transport> = token('Transport');
