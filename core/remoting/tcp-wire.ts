import type { Socket } from 'node:net';
import { formatAddress } from './address.js';
import type { TlsAcceptor } from './tls/tls-acceptor.js';
import type { Wire, WireEvents } from './transport.js';

/** After `end`, how long a peer may neither take what was written nor close its half. */
const ENDING_SILENCE_MS_MAX = 1_000;

const NO_EVENTS: WireEvents = { data: () => {}, closed: () => {} };

/** A byte stream over one socket of `node:net`, or of `node:tls`. */
export class TcpWire implements Wire {
  #socket: Socket;
  #secured: boolean;
  #events = NO_EVENTS;
  #remoteAddress: string;
  #localAddress = '';
  #error: Error | undefined;
  #paused = false;
  #ending = false;

  /** `secured` tells that the socket is one of `node:tls`. */
  constructor(socket: Socket, remoteAddress: string, secured = false) {
    this.#socket = socket;
    this.#secured = secured;
    this.#remoteAddress = remoteAddress;
    this.#noteAddresses();
    this.#noteErrors(socket);
  }

  /**
   * Begins to report: the socket is connected. With `tls` the first bytes decide what it speaks; until then nothing may be
   * written.
   */
  open(events: WireEvents, tls?: TlsAcceptor): void {
    const socket = this.#socket;
    this.#events = events;
    if (socket.remoteAddress !== undefined)
      this.#remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    this.#localAddress = formatAddress(socket.localAddress, socket.localPort);
    if (tls === undefined) this.#read(socket, events);
    else socket.once('data', (first: Buffer) => this.#begin(first, tls));
    this.#watch(socket, events);
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

  /** TLS copies what it encrypts, at its own time: one copy of ours is cheaper than memory that waits for it. */
  get copiesWrites(): boolean {
    return this.#secured;
  }

  write(buffers: readonly Uint8Array[], flushed?: (error?: Error) => void): boolean {
    const socket = this.#socket;
    const done = flushed && ((error?: Error | null): void => flushed(error ?? undefined));
    if (this.#secured) return socket.write(Buffer.concat(buffers), done);
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
    if (this.#ending) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
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

  /** The first bytes: reads on, or in the clear text of the TLS that they begin. */
  #begin(first: Buffer, tls: TlsAcceptor): void {
    if (this.#ending) return;
    const socket = this.#socket;
    const plain = tls.takesPlain(socket, first, {
      onSecured: (secured) => this.#secure(secured),
      onRefused: (error, farewell) => {
        this.#error ??= error;
        if (farewell === undefined) {
          socket.destroy();
          return;
        }
        socket.write(farewell);
        this.end();
      },
    });
    if (!plain) return;
    this.#read(socket, this.#events);
    this.#events.data(first);
  }

  #secure(socket: Socket): void {
    this.#noteErrors(socket);
    this.#socket = socket;
    this.#secured = true;
    this.#watch(socket, this.#events);
    this.#read(socket, this.#events);
    if (this.#paused) socket.pause();
    if (this.#ending) socket.destroy();
  }

  #read(socket: Socket, events: WireEvents): void {
    socket.on('data', (chunk: Buffer) => {
      if (!this.#ending) events.data(chunk);
    });
  }

  #watch(socket: Socket, events: WireEvents): void {
    socket.on('drain', () => events.drained?.());
    socket.once('close', () => {
      // A socket that became the inside of a secure one closes too.
      if (socket === this.#socket) events.closed(this.#error);
    });
  }

  /** Without a listener an error would be thrown; `close` follows and reports it. */
  #noteErrors(socket: Socket): void {
    socket.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** A socket forgets its addresses when it closes. */
  #noteAddresses(): void {
    const socket = this.#socket;
    if (socket.remoteAddress === undefined) return;
    this.#remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    this.#localAddress = formatAddress(socket.localAddress, socket.localPort);
  }
}
