/**
 * What a batch saves: messages per second when 100 of 1 KiB go as one send, against one send for each.
 *
 * Our client in this process, our server in one of its own (asynchronous flush), over TCP, a topic of 4 queues. All sides in
 * turn in every round, and ratios are of the same round. Goal: where each send is awaited before the next, batches carry at
 * least 5 times as many messages. With many sends in flight the gain is smaller, and printed without a goal: those share
 * their writes to socket and disk already, and what is left is bytes, checksums and, at several hundred MB a second, the
 * disk (TMPDIR=/dev/shm takes it out). `autoBatch` gathers single sends into batches of 100 KiB, 2,560 of them in flight.
 *
 *   npm run build && node bench/batch.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { drive } from './kit/drive.mjs';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const DURATION_MS = 1_000;
const MESSAGES = 100;
const GOAL = 5;
const rounds = Number(process.argv[2] ?? 5);
const body = Buffer.alloc(1_024, 'x');
const message = { topic: 'bench', body };
const batch = Array.from({ length: MESSAGES }, () => message);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const server = await startServerProcess(dir);
const mq = await connect({ nameServers: server.nameServers });
try {
  const plain = await mq.producer({ group: 'bench' });
  const gathering = await mq.producer({ group: 'bench_gathering', autoBatch: { sizeBytesMax: 110 * 1_024 } });
  await plain.send(message);
  const single = (depth) => ({
    each: 1,
    run: () => drive(() => plain.send(message), { depth, durationMs: DURATION_MS }),
  });
  const batches = (depth) => ({
    each: MESSAGES,
    run: () => drive(() => plain.sendBatch(batch), { depth, durationMs: DURATION_MS }),
  });
  const gathered = (depth) => ({
    each: 1,
    run: () => drive(() => gathering.send(message), { depth, durationMs: DURATION_MS }),
  });
  const sides = {
    'single sends, 1 in flight': single(1),
    'batches, 1 in flight': batches(1),
    'single sends, 16 in flight': single(16),
    'batches, 16 in flight': batches(16),
    'single sends, 256 in flight': single(256),
    'autoBatch, 2,560 in flight': gathered(2_560),
  };
  const rates = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { each, run }] of Object.entries(sides)) {
      const { requestsPerSecond } = await run();
      // The first round warms up.
      if (round > 0) rates[name].push(requestsPerSecond * each);
    }
  }
  for (const [name, values] of Object.entries(rates)) {
    console.log(
      `${name.padEnd(28)} ${Math.round(spread(values).median).toLocaleString('en-US').padStart(9)} messages/s`,
    );
  }
  const compare = (name, reference) => {
    const ratio = spread(rates[name].map((rate, round) => rate / rates[reference][round]));
    console.log(`${name} : ${reference}   ratio ${format(ratio, 2)}`);
    return ratio.median;
  };
  const goal = compare('batches, 1 in flight', 'single sends, 1 in flight');
  compare('batches, 16 in flight', 'single sends, 16 in flight');
  compare('batches, 16 in flight', 'single sends, 256 in flight');
  compare('autoBatch, 2,560 in flight', 'single sends, 256 in flight');
  console.log(
    `${rounds} rounds, each side in turn; median (least – most). Goal, 1 in flight: ${GOAL}, ${goal >= GOAL ? 'met' : 'missed'}`,
  );
} finally {
  await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
