import { test } from 'vitest';
import { runTransactionHistory } from './transaction-history.js';

const COUNT = 150;

/** Any number, from any seed: npm run test:fault -- --transactions --seed S --count N. */
test(`${COUNT} histories with kills and power failures deliver each committed message once and no other`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await runTransactionHistory(seed);
    } catch (cause) {
      const again = `npm run test:fault -- --transactions --seed ${seed} --count 1`;
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause });
    }
  }
});
