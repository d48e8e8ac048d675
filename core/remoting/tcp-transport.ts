import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { rocketMQError } from '../errors/rocketmq-error.js';
import { formatAddress, parseAddress } from './address.js';
import { TcpWire } from './tcp-wire.js';
import type { Listener, ListenOptions, Transport, Wire, WireEvents } from './transport.js';

type ConnectOptions = Parameters<Transport['connect']>[1];

/** Connections over TCP, with Nagle's algorithm off: what belongs together is written together. */
export const tcpTransport: Transport = { name: 'tcp', connect, listen };

function connect(address: string, { timeoutMs, signal, events }: ConnectOptions): Promise<Wire> {
  const target = parseAddress(address);
  if (!target) {
    const message = `cannot connect to ${JSON.stringify(address)}: an address is host:port`;
    return Promise.reject(rocketMQError('RMQ_CONNECT_FAILED', message, { address }, { retryable: false }));
  }
  if (signal?.aborted) return Promise.reject(abortedError(address));
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ ...target, noDelay: true });
    const wire = new TcpWire(socket, address);
    const wireEvents = events(wire);
    // The socket itself keeps the process alive while it connects, if anything shall.
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs).unref();
    const onAbort = (): void => {
      settle();
      socket.destroy();
      reject(abortedError(address));
    };
    const onConnect = (): void => {
      settle();
      wire.open(wireEvents);
      resolve(wire);
    };
    const onError = (error: Error): void => fail(describe(error), error);
    const onClose = (): void => fail('closed before it was connected');
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect).off('error', onError).off('close', onClose);
    };
    const fail = (reason: string, cause?: unknown): void => {
      settle();
      socket.destroy();
      reject(rocketMQError('RMQ_CONNECT_FAILED', `cannot connect to ${address}: ${reason}`, { address }, { cause }));
    };
    signal?.addEventListener('abort', onAbort);
    socket.on('connect', onConnect).on('error', onError).on('close', onClose);
  });
}

async function listen(
  { host, port, onAcceptError }: ListenOptions,
  accept: (wire: Wire) => WireEvents,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const wire = new TcpWire(socket, formatAddress(socket.remoteAddress, socket.remotePort));
    wire.open(accept(wire));
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
