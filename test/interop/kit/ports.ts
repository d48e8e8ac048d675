import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { isRocketMQError } from '../../../core/index.js';
import { PATIENCE_MS } from './patience.js';

/**
 * Ports that systems give nobody by themselves: they begin at 32,768 (Linux) or 49,152. One of those could be a connection's
 * before the server that it was chosen for has started, or while that is restarted.
 */
const PORTS = { first: 15_000, count: 15_000 };
/** Chosen in this process: their servers may not have started yet. */
const chosen = new Set<number>();
/** Nobody but root listens there, and nobody does. */
export const DEAF_PORT = 1;

/** The first port of `count` neighbours on loopback that are all free now, and chosen by nobody else. */
export async function freeNeighbourPorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.some((port) => chosen.has(port))) continue;
    for (const port of ports) chosen.add(port);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
    for (const port of ports) chosen.delete(port);
  }
  throw new Error(`no ${count} free neighbouring ports on 127.0.0.1`);
}

/** Binds a port, as Apache's servers do on every address, and lets go of it. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** Whether somebody accepts connections on a loopback port. */
export async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Asks `probe` every 100 ms until it is true. `failure` may end the wait early with a reason. */
export async function waitFor(
  what: string,
  probe: () => Promise<boolean>,
  { timeoutMs = PATIENCE_MS, failure = () => undefined as string | undefined } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isThere(probe))) {
    const reason = failure();
    if (reason !== undefined) throw new Error(`${what}: ${reason}`);
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Apache's broker tells its name server of a topic that a send has made without waiting for an answer: what is asked about it
 * at once may find no route to it yet.
 */
async function isThere(probe: () => Promise<boolean>): Promise<boolean> {
  try {
    return await probe();
  } catch (error) {
    if (isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND')) return false;
    throw error;
  }
}
