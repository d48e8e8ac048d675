/**
 * What does tracing cost the sender of a message?
 *
 * Our client in this process, our server in one of its own, over TCP; 256 sends of 1 KiB in flight, each with a tag and a key. The
 * figure is the processor time of this whole process by message, threads and garbage collection included: what a send keeps of
 * itself, and what encoding, compressing and sending its record cost later. `kept only` has a dispatcher that throws records
 * away: what stands in the way of the send itself. Sides in turn in every round, differences are of the same round. Goal: at
 * most 5 µs, and nothing dropped or lost.
 *
 *   npm run build && node bench/tracing.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { TraceDispatcher, tracing } from 'multistage/plugins/tracing';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const SENDS = 30_000;
const IN_FLIGHT = 256;
const GOAL_US = 5;
const rounds = Number(process.argv[2] ?? 5);
const message = { topic: 'bench', body: Buffer.alloc(1_024, 'x'), tag: 'created', keys: '42' };

const discarding = {
  name: 'discarding',
  setup: (host) => host.bind(TraceDispatcher, { value: { append: () => true } }),
};
const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const server = await startServerProcess(dir);
const clients = [];

async function side(...plugins) {
  const mq = await connect({ nameServers: server.nameServers, plugins });
  clients.push(mq);
  const producer = await mq.producer({ group: `bench_${clients.length}` });
  await producer.send(message);
  const traces = plugins.length === 0 ? undefined : mq.plugin(plugins[0]);
  return { producer, traces, flush: async () => traces?.flush(), costs: [], rates: [] };
}

async function run({ producer, flush }) {
  let left = SENDS;
  const loop = async () => {
    while (left-- > 0) await producer.send(message);
  };
  const startMs = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  await flush();
  const { user, system } = process.cpuUsage(before);
  return { costUs: (user + system) / SENDS, rate: (SENDS / (performance.now() - startMs)) * 1_000 };
}

try {
  const sides = {
    'no tracing': await side(),
    'tracing, kept only': await side(tracing(), discarding),
    tracing: await side(tracing()),
  };
  // The first two rounds warm up.
  for (let round = -2; round < rounds; round++) {
    for (const one of Object.values(sides)) {
      const { costUs, rate } = await run(one);
      if (round < 0) continue;
      one.costs.push(costUs);
      one.rates.push(rate);
    }
  }
  const plain = sides['no tracing'].costs;
  for (const [name, { costs, rates }] of Object.entries(sides)) {
    const over = spread(costs.map((cost, round) => cost - plain[round]));
    const rate = Math.round(spread(rates).median).toLocaleString('en-US').padStart(8);
    console.log(
      `${name.padEnd(20)} ${rate}/s   ${format(spread(costs), 1)} µs   over no tracing ${format(over, 2)} µs`,
    );
  }
  const { traced, dropped, lost } = sides.tracing.traces;
  const costUs = spread(sides.tracing.costs.map((cost, round) => cost - plain[round])).median;
  const met = costUs <= GOAL_US && dropped === 0 && lost === 0;
  console.log(`traced ${traced}, dropped ${dropped}, lost ${lost}`);
  console.log(
    `${rounds} rounds of ${SENDS} sends; median (least – most). Goal ${GOAL_US} µs: ${met ? 'met' : 'missed'}`,
  );
} finally {
  for (const mq of clients) await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
