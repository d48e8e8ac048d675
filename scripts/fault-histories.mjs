/**
 * Runs histories of the store on a bad disk, one a seed, and stops at the first that breaks a promise. With
 * --transactions those of a broker that is killed in the middle of transactions.
 *
 *   npm run test:fault -- [--transactions] [--seed first] [--count how-many]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, count: { type: 'string' }, transactions: { type: 'boolean', default: false } },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.count ?? (values.transactions ? 2_000 : 20_000));
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1)
  throw new Error('--seed and --count are whole numbers');

const name = values.transactions ? 'transaction-history' : 'history';
const file = fileURLToPath(new URL(`../test/fault/${name}.ts`, import.meta.url));
const { module } = await runnerImport(file);
const run = values.transactions ? module.runTransactionHistory : module.runHistory;
let seed = first;
const failed = (error) => {
  console.error(error);
  console.error(
    `seed ${seed} failed; again: npm run test:fault --${values.transactions ? ' --transactions' : ''} --seed ${seed} --count 1`,
  );
  process.exit(1);
};
process.on('unhandledRejection', failed);
const startedMs = performance.now();
console.log(`${count} histories from seed ${first}`);
for (; seed < first + count; seed++) await run(seed).catch(failed);
console.log(`all kept, in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
