import { test } from 'vitest';
import { runDelayHistory } from './delay-history.js';

const COUNT = 100;

/** Any number, from any seed: npm run test:fault -- --delays --seed S --count N. */
test(`${COUNT} histories with kills, power failures and clocks that are set deliver each delayed message once`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await runDelayHistory(seed);
    } catch (cause) {
      const again = `npm run test:fault -- --delays --seed ${seed} --count 1`;
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause });
    }
  }
});
