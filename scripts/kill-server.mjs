/**
 * Kills a server under load with SIGKILL, again and again, and then looks whether every message it acknowledged is there:
 * under synchronous and under asynchronous flush.
 *
 *   npm run build && node scripts/kill-server.mjs [--kills how-many-each]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from 'multistage';
import { RestartingServer } from './kit/restarting-server.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '5' } } });
const KILLS = Number(values.kills);
const IN_FLIGHT = 64;
const MESSAGES_A_LIFE_MAX = 5_000;
const QUIET_MS_MAX = 30_000;
const TOPIC = 'killed';

let lost = 0;
for (const flush of ['sync', 'async']) lost += await round(flush);
process.exitCode = lost === 0 ? 0 : 1;

async function round(flush) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-kill-'));
  const server = new RestartingServer({ dir, flush });
  await server.start();
  const mq = await connect({ nameServers: server.nameServers });
  try {
    const producer = await mq.producer({ group: 'killed', timeoutMs: 5_000 });
    const acknowledged = new Set();
    let failed = 0;
    for (let kill = 0; kill <= KILLS; kill++) {
      const load = drive(producer, `${kill}`, acknowledged);
      await Promise.race([load.done, wait(200 + Math.random() * 800)]);
      // The last life is not cut short: it shows that the server takes messages again.
      if (kill < KILLS) await server.kill();
      load.stop();
      failed += await load.done;
    }
    await server.ready;
    const missing = await findMissing(mq, acknowledged);
    const counts = `${acknowledged.size} acknowledged, ${failed} failed, ${missing.size} missing`;
    console.log(`${flush} flush, ${KILLS} kills: ${counts}`);
    if (missing.size > 0) console.error(`missing: ${[...missing].slice(0, 10).join(', ')}`);
    return missing.size + (acknowledged.size === 0 ? 1 : 0);
  } finally {
    await mq.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Keeps sends in flight until it is stopped; `done` tells how many failed. */
function drive(producer, life, acknowledged) {
  let next = 0;
  let failed = 0;
  let stopped = false;
  const loop = async () => {
    while (!stopped && next < MESSAGES_A_LIFE_MAX) {
      const key = `${life}-${next++}`;
      try {
        const { status } = await producer.send({ topic: TOPIC, keys: key, body: key.padEnd(700, '.') });
        if (status === 'SEND_OK') acknowledged.add(key);
        else failed++;
      } catch {
        // It may be stored or not: nothing was promised.
        failed++;
        await wait(20);
      }
    }
  };
  const done = Promise.all(Array.from({ length: IN_FLIGHT }, loop)).then(() => failed);
  const stop = () => {
    stopped = true;
  };
  return { done, stop };
}

/** What of `keys` no consumer gets; gives up when nothing comes for a while. */
async function findMissing(mq, keys) {
  const missing = new Set(keys);
  const consumer = await mq.consumer({ group: 'counting', subscribe: { [TOPIC]: '*' }, from: 'first' });
  let newestMs = performance.now();
  const running = consumer.run(async (message) => {
    missing.delete(message.body.toString().replace(/\.+$/, ''));
    newestMs = performance.now();
  });
  while (missing.size > 0 && performance.now() - newestMs < QUIET_MS_MAX) await wait(50);
  await consumer.close();
  await running;
  return missing;
}
