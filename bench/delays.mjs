/**
 * Whether many messages that are due at once hold up everybody else: so many of 1 KiB timed to one second, and a sender
 * that sends evenly, before and while they come out. The server has a process of its own. Goals: all are out within 3 s of
 * their second, and the sender's p99 meanwhile is at most twice what it was. A p99 of a few thousand sends is what the
 * worst few of them were: several rounds, the first not counted.
 *
 *   npm run build && node bench/delays.mjs [messages] [sends a second] [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'multistage';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const messages = Number(process.argv[2] ?? 100_000);
const rate = Number(process.argv[3] ?? 1_000);
/** Sent before, to see how long storing all of them takes. */
const SAMPLE = 5_000;
const BEFORE_MS = 3_000;

const rounds = Number(process.argv[4] ?? 5);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const server = await startServerProcess(dir);
const mq = await connect({ nameServers: server.nameServers });
try {
  const producer = await mq.producer({ group: 'bench' });
  const body = Buffer.alloc(1024, 'x');
  const results = [];
  for (let number = 0; number <= rounds; number++) {
    const result = await round(producer, body, `timed-${number}`);
    if (number > 0) results.push(result);
  }
  const outMs = Math.max(...results.map((result) => result.outMs));
  const earlyMs = Math.min(...results.map((result) => result.earlyMs));
  const ratio = spread(results.map(({ before, meanwhile }) => meanwhile / before));
  console.log(
    `${messages} messages due in one second: the first ${earlyMs} ms after it, all within ${outMs} ms (goal 3,000: ${outMs <= 3_000 ? 'met' : 'missed'})`,
  );
  const before = format(spread(results.map((result) => result.before)), 2);
  const meanwhile = format(spread(results.map((result) => result.meanwhile)), 2);
  console.log(`sender at ${rate}/s, p99: ${before} ms before, ${meanwhile} ms meanwhile`);
  console.log(`ratio ${format(ratio, 2)}; ${rounds} rounds (goal 2: ${ratio.median <= 2 ? 'met' : 'missed'})`);
} finally {
  await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function round(producer, body, topic) {
  await producer.send({ topic: 'meanwhile', body });
  await producer.send({ topic, body });
  const sampledAtMs = Date.now();
  const sample = Array.from({ length: SAMPLE }, () => ({ topic: 'meanwhile', body }));
  for await (const { error } of producer.sendAll(sample)) if (error) throw error;
  const sendMs = ((Date.now() - sampledAtMs) / SAMPLE) * messages * 1.2;
  const dueMs = Math.ceil((Date.now() + sendMs + BEFORE_MS) / 1_000) * 1_000 + 1_000;
  const timed = Array.from({ length: messages }, () => ({ topic, body, deliverAt: dueMs }));
  for await (const { error } of producer.sendAll(timed)) if (error) throw error;
  if (Date.now() > dueMs - BEFORE_MS / 2) throw new Error('storing them took too long: name fewer');
  const before = await evenly(producer, body, dueMs - 200);
  await sleep(dueMs - Date.now());
  const meanwhile = await evenly(producer, body, dueMs + 3_000);
  const storedMs = await storeTimes(topic);
  return {
    before,
    meanwhile,
    outMs: storedMs.reduce((last, at) => Math.max(last, at), 0) - dueMs,
    earlyMs: storedMs.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY) - dueMs,
  };
}

/** Sends until then, as evenly as timers allow; the p99 of how long a send took from when it was to begin. */
async function evenly(producer, body, untilMs) {
  const latencies = [];
  const pending = [];
  const beginMs = performance.now();
  for (let sent = 0; Date.now() < untilMs; ) {
    for (; sent < ((performance.now() - beginMs) * rate) / 1_000; sent++) {
      const startMs = performance.now();
      pending.push(producer.send({ topic: 'meanwhile', body }).then(() => latencies.push(performance.now() - startMs)));
    }
    await sleep(1);
  }
  await Promise.all(pending);
  latencies.sort((a, b) => a - b);
  return latencies[Math.floor(latencies.length * 0.99)];
}

/** When each of the timed messages was stored in its topic. */
async function storeTimes(topic) {
  const consumer = await mq.consumer({ group: topic, subscribe: { [topic]: '*' }, from: 'first', concurrency: 64 });
  const times = [];
  await new Promise((resolve) => {
    consumer.run(({ properties, storeTimestamp }) => {
      if (properties.TIMER_OUT_MS !== undefined) times.push(storeTimestamp);
      if (times.length === messages) resolve();
    });
  });
  await consumer.close();
  return times;
}
