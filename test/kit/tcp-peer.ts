import { spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A raw TCP server on a free port of 127.0.0.1, for peers that misbehave. Closed with its connections after the test. */
export async function tcpPeer(
  onSocket: (socket: Socket) => void,
): Promise<{ readonly address: string; readonly port: number; readonly sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // The other side of a misbehaving peer may well reset the connection.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, port, sockets };
}

const UNACCEPTING = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** An address that takes connects and never answers them: a full backlog of a process that stands still. */
export async function unansweringAddress(): Promise<string> {
  const child = spawn(process.execPath, ['-e', UNACCEPTING], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  const filler = Array.from({ length: 8 }, () => connect({ host: '127.0.0.1', port }).on('error', () => {}));
  onTestFinished(() => {
    for (const socket of filler) socket.destroy();
  });
  await new Promise<void>((resolve) => filler[0]!.once('connect', resolve));
  return `127.0.0.1:${port}`;
}
