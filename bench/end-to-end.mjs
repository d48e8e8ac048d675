/**
 * How much of what Node's sockets can do is left when a message passes the whole way: six stages, the remoting client,
 * the embedded server in the same process, its store on disk (asynchronous flush), and back.
 *
 * 1 KiB bodies, 256 sends in flight, topic of 4 queues. Every side has a process of its own, as an application has: what
 * one side taught the compiler would slow the other down. Warmed up, then measured; all sides in turn in every round; the
 * figure is the ratio to the raw corked TCP echo of the same round, its median and its spread. Goals: over TCP at least
 * 15 %, over the memory transport at least as much.
 *
 *   npm run build && node bench/end-to-end.mjs [rounds]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from 'multistage';
import { createMemoryTransport, embedded } from 'multistage/server';
import { drive } from './kit/drive.mjs';
import { printRatios } from './kit/ratios.mjs';
import { rawCorkedEcho } from './kit/raw-echo.mjs';

const LOAD = { depth: 256, bodyBytes: 1024, durationMs: 2_000 };
const WARM_UP = { ...LOAD, durationMs: 1_500 };

const ECHO = 'raw corked TCP echo';
const SIDES = {
  'TCP, JSON headers': { transport: 'tcp', headerEncoding: 'json' },
  'TCP, ROCKETMQ headers': { transport: 'tcp', headerEncoding: 'rocketmq' },
  'memory, JSON headers': { transport: 'memory', headerEncoding: 'json' },
  'memory, ROCKETMQ headers': { transport: 'memory', headerEncoding: 'rocketmq' },
};

const [first, side] = process.argv.slice(2);
if (first === '--side') console.log(JSON.stringify(side === ECHO ? await measureEcho() : await measure(SIDES[side])));
else await printRatios({ name: ECHO, run: inOwnProcess(ECHO) }, sides(), Number(first ?? 5));

function sides() {
  return Object.fromEntries(Object.keys(SIDES).map((name) => [name, inOwnProcess(name)]));
}

function inOwnProcess(name) {
  return async () => {
    const script = fileURLToPath(import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--side', name]);
    return JSON.parse(stdout);
  };
}

async function measureEcho() {
  await rawCorkedEcho(WARM_UP);
  return rawCorkedEcho(LOAD);
}

async function measure({ transport, headerEncoding }) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
  const cluster = embedded({ dir, ...(transport === 'memory' && { transport: createMemoryTransport() }) });
  const mq = await connect({ cluster, headerEncoding });
  try {
    const producer = await mq.producer({ group: 'bench' });
    const message = { topic: 'bench', body: Buffer.alloc(LOAD.bodyBytes, 'x') };
    await drive(() => producer.send(message), WARM_UP);
    return await drive(() => producer.send(message), LOAD);
  } finally {
    await mq.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
