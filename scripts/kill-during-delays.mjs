/**
 * Kills a server with SIGKILL, again and again, while messages wait in it and come due, and then looks whether each that was
 * acknowledged was delivered, and none stored in its topic twice.
 *
 *   npm run build && node scripts/kill-during-delays.mjs [--kills how-many]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from 'multistage';
import { RestartingServer } from './kit/restarting-server.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '6' } } });
const KILLS = Number(values.kills);
const TOPIC = 'killed-late';
const QUIET_MS_MAX = 15_000;
const DELAYS = ['1s', '1300ms', '2500ms', '5s'];

const dir = mkdtempSync(join(tmpdir(), 'multistage-kill-'));
const server = new RestartingServer({ dir, flush: 'async' });
await server.start();
const mq = await connect({ nameServers: server.nameServers });
try {
  const producer = await mq.producer({ group: 'killed-late', timeoutMs: 5_000, retries: 0 });
  const acknowledged = new Set();
  for (let kill = 0; kill <= KILLS; kill++) {
    const sending = send(producer, kill, acknowledged);
    await wait(400 + Math.random() * 1_400);
    if (kill < KILLS) await server.kill();
    await sending;
  }
  await server.ready;
  const { missing, twice } = await look(mq, acknowledged);
  const counts = `${acknowledged.size} acknowledged, ${missing.size} missing, ${twice.size} stored twice`;
  console.log(`delayed, ${KILLS} kills: ${counts}`);
  process.exitCode = missing.size + twice.size === 0 && acknowledged.size > 0 ? 0 : 1;
} finally {
  await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function send(producer, life, acknowledged) {
  for (let sent = 0; sent < 600; sent += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const key = `${life}-${sent + index}`;
        const delay = DELAYS[(sent + index) % DELAYS.length];
        try {
          const { status } = await producer.send({ topic: TOPIC, keys: key, body: key, delay });
          if (status === 'SEND_OK') acknowledged.add(key);
        } catch {
          // It may be stored or not: nothing was promised.
          await wait(20);
        }
      }),
    );
    await wait(20);
  }
}

/** A consumer may get one twice; a message that lies at two places was delivered twice by the server. */
async function look(client, keys) {
  const missing = new Set(keys);
  const places = new Map();
  const twice = new Set();
  const consumer = await client.consumer({ group: 'counting-late', subscribe: { [TOPIC]: '*' }, from: 'first' });
  let newestMs = performance.now();
  const running = consumer.run(async ({ body, queueId, queueOffset }) => {
    const key = String(body);
    const place = `${queueId} ${queueOffset}`;
    if ((places.get(key) ?? place) !== place) twice.add(key);
    places.set(key, place);
    missing.delete(key);
    newestMs = performance.now();
  });
  while (missing.size > 0 && performance.now() - newestMs < QUIET_MS_MAX) await wait(50);
  // What would come twice comes within its longest delay.
  await wait(3_000);
  await consumer.close();
  await running;
  return { missing, twice };
}
