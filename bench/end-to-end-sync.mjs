/**
 * What synchronous flush costs end to end: client and embedded server in this process over TCP, 1 KiB bodies, 256 sends
 * in flight, topic of 4 queues; both flushes in turn in every round. Goal: at least 60 % of our asynchronous figure.
 *
 *   npm run build && node bench/end-to-end-sync.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { startServer } from 'multistage/server';
import { drive } from './kit/drive.mjs';
import { printRatios } from './kit/ratios.mjs';

const LOAD = { depth: 256, bodyBytes: 1024, durationMs: 2_000 };
const rounds = Number(process.argv[2] ?? 5);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const open = [];
try {
  const [asynchronous, synchronous] = [await sideOf('ASYNC_FLUSH'), await sideOf('SYNC_FLUSH')];
  const yardstick = { name: 'asynchronous flush', run: asynchronous };
  await printRatios(yardstick, { 'synchronous flush': synchronous }, rounds);
} finally {
  for (const { mq, server } of open) {
    await mq.close();
    await server.close();
  }
  rmSync(dir, { recursive: true, force: true });
}

async function sideOf(flushDiskType) {
  const store = { flushDiskType };
  const server = await startServer({ dir: join(dir, flushDiskType), nameServerPort: 0, brokerPort: 0, store });
  const mq = await connect({ nameServers: server.nameServers });
  open.push({ mq, server });
  const producer = await mq.producer({ group: 'bench' });
  const message = { topic: 'bench', body: Buffer.alloc(LOAD.bodyBytes, 'x') };
  return () => drive(() => producer.send(message), LOAD);
}
