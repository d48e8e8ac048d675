import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { formatAddress } from '../address.js';
import { tlsContext } from './tls-context.js';
import { reasonOf } from './tls-failure.js';
import { tlsModule } from './tls-module.js';
import { type ServerTlsOptions, tlsModeOf } from './tls-options.js';

/** Content type of a TLS record with a handshake message, which every TLS connection begins with. */
const HANDSHAKE = 0x16;
/** A fatal alert "protocol version": tells a client that speaks plain what is wanted here. */
const WANTS_TLS = Buffer.from([0x15, 3, 3, 0, 2, 2, 70]);
const HANDSHAKE_TIMEOUT_MS = 10_000;

interface Handshake {
  done(socket: TLSSocket): void;
  failed(error: Error): void;
}

/** Told how the handshake of one connection ended; one of the two is called, once. */
export interface HandshakeObserver {
  onSecured(socket: TLSSocket): void;
  /** `farewell` is what the peer is told before it is closed. */
  onRefused(error: RocketMQError, farewell?: Buffer): void;
}

/** The TLS side of a listener: tells by a connection's first bytes what it speaks, and shakes hands. */
export class TlsAcceptor {
  readonly #enforcing: boolean;
  readonly #timeoutMs: number;
  /** Never listens: sockets that were accepted elsewhere are given to it. */
  readonly #server: Server;
  readonly #handshakes = new Map<string, Handshake>();

  /** @throws RMQ_OPTIONS_INVALID when certificates or keys cannot be read, or do not belong together */
  constructor({ mode, ...options }: ServerTlsOptions) {
    this.#enforcing = tlsModeOf({ mode, ...options }) === 'enforcing';
    this.#timeoutMs = options.handshakeTimeout ?? HANDSHAKE_TIMEOUT_MS;
    tlsContext(options, 'tls');
    this.#server = tlsModule().createServer(options);
    this.#server.on('secureConnection', (socket) => {
      const handshake = this.#handshakes.get(keyOf(socket));
      if (handshake === undefined) socket.destroy();
      else handshake.done(socket);
    });
    this.#server.on('tlsClientError', (error, socket) => this.#handshakes.get(keyOf(socket))?.failed(error));
  }

  /** Looks at the first bytes of a connection: true when they are plain and welcome, else `observer` hears the rest. */
  takesPlain(socket: Socket, first: Buffer, observer: HandshakeObserver): boolean {
    if (first[0] === HANDSHAKE) this.#shakeHands(socket, first, observer);
    else if (this.#enforcing) observer.onRefused(plainRefused(socket), WANTS_TLS);
    else return true;
    return false;
  }

  #shakeHands(socket: Socket, first: Buffer, observer: HandshakeObserver): void {
    const address = formatAddress(socket.remoteAddress, socket.remotePort);
    const key = keyOf(socket);
    const forget = (): void => {
      clearTimeout(timer);
      socket.off('close', onClose);
      this.#handshakes.delete(key);
    };
    const handshake: Handshake = {
      done: (secured) => {
        forget();
        observer.onSecured(secured);
      },
      failed: (error) => {
        forget();
        const message = `no TLS with ${address}: ${reasonOf(error)}`;
        observer.onRefused(rocketMQError('RMQ_CONNECT_FAILED', message, { address }, { cause: error, hint: HINT }));
      },
    };
    const onClose = (): void => handshake.failed(new Error('the handshake was broken off'));
    // Node's own time-out begins anew with every byte.
    const timer = setTimeout(() => {
      handshake.failed(new Error(`the handshake did not end within ${this.#timeoutMs} ms`));
    }, this.#timeoutMs).unref();
    this.#handshakes.set(key, handshake);
    // Before whoever else listens, so that they know why.
    socket.prependOnceListener('close', onClose);
    socket.pause();
    socket.unshift(first);
    this.#server.emit('connection', socket);
  }
}

const HINT =
  'TLS: the client did not trust the certificate, showed none or one that `ca` does not vouch for, or left; its own error says more.';

function plainRefused(socket: Socket): RocketMQError {
  const address = formatAddress(socket.remoteAddress, socket.remotePort);
  return rocketMQError(
    'RMQ_FRAME_INVALID',
    `${address} does not speak TLS, and this port takes nothing else (mode enforcing)`,
    { address },
    { hint: "TLS: turn it on at that client, or allow plain connections with tls.mode 'permissive'." },
  );
}

/** One at a time among the connections of a listener. */
function keyOf(socket: Socket): string {
  return `${socket.localAddress}:${socket.localPort}-${socket.remoteAddress}:${socket.remotePort}`;
}
