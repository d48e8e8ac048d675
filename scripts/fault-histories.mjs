/**
 * Runs histories of the store on a bad disk, one a seed, and stops at the first that breaks a promise. With
 * --transactions those of a broker that is killed in the middle of transactions, with --delays of delayed messages, with
 * --pops of popped ones, with --deletions of topics that are deleted and made again.
 *
 *   npm run test:fault -- [--transactions | --delays | --pops | --deletions] [--seed first] [--count how-many]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const KINDS = {
  transactions: { file: 'transaction-history', run: 'runTransactionHistory', count: 2_000 },
  delays: { file: 'delay-history', run: 'runDelayHistory', count: 1_000 },
  pops: { file: 'pop-history', run: 'runPopHistory', count: 1_000 },
  deletions: { file: 'deletion-history', run: 'runDeletionHistory', count: 2_000 },
};
const flag = { type: 'boolean', default: false };
const { values } = parseArgs({
  options: {
    ...{ seed: { type: 'string' }, count: { type: 'string' } },
    ...Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, flag])),
  },
});
const kind = Object.keys(KINDS).find((name) => values[name]);
const history = kind === undefined ? { file: 'history', run: 'runHistory', count: 20_000 } : KINDS[kind];
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.count ?? history.count);
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1)
  throw new Error('--seed and --count are whole numbers');

const { module } = await runnerImport(fileURLToPath(new URL(`../test/fault/${history.file}.ts`, import.meta.url)));
const run = module[history.run];
let seed = first;
const failed = (error) => {
  console.error(error);
  const which = kind === undefined ? '' : ` --${kind}`;
  console.error(`seed ${seed} failed; again: npm run test:fault --${which} --seed ${seed} --count 1`);
  process.exit(1);
};
process.on('unhandledRejection', failed);
const startedMs = performance.now();
console.log(`${count} histories from seed ${first}`);
for (; seed < first + count; seed++) await run(seed).catch(failed);
console.log(`all kept, in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
