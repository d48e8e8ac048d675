/**
 * Kills a server with SIGKILL in the middle of transactions, again and again, and then looks what consumers get: each message
 * that was committed, once, and none that was rolled back. Under synchronous and under asynchronous flush.
 *
 *   npm run build && node scripts/kill-transactions.mjs [--kills how-many-each]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from 'multistage';
import { transaction } from 'multistage/plugins/transaction';
import { RestartingServer } from './kit/restarting-server.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '5' } } });
const KILLS = Number(values.kills);
const IN_FLIGHT = 32;
const TRANSACTIONS_A_LIFE_MAX = 2_000;
const LIFE_MS_MAX = 10_000;
const QUIET_MS_MAX = 15_000;
const TOPIC = 'killed_transactions';
const STATES = ['commit', 'commit', 'rollback'];
const program = fileURLToPath(new URL('./kit/transaction-server.mjs', import.meta.url));

let broken = 0;
for (const flush of ['sync', 'async']) broken += await round(flush);
process.exitCode = broken === 0 ? 0 : 1;

async function round(flush) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-kill-'));
  const server = new RestartingServer({ dir, flush, program });
  await server.start();
  const transactions = transaction();
  const mq = await connect({ nameServers: server.nameServers, plugins: [transactions] });
  try {
    /** How each local branch ended; what never began one was never promised. */
    const decided = new Map();
    // One attempt: a second would be a half message of its own, as a second plain send is.
    const producer = await mq.plugin(transactions).producer({
      group: 'killed',
      retries: 0,
      timeoutMs: 5_000,
      execute: (_, { key, state, isSilent }) => {
        decided.set(key, state);
        return isSilent ? 'unknown' : state;
      },
      check: ({ keys }) => decided.get(keys[0]) ?? 'rollback',
    });
    for (let kill = 0; kill <= KILLS; kill++) {
      const load = drive(producer, `${kill}`);
      await Promise.race([load.done, untilBegun(decided, decided.size + 50 + Math.random() * 400)]);
      // The last life is not cut short: it shows that the server takes transactions again.
      if (kill < KILLS) await server.kill();
      load.stop();
      await load.done;
    }
    await server.ready;
    return await count(mq, decided, flush);
  } finally {
    await mq.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Resolves when so many local branches have run, or after a while. */
async function untilBegun(decided, count) {
  const endMs = performance.now() + LIFE_MS_MAX;
  while (decided.size < count && performance.now() < endMs) await wait(1);
}

/** Keeps transactions in flight until it is stopped. */
function drive(producer, life) {
  let next = 0;
  let stopped = false;
  const loop = async () => {
    while (!stopped && next < TRANSACTIONS_A_LIFE_MAX) {
      const number = next++;
      const key = `${life}-${number}`;
      const state = STATES[number % STATES.length];
      // A fifth of them leaves it to the checks.
      const isSilent = number % 5 === 0;
      await producer
        .send({ topic: TOPIC, keys: key, body: key.padEnd(700, '.') }, { key, state, isSilent })
        .catch(() => wait(20));
    }
  };
  const done = Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  const stop = () => {
    stopped = true;
  };
  return { done, stop };
}

/** What is wrong with what consumers get; waits until nothing more comes. */
async function count(mq, decided, flush) {
  const committed = [...decided].filter(([, state]) => state === 'commit').map(([key]) => key);
  const missing = new Set(committed);
  /** By key: where in the topic it lies. A consumer may get one place twice, the server may not make two. */
  const places = new Map();
  const consumer = await mq.consumer({ group: 'counting', subscribe: { [TOPIC]: '*' }, from: 'first' });
  let newestMs = performance.now();
  const running = consumer.run(async ({ keys: [key], queueId, queueOffset }) => {
    missing.delete(key);
    places.set(key, (places.get(key) ?? new Set()).add(`${queueId}/${queueOffset}`));
    newestMs = performance.now();
  });
  while (missing.size > 0 && performance.now() - newestMs < QUIET_MS_MAX) await wait(50);
  // Whatever else is open is asked about meanwhile.
  await wait(2_000);
  await consumer.close();
  await running;
  const twice = [...places].filter(([, found]) => found.size > 1).map(([key]) => key);
  const wrong = [...places.keys()].filter((key) => decided.get(key) !== 'commit');
  const counts = `${missing.size} missing, ${twice.length} twice, ${wrong.length} that were not committed`;
  console.log(`${flush} flush, ${KILLS} kills: ${decided.size} transactions, ${committed.length} committed, ${counts}`);
  for (const [what, keys] of Object.entries({ missing: [...missing], twice, wrong })) {
    if (keys.length > 0) console.error(`${what}: ${keys.slice(0, 10).join(', ')}`);
  }
  return missing.size + twice.length + wrong.length + (committed.length === 0 ? 1 : 0);
}
