import { test } from 'vitest';
import { runDeletionHistory } from './deletion-history.js';

const COUNT = 100;

/** Any number, from any seed: npm run test:fault -- --deletions --seed S --count N. */
test(`${COUNT} histories with kills and power failures keep topics deleted, and those made again whole`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await runDeletionHistory(seed);
    } catch (cause) {
      const again = `npm run test:fault -- --deletions --seed ${seed} --count 1`;
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause });
    }
  }
});
