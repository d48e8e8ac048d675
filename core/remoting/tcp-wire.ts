import type { Socket } from 'node:net';
import { formatAddress } from './address.js';
import type { Wire, WireEvents } from './transport.js';

/** After `end`, how long a peer may neither take what was written nor close its half. */
const ENDING_SILENCE_MS_MAX = 1_000;

/** A byte stream over one socket of `node:net`. */
export class TcpWire implements Wire {
  readonly #socket: Socket;
  #remoteAddress: string;
  #localAddress = '';
  #error: Error | undefined;
  #ending = false;

  constructor(socket: Socket, remoteAddress: string) {
    this.#socket = socket;
    this.#remoteAddress = remoteAddress;
    this.#noteAddresses();
    // Without a listener an error would be thrown; `close` follows and reports it.
    socket.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** Begins to report: the socket is connected. */
  open(events: WireEvents): void {
    const socket = this.#socket;
    if (socket.remoteAddress !== undefined)
      this.#remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    this.#localAddress = formatAddress(socket.localAddress, socket.localPort);
    socket.on('data', (chunk: Buffer) => {
      if (!this.#ending) events.data(chunk);
    });
    socket.on('drain', () => events.drained?.());
    socket.once('close', () => events.closed(this.#error));
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get localAddress(): string {
    return this.#localAddress;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(buffers: readonly Uint8Array[], flushed?: (error?: Error) => void): boolean {
    const socket = this.#socket;
    const done = flushed && ((error?: Error | null): void => flushed(error ?? undefined));
    if (buffers.length === 1) return socket.write(buffers[0]!, done);
    const last = buffers.length - 1;
    let writable = true;
    socket.cork();
    for (let index = 0; index <= last; index++)
      writable = socket.write(buffers[index]!, index === last ? done : undefined);
    socket.uncork();
    return writable;
  }

  pause(): void {
    if (!this.#ending) this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    const socket = this.#socket;
    // Closing with unread bytes resets the connection, and the peer may lose what we wrote last: read them away.
    socket.resume();
    socket.setTimeout(ENDING_SILENCE_MS_MAX, () => socket.destroy());
    socket.end();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  setRef(ref: boolean): void {
    if (ref) this.#socket.ref();
    else this.#socket.unref();
  }

  /** A socket forgets its addresses when it closes. */
  #noteAddresses(): void {
    const socket = this.#socket;
    if (socket.remoteAddress === undefined) return;
    this.#remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    this.#localAddress = formatAddress(socket.localAddress, socket.localPort);
  }
}
