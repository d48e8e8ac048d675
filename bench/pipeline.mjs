/**
 * What does a send through the six stages cost over a direct call?
 *
 * Both sides make the same unique id, the same properties and the same request, give it to the same fake transport
 * (which answers everything of a turn in setImmediate), read the answer into the same result, and await the same kind
 * of promise, with 256 sends in flight. The pipeline has its deadlines, misuse checks and back-pressure on.
 *
 *   node bench/pipeline.mjs [--dist DIR]
 *
 * Time is taken with Node's default heap, sides in turn, round after round. Garbage is taken in a process of its own
 * whose young space is so large that nothing is collected. Goals: at most 1 µs and 2,000 bytes over the direct call, an
 * interceptor without operators at most 0.3 µs more.
 */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { pipelineSides } from './kit/pipeline-sides.mjs';

const { values } = parseArgs({ options: { dist: { type: 'string' }, garbage: { type: 'boolean', default: false } } });
if (values.dist === undefined) await (await import('../scripts/build.mjs')).build();
const dist = pathToFileURL(`${resolve(values.dist ?? fileURLToPath(new URL('../dist/esm', import.meta.url)))}/`);
const IN_FLIGHT = 256;
const sides = await pipelineSides(dist);

if (values.garbage) console.log(JSON.stringify(await measureGarbage()));
else await print();

async function print() {
  const times = await measureTimes({ rounds: 9, sends: 60_000 });
  const flags = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256', '--no-warnings'];
  const script = fileURLToPath(import.meta.url);
  const distPath = fileURLToPath(dist);
  const garbage = JSON.parse(
    execFileSync(process.execPath, [...flags, script, '--garbage', '--dist', distPath], { encoding: 'utf8' }),
  );
  console.log(
    `node ${process.version}, ${IN_FLIGHT} in flight; µs a send: median (least to most) of rounds, all sides in turn`,
  );
  for (const [name, own] of Object.entries(times)) {
    const over = own.map((time, round) => time - times.direct[round]);
    const ratio = own.map((time, round) => time / times.direct[round]);
    console.log(
      [
        name.padEnd(34),
        `${spread(own)} µs`.padEnd(26),
        `over direct ${spread(over)} µs`.padEnd(38),
        `× ${spread(ratio)}`.padEnd(26),
        `${Math.round(garbage[name])} B, over direct ${Math.round(garbage[name] - garbage.direct)} B`,
      ].join(' '),
    );
  }
  const engine = times['six stages, no plugin'];
  const interceptor = times['six stages, one plain interceptor'].map((time, round) => time - engine[round]);
  console.log(`one plain interceptor over none: ${spread(interceptor)} µs`);
}

async function measureTimes({ rounds, sends }) {
  const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const [name, open] of Object.entries(sides)) {
      const side = await open();
      const startMs = performance.now();
      await drive(side.send, sends);
      const endMs = performance.now();
      await side.close();
      if (round >= 0) times[name].push(((endMs - startMs) * 1_000) / sends);
    }
  }
  return times;
}

async function measureGarbage() {
  const bytes = {};
  for (const [name, open] of Object.entries(sides)) {
    const side = await open();
    await drive(side.send, 30_000);
    globalThis.gc();
    const sends = 20_000;
    const before = process.memoryUsage().heapUsed;
    await drive(side.send, sends);
    bytes[name] = (process.memoryUsage().heapUsed - before) / sends;
    await side.close();
  }
  return bytes;
}

async function drive(send, sends) {
  let left = sends;
  const loop = async () => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
}

function spread(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)];
  return `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
