/**
 * How long a message takes from `send` to the handler, at 1,000 messages a second: our client on our server against Java's
 * client 4.9.7 on Apache's broker 4.9.7. Goal: p99 at most half of Java's.
 *
 * Producer and push consumer share a process on either side (ours this one, Java's one warm JVM for all rounds), with all of
 * their defaults; servers in processes of their own; 1 KiB bodies in a topic of 4 queues; both sides in turn in every round.
 * A latency counts from the call of `send`, or from 1 ms after it was due when it was later than that: Node's timers have a
 * grain of a millisecond, which is not to count, and a process that stands still must not hide what its messages wait for.
 *
 *   npm run build && node bench/latency.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'multistage';
import { startApacheForBench } from './kit/apache.mjs';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const TOPIC = 'bench';
const RATE = 1_000;
const DURATION_MS = 3_000;
/** A send may be so late without its lateness counting. */
const GRAIN_MS = 1;
/** For the members to know their queues and the pulls to be held. */
const SETTLE_MS = 2_000;
const GOAL = 0.5;
const rounds = Number(process.argv[2] ?? 5);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const apache = await startApacheForBench();
const ours = await startServerProcess(dir);
const mq = await connect({ nameServers: ours.nameServers });
const java = await apache.startConsumer();
try {
  const producer = await mq.producer({ group: 'bench' });
  const results = { 'ours on ours': [], 'Java on Apache': [] };
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const topic = `${TOPIC}_${round}`;
    const figures = {
      'ours on ours': await latency(producer, `latency_${round}`, topic),
      'Java on Apache': await java.round('latency', `latency_${round}`, topic, RATE, DURATION_MS),
    };
    if (round > 0) for (const [name, values] of Object.entries(figures)) results[name].push(values);
  }
  for (const [name, values] of Object.entries(results)) {
    const [p50, p99] = [0, 1].map((index) => spread(values.map((figures) => figures[index])));
    console.log(`${name.padEnd(16)} p50 ${format(p50, 2)} ms   p99 ${format(p99, 2)} ms`);
  }
  const ratio = spread(results['ours on ours'].map(([, p99], round) => p99 / results['Java on Apache'][round][1]));
  const verdict = ratio.median <= GOAL ? 'met' : 'missed';
  console.log(`p99 ratio ${format(ratio, 2)}; ${rounds} rounds, both sides in turn. Goal ${GOAL}, ${verdict}`);
} finally {
  await java.close();
  await mq.close();
  await ours.stop();
  await apache.close();
  rmSync(dir, { recursive: true, force: true });
}

/** p50 and p99 of one round, in milliseconds. */
async function latency(producer, group, topic) {
  // The topic has to be there, as at the other side.
  for (let index = 0; index < 8; index++) await producer.send({ topic, body: Buffer.alloc(1_024) });
  const total = (RATE * DURATION_MS) / 1_000;
  const latenciesMs = [];
  const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
  const handled = new Promise((resolve, reject) => {
    consumer
      .run(({ body }) => {
        const sentMs = body.readDoubleBE(0);
        if (sentMs === 0) return;
        latenciesMs.push(performance.now() - sentMs);
        if (latenciesMs.length === total) resolve();
      })
      .catch(reject);
  });
  await sleep(SETTLE_MS);
  const sends = [];
  const startMs = performance.now();
  for (let sent = 0; sent < total; sent++) {
    const dueMs = startMs + (sent * 1_000) / RATE;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const body = Buffer.alloc(1_024);
    body.writeDoubleBE(Math.min(performance.now(), dueMs + GRAIN_MS), 0);
    sends.push(producer.send({ topic, body }));
  }
  await Promise.all([...sends, handled]);
  await consumer.close();
  latenciesMs.sort((one, other) => one - other);
  return [0.5, 0.99].map((share) => latenciesMs[Math.floor((total - 1) * share)]);
}
