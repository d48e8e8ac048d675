/**
 * What a batch saves: messages per second when 100 of 1 KiB go as one send, against one send for each.
 *
 * Our client in this process, our server in one of its own (asynchronous flush), over TCP, a topic of 4 queues. Single
 * sends: 256 in flight. Batches: 8 of 100 in flight. The third side is single sends that the producer gathers by itself
 * (`autoBatch`, 100 KiB), with 2,560 in flight. Goal: batches at least 5 times single sends.
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

const DURATION_MS = 1_500;
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
  const sides = {
    'single sends': { each: 1, run: () => drive(() => plain.send(message), { depth: 256, durationMs: DURATION_MS }) },
    'batches of 100': {
      each: MESSAGES,
      run: () => drive(() => plain.sendBatch(batch), { depth: 8, durationMs: DURATION_MS }),
    },
    'single sends, autoBatch': {
      each: 1,
      run: () => drive(() => gathering.send(message), { depth: 2_560, durationMs: DURATION_MS }),
    },
  };
  const rates = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { each, run }] of Object.entries(sides)) {
      const { requestsPerSecond } = await run();
      // The first round warms up.
      if (round > 0) rates[name].push(requestsPerSecond * each);
    }
  }
  const [reference] = Object.values(rates);
  for (const [name, values] of Object.entries(rates)) {
    const ratio = spread(values.map((rate, round) => rate / reference[round]));
    const perSecond = Math.round(spread(values).median).toLocaleString('en-US');
    console.log(`${name.padEnd(26)} ${perSecond.padStart(9)} messages/s   ratio ${format(ratio, 2)}`);
  }
  const { median } = spread(rates['batches of 100'].map((rate, round) => rate / reference[round]));
  console.log(
    `${rounds} rounds, each side in turn; median (least – most). Goal ${GOAL}: ${median >= GOAL ? 'met' : 'missed'}`,
  );
} finally {
  await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
