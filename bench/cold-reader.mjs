/**
 * Does somebody who reads old messages disturb those who write? A consumer group that begins at the first message of a
 * log far longer than what is hot, against nobody reading; the writers' latencies are compared.
 *
 * Our server in a process of its own (asynchronous flush), the writers in this one, the reader in a third, all over TCP.
 * The writers send 1 KiB at a steady 2,000 messages a second, the reader takes the old ones at a steady pace too, so that
 * neither is decided by who gets the processor; a latency counts from when its message was due. Both sides in turn in
 * every round. Goal: the reader does not raise the writers' p99 by more than a half.
 *
 * The question is what reading does to the server, and through it to the writers. The reader is a whole consumer, which
 * in the field has a machine of its own; here it would take a third of the two processors that the server and the writers
 * need, and a writer that waits for a processor while a consumer decodes messages says nothing about the store: that alone
 * made p99 four times as large. So the reader runs at the system's lowest priority, where the system has such, and takes
 * what time the others leave. All that the server does for it counts. A run in which it did not keep its pace is no answer.
 *
 * Cold means here: more than 256 MiB behind the end of the log, where the server reads by promise and leaves its event
 * loop free, and no longer in the page cache, which is emptied of the log before every round of the reader (by dd, with
 * posix_fadvise; where that is not to be had the bench says so, and what is left of the question is our own cold path).
 *
 *   npm run build && node bench/cold-reader.mjs [rounds]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from 'multistage';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const LOG_MESSAGES = 600_000;
const BATCH = 200;
const WRITES_PER_SECOND = 2_000;
const READS_PER_SECOND = 20_000;
const DURATION_MS = 2_000;
/** Messages that it takes before the writers are measured: it has to get going. */
const FIRST_READS = 5_000;
/** Of its pace, for a run to count. */
const PACE_SHARE_MIN = 0.8;
const GOAL = 1.5;
const TOPIC = 'bench';

const [first, nameServers, group] = process.argv.slice(2);
if (first === '--reader') await read(nameServers, group);
else await compare(Number(first ?? 7));

async function compare(rounds) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
  const server = await startServerProcess(dir);
  const mq = await connect({ nameServers: server.nameServers });
  try {
    const producer = await mq.producer({ group: 'bench' });
    await fill(producer);
    const runs = { 'nobody reads': [], 'a cold reader': [] };
    let pagesDropped = true;
    let readMessages = 0;
    for (let round = 0; round <= rounds; round++) {
      const alone = await write(producer);
      pagesDropped &&= dropPages(join(dir, 'commitlog'));
      const reader = await startReader(server.nameServers, `reader_${round}`);
      const disturbed = await write(producer);
      const taken = await reader.stop();
      // The first round warms up.
      if (round === 0) continue;
      runs['nobody reads'].push(alone);
      runs['a cold reader'].push(disturbed);
      readMessages += taken;
    }
    for (const [name, values] of Object.entries(runs)) {
      const [p50, p99] = [0.5, 0.99].map((share) => spread(values.map((latencies) => at(latencies, share))));
      console.log(`${name.padEnd(16)} p50 ${format(p50, 2)} ms   p99 ${format(p99, 2)} ms`);
    }
    const ratio = spread(
      runs['a cold reader'].map((values, round) => at(values, 0.99) / at(runs['nobody reads'][round], 0.99)),
    );
    const paceShare = readMessages / rounds / ((READS_PER_SECOND * DURATION_MS) / 1_000);
    const pace = `${Math.round(paceShare * 100)} % of its pace`;
    console.log(
      `read meanwhile: ${Math.round(readMessages / rounds).toLocaleString('en-US')} messages a round, ${pace}`,
    );
    if (!pagesDropped) console.log('the page cache could not be emptied: what was read came from memory');
    const isAnswer = paceShare >= PACE_SHARE_MIN;
    const verdict = isAnswer ? (ratio.median <= GOAL ? 'met' : 'missed') : 'not judged: the reader had no processor';
    console.log(`p99 ratio ${format(ratio, 2)}; ${rounds} rounds, both sides in turn. Goal ${GOAL}, ${verdict}`);
  } finally {
    await mq.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function fill(producer) {
  const batch = Array.from({ length: BATCH }, () => ({ topic: TOPIC, body: Buffer.alloc(1_024, 'o') }));
  await producer.send(batch[0]);
  let left = LOG_MESSAGES / BATCH;
  const loop = async () => {
    while (left-- > 0) await producer.sendBatch(batch);
  };
  await Promise.all(Array.from({ length: 4 }, loop));
}

/** Sends at a steady pace; resolves to the latencies, sorted. */
async function write(producer) {
  const message = { topic: TOPIC, body: Buffer.alloc(1_024, 'n') };
  const latenciesMs = [];
  const sends = [];
  const startMs = performance.now();
  const total = (WRITES_PER_SECOND * DURATION_MS) / 1_000;
  while (sends.length < total) {
    const dueMs = startMs + (sends.length * 1_000) / WRITES_PER_SECOND;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    sends.push(producer.send(message).then(() => latenciesMs.push(performance.now() - dueMs)));
  }
  await Promise.all(sends);
  return latenciesMs.sort((one, other) => one - other);
}

function at(sorted, share) {
  return sorted[Math.floor((sorted.length - 1) * share)];
}

/** Empties the page cache of a folder's files; false where the system does not offer that. */
function dropPages(folder) {
  try {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      execFileSync('sync', [file]);
      execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc', 'count=0'], { stdio: 'ignore' });
    }
    return true;
  } catch {
    return false;
  }
}

/** A consumer in a process of its own, at the lowest priority; resolves when it has taken its first messages. */
async function startReader(servers, name) {
  const [command, ...args] = [...lowestPriority(), process.execPath, fileURLToPath(import.meta.url)];
  const child = spawn(command, [...args, '--reader', servers, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return {
    stop: async () => {
      const line = once(lines, 'line');
      child.stdin.end();
      const [taken] = await line;
      await once(child, 'close');
      return Number(taken);
    },
  };
}

/** What to put in front of a command. All threads of a process have to have it, so it cannot be asked for later. */
function lowestPriority() {
  for (const prefix of [
    ['chrt', '--idle', '0'],
    ['nice', '-n', '19'],
  ]) {
    if (spawnSync(prefix[0], [...prefix.slice(1), 'true']).status === 0) return prefix;
  }
  console.log('no lower priority to be had: the reader takes processor time from the writers');
  return [];
}

async function read(servers, name) {
  const mq = await connect({ nameServers: servers });
  const consumer = await mq.consumer({
    group: name,
    subscribe: { [TOPIC]: '*' },
    from: 'first',
    messagesPerSecond: READS_PER_SECOND,
  });
  let taken = 0;
  await consumer.run(() => {
    if (++taken === FIRST_READS) console.log('reading');
  });
  process.stdin.resume();
  await once(process.stdin, 'end');
  console.log(taken - FIRST_READS);
  await mq.close();
}
