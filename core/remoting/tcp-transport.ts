import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { rocketMQError } from '../errors/rocketmq-error.js';
import { setImmediate } from '../runtime/event-loop.js';
import { formatAddress, parseAddress } from './address.js';
import { TcpWire } from './tcp-wire.js';
import { TlsAcceptor } from './tls/tls-acceptor.js';
import { TlsConnector, withLateRefusals } from './tls/tls-connector.js';
import { tlsConnectFailure, tlsConnectTimeout } from './tls/tls-failure.js';
import { type ServerTlsOptions, type TlsOptions, tlsModeOf } from './tls/tls-options.js';
import type { Listener, ListenOptions, Transport, Wire, WireEvents } from './transport.js';

type ConnectOptions = Parameters<Transport['connect']>[1];

export interface TcpTransportOptions {
  /** TLS to whatever is connected to. Default false. */
  readonly tls?: boolean | TlsOptions;
  /** What listeners take beside plain connections, or instead. Default: plain connections only. */
  readonly serverTls?: ServerTlsOptions;
}

/** Connections over TCP, with Nagle's algorithm off: what belongs together is written together. */
export const tcpTransport: Transport = createTcpTransport();

/**
 * The same with TLS.
 * @throws RMQ_OPTIONS_INVALID when certificates or keys cannot be read, or do not belong together
 */
export function createTcpTransport({ tls = false, serverTls }: TcpTransportOptions = {}): Transport {
  const connector = tls === false ? undefined : new TlsConnector(tls === true ? {} : tls);
  const acceptor = serverTls && tlsModeOf(serverTls) !== 'disabled' ? new TlsAcceptor(serverTls) : undefined;
  return {
    name: connector === undefined && acceptor === undefined ? 'tcp' : 'tls',
    connect: (address, options) => connect(address, options, connector),
    listen: (options, accept) => listen(options, accept, acceptor),
  };
}

function connect(
  address: string,
  { timeoutMs, signal, events }: ConnectOptions,
  tls: TlsConnector | undefined,
): Promise<Wire> {
  const target = parseAddress(address);
  if (!target) {
    const message = `cannot connect to ${JSON.stringify(address)}: an address is host:port`;
    return Promise.reject(rocketMQError('RMQ_CONNECT_FAILED', message, { address }, { retryable: false }));
  }
  if (signal?.aborted) return Promise.reject(abortedError(address));
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? connectSocket({ ...target, noDelay: true }) : tls.connect(target);
    const ready = tls === undefined ? 'connect' : 'secureConnect';
    const wire = new TcpWire(socket, address, tls !== undefined);
    const wireEvents = tls === undefined ? events(wire) : withLateRefusals(address, events(wire));
    // Set while TLS shakes hands: what fails then is about TLS.
    let handshaking = false;
    let settled = false;
    // The socket itself keeps the process alive while it connects, if anything shall.
    const timer = setTimeout(() => {
      // A process that was held up reads first what came meanwhile.
      setImmediate(() => {
        if (!settled) giveUp(handshaking ? tlsConnectTimeout(address, timeoutMs) : unanswered(address, timeoutMs));
      });
    }, timeoutMs).unref();
    const onAbort = (): void => giveUp(abortedError(address));
    const onReached = (): void => {
      handshaking = true;
    };
    const onReady = (): void => {
      settle();
      wire.open(wireEvents);
      resolve(wire);
    };
    const onError = (error: Error): void =>
      giveUp(handshaking ? tlsConnectFailure(address, error) : failed(address, describe(error), error));
    const onClose = (): void =>
      giveUp(handshaking ? tlsConnectFailure(address, undefined) : failed(address, 'closed before it was connected'));
    const settle = (): void => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(ready, onReady).off('error', onError).off('close', onClose);
      if (tls !== undefined) socket.off('connect', onReached);
    };
    const giveUp = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    signal?.addEventListener('abort', onAbort);
    socket.on(ready, onReady).on('error', onError).on('close', onClose);
    if (tls !== undefined) socket.on('connect', onReached);
  });
}

function unanswered(address: string, timeoutMs: number): Error {
  return failed(address, `no answer within ${timeoutMs} ms`);
}

function failed(address: string, reason: string, cause?: unknown): Error {
  return rocketMQError('RMQ_CONNECT_FAILED', `cannot connect to ${address}: ${reason}`, { address }, { cause });
}

async function listen(
  { host, port, onAcceptError }: ListenOptions,
  accept: (wire: Wire) => WireEvents,
  tls: TlsAcceptor | undefined,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const wire = new TcpWire(socket, formatAddress(socket.remoteAddress, socket.remotePort));
    wire.open(accept(wire), tls);
  });
  await bind(server, host, port);
  server.on('error', (error) => onAcceptError?.(error));
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  return {
    address: { host, port: boundPort },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      const address = formatAddress(host, port);
      reject(
        rocketMQError(
          'RMQ_ADDRESS_IN_USE',
          `cannot listen on ${address}: ${describe(error)}`,
          { address },
          { cause: error },
        ),
      );
    };
    server.once('error', onError);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function abortedError(address: string): Error {
  return rocketMQError('RMQ_REQUEST_ABORTED', `connecting to ${address} was cancelled`, { sent: 'no' });
}

/** Several addresses of one host fail with an AggregateError that has no message of its own. */
function describe(error: Error): string {
  if (error.message) return error.message;
  return error instanceof AggregateError ? error.errors.map((each) => String(each)).join('; ') : error.name;
}
