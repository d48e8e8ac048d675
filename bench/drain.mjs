/**
 * How fast a consumer drains a backlog: our push consumer with an empty handler, on our server, with all of its defaults.
 *
 * Against two yardsticks, all three in turn in every round. The raw loop (kit/raw-drain.mjs) reads the same records from the
 * same server over a socket, in pulls of the same size, decodes them with our decoder and does nothing else: what a consumer
 * could reach at most. Java's push consumer (Apache client 4.9.7) with an empty listener drains the same backlog on Apache's
 * broker 4.9.7, warm in one JVM for all rounds. Goals: 40 % of the raw loop, 1.5 times Java.
 *
 * 1 KiB bodies in a topic of 4 queues; servers in processes of their own, our consumer in this one; a round of a consumer
 * counts from its first message to its last, so that joining the group and rebalancing do not.
 *
 *   npm run build && node bench/drain.mjs [rounds] [messages]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { startApacheForBench } from './kit/apache.mjs';
import { format, spread } from './kit/ratios.mjs';
import { rawDrain } from './kit/raw-drain.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const DIST = new URL('../dist/esm/', import.meta.url);
const TOPIC = 'bench';
const QUEUES = 4;
const BATCH = 100;
const GOALS = { 'the raw loop': 0.4, 'Java on Apache': 1.5 };
const rounds = Number(process.argv[2] ?? 5);
const messages = Number(process.argv[3] ?? 100_000);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const apache = await startApacheForBench();
const ours = await startServerProcess(dir);
const [onApache, mq] = [
  await connect({ nameServers: apache.nameServer }),
  await connect({ nameServers: ours.nameServers }),
];
const java = await apache.startConsumer();
try {
  await fill(onApache);
  await fill(mq);
  const results = { 'our consumer': [], 'the raw loop': [], 'Java on Apache': [] };
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const group = `drain_${round}`;
    const load = { brokerAddress: ours.brokerAddress, group, topic: TOPIC, queues: QUEUES, messages };
    const rates = {
      'our consumer': await drain(mq, group),
      'the raw loop': await rawDrain(DIST, load),
      'Java on Apache': (await java.round('drain', group, TOPIC, messages))[0],
    };
    if (round > 0) for (const [name, rate] of Object.entries(rates)) results[name].push(rate);
  }
  for (const [name, rates] of Object.entries(results)) {
    const { median } = spread(rates);
    console.log(`${name.padEnd(16)} ${Math.round(median).toLocaleString('en-US').padStart(9)} messages a second`);
  }
  for (const [name, goal] of Object.entries(GOALS)) {
    const ratio = spread(results['our consumer'].map((rate, round) => rate / results[name][round]));
    const verdict = ratio.median >= goal ? 'met' : 'missed';
    console.log(`our consumer to ${name.padEnd(16)} ${format(ratio, 2)}   goal ${goal}, ${verdict}`);
  }
  console.log(`${rounds} rounds of ${messages.toLocaleString('en-US')}, in turn; median (least – most)`);
} finally {
  await java.close();
  await Promise.all([mq.close(), onApache.close()]);
  await ours.stop();
  await apache.close();
  rmSync(dir, { recursive: true, force: true });
}

async function fill(client) {
  const producer = await client.producer({ group: 'bench' });
  const batch = Array.from({ length: BATCH }, () => ({ topic: TOPIC, body: Buffer.alloc(1_024, 'x') }));
  let left = messages / BATCH;
  const loop = async () => {
    while (left-- > 0) await producer.sendBatch(batch);
  };
  // The topic is made by the first.
  left--;
  await producer.sendBatch(batch);
  await Promise.all(Array.from({ length: 4 }, loop));
}

async function drain(client, group) {
  const consumer = await client.consumer({ group, subscribe: { [TOPIC]: '*' }, from: 'first' });
  let handled = 0;
  let startedMs = 0;
  const endedMs = await new Promise((resolve, reject) => {
    consumer
      .run(() => {
        if (handled++ === 0) startedMs = performance.now();
        if (handled === messages) resolve(performance.now());
      })
      .catch(reject);
  });
  await consumer.close();
  return (messages * 1_000) / (endedMs - startedMs);
}
