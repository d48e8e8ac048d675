import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The first port of `count` neighbours on loopback that are all free now. */
export async function freeNeighbourPorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = await boundPort(0);
    if (first === undefined || first + count > 65_535) continue;
    let free = 1;
    while (free < count && (await boundPort(first + free)) !== undefined) free++;
    if (free === count) return first;
  }
  throw new Error(`no ${count} free neighbouring ports on 127.0.0.1`);
}

/** Binds a port (0: any) and lets go of it; undefined when it is taken. */
function boundPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
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
  { timeoutMs = 60_000, failure = () => undefined as string | undefined } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await probe())) {
    const reason = failure();
    if (reason !== undefined) throw new Error(`${what}: ${reason}`);
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
