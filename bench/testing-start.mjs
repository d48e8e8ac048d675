/**
 * How long is a test kept waiting for its server? The first kit of a process pays for code that runs for the first time;
 * each process is a fresh one. The goal: ready in under 20 ms.
 *
 *   node bench/testing-start.mjs [--processes 10]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const KITS = 30;

const { values } = parseArgs({
  options: { processes: { type: 'string', default: '10' }, child: { type: 'boolean', default: false } },
});

if (values.child) console.log(JSON.stringify(await measure()));
else report(Number(values.processes));

/** In a process of its own: milliseconds to load the door, to be ready at first and later, and to be gone. */
async function measure() {
  const begun = performance.now();
  const { testKit } = await import('multistage/testing');
  const load = performance.now() - begun;
  const ready = [];
  const gone = [];
  for (let kits = 0; kits < KITS; kits++) {
    const start = performance.now();
    const kit = await testKit();
    ready.push(performance.now() - start);
    const end = performance.now();
    await kit.close();
    gone.push(performance.now() - end);
  }
  const tcp = performance.now();
  const kit = await testKit({ transport: 'tcp' });
  const readyTcp = performance.now() - tcp;
  await kit.clock.advance('1m');
  const advanced = performance.now();
  await kit.clock.advance('10m');
  const tenMinutes = performance.now() - advanced;
  await kit.close();
  return { load, first: ready[0], later: median(ready.slice(1)), gone: median(gone), readyTcp, tenMinutes };
}

function report(processes) {
  const runs = Array.from({ length: processes }, () =>
    JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--child'], { encoding: 'utf8' })),
  );
  const row = (what, name) => {
    const figures = runs.map((run) => run[name]);
    console.log(`${what.padEnd(44)} ${median(figures).toFixed(1)} ms (best ${Math.min(...figures).toFixed(1)})`);
  };
  row('loading multistage/testing', 'load');
  row('the first kit of a process', 'first');
  row('each further kit', 'later');
  row('a further kit over TCP', 'readyTcp');
  row('closing a kit', 'gone');
  row('ten minutes of a kit without clients, TCP', 'tenMinutes');
}

function median(figures) {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)];
}
