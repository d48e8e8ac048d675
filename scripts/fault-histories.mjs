/**
 * Runs histories of the store on a bad disk, one a seed, and stops at the first that breaks a promise.
 *
 *   npm run test:fault -- [--seed first] [--count how-many]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' } } });
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.count ?? 20_000);
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1)
  throw new Error('--seed and --count are whole numbers');

const file = fileURLToPath(new URL('../test/fault/history.ts', import.meta.url));
const { module } = await runnerImport(file);
let seed = first;
const failed = (error) => {
  console.error(error);
  console.error(`seed ${seed} failed; again: npm run test:fault -- --seed ${seed} --count 1`);
  process.exit(1);
};
process.on('unhandledRejection', failed);
const startedMs = performance.now();
console.log(`${count} histories from seed ${first}`);
for (; seed < first + count; seed++) await module.runHistory(seed).catch(failed);
console.log(`all kept, in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
