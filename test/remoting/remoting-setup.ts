import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { createRemotingClient, type RemotingClientOptions } from '../../core/remoting/client.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { FrameDecoder } from '../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame, type FrameCommand } from '../../core/remoting/protocol/frame-encoder.js';
import { type RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import type { RemotingClient } from '../../core/remoting/remoting-client.js';
import type { RemotingServer } from '../../core/remoting/remoting-server.js';
import { createRemotingServer, type RemotingServerSettings } from '../../core/remoting/server.js';
import { createTcpTransport, tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { Transport, Wire } from '../../core/remoting/transport.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tcpPeer } from '../kit/tcp-peer.js';
import { ca, certificate } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';

/** Every transport, for `describe.each`. */
export const transports: readonly (readonly [string, () => Transport])[] = [
  ['tcp', () => tcpTransport],
  ['tls', () => createTcpTransport({ tls: { ca }, serverTls: { ...certificate('server'), mode: 'enforcing' } })],
  ['memory', () => createMemoryTransport()],
];

/** A listening server and a client of it; both closed after the test. */
export async function remotingPair(
  transport: Transport,
  options: { readonly client?: Partial<RemotingClientOptions>; readonly server?: Partial<RemotingServerSettings> } = {},
  prepare: (server: RemotingServer) => void = () => {},
): Promise<{ readonly client: RemotingClient; readonly server: RemotingServer; readonly address: string }> {
  const server = createRemotingServer(transport, { host: '127.0.0.1', port: 0, ...options.server });
  prepare(server);
  await server.listen();
  const client = createRemotingClient({ transport, ...options.client });
  closeAfterTest(server);
  closeAfterTest(client);
  return { client, server, address: `127.0.0.1:${server.address.port}` };
}

/** A transport that counts connects and keeps each write of the connecting side. */
export function spyTransport(inner: Transport): Transport & { connects: number; readonly writes: Buffer[] } {
  const spy = {
    name: inner.name,
    connects: 0,
    writes: [] as Buffer[],
    connect: async (...[address, options]: Parameters<Transport['connect']>): Promise<Wire> => {
      spy.connects++;
      const wire = await inner.connect(address, options);
      const write = wire.write.bind(wire);
      wire.write = (buffers, flushed) => {
        spy.writes.push(Buffer.concat(buffers));
        return write(buffers, flushed);
      };
      return wire;
    },
    listen: (...args: Parameters<Transport['listen']>) => inner.listen(...args),
  };
  return spy;
}

/** Bytes of a whole frame. */
export function frameBytes(command: FrameCommand, serializeType: SerializeType = SerializeType.JSON): Buffer {
  const body = command.body ?? Buffer.alloc(0);
  return Buffer.concat([encodeFrame(command, serializeType, body.length), body]);
}

/** Every command in some bytes. */
export function commandsIn(bytes: Buffer): RemotingCommand[] {
  const commands: RemotingCommand[] = [];
  new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(bytes);
  return commands;
}

/** A server that is not ours: it reads our frames and does with them what the test says. */
export function fakeServer(
  onCommand: (command: RemotingCommand, socket: Socket) => void,
): Promise<{ readonly address: string; readonly sockets: ReadonlySet<Socket> }> {
  return tcpPeer((socket) => {
    const decoder = new FrameDecoder({ onCommand: (command) => onCommand(command, socket) });
    socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  });
}

/** A client that is not ours: a raw socket, with what came back on it. */
export async function rawClient(address: string): Promise<{
  readonly socket: Socket;
  readonly received: RemotingCommand[];
  /** Resolves when the other side has closed. */
  readonly closed: () => Promise<boolean>;
}> {
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
  const received: RemotingCommand[] = [];
  let closed = false;
  const decoder = new FrameDecoder({ onCommand: (command) => received.push(command) });
  socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closed = true;
  });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, received, closed: () => waitFor(() => closed, { what: 'the server to close' }) };
}
