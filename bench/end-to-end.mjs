/**
 * How much of what Node's sockets can do is left when a message passes the whole way: six stages, the remoting client,
 * the embedded server in the same process, its store on disk (asynchronous flush), and back.
 *
 * 1 KiB bodies, 256 sends in flight, topic of 4 queues. Both sides in turn in every round; the figure is the ratio to
 * the raw corked TCP echo of the same round, its median and its spread. Goals: over TCP at least 15 %, over the memory
 * transport at least as much as over TCP.
 *
 *   npm run build && node bench/end-to-end.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { embedded, startServer } from 'multistage/server';
import { drive } from './kit/drive.mjs';
import { printRatios } from './kit/ratios.mjs';
import { rawCorkedEcho } from './kit/raw-echo.mjs';

const LOAD = { depth: 256, bodyBytes: 1024, durationMs: 2_000 };
const rounds = Number(process.argv[2] ?? 5);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const server = await startServer({ dir: join(dir, 'tcp'), nameServerPort: 0, brokerPort: 0 });
const cluster = embedded({ dir: join(dir, 'memory') });
const clients = {
  'TCP, JSON headers': await connect({ nameServers: server.nameServers }),
  'TCP, ROCKETMQ headers': await connect({ nameServers: server.nameServers, headerEncoding: 'rocketmq' }),
  'memory, JSON headers': await connect({ cluster }),
  'memory, ROCKETMQ headers': await connect({ cluster, headerEncoding: 'rocketmq' }),
};
try {
  const sides = {};
  for (const [name, mq] of Object.entries(clients)) {
    const producer = await mq.producer({ group: 'bench' });
    const message = { topic: 'bench', body: Buffer.alloc(LOAD.bodyBytes, 'x') };
    sides[name] = () => drive(() => producer.send(message), LOAD);
  }
  await printRatios({ name: 'raw corked TCP echo', run: () => rawCorkedEcho(LOAD) }, sides, rounds);
} finally {
  for (const mq of Object.values(clients)) await mq.close();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
}
