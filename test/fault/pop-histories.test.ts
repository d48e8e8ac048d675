import { test } from 'vitest';
import { runPopHistory } from './pop-history.js';

const COUNT = 20;

/** Any number, from any seed: npm run test:fault -- --pops --seed S --count N. */
test(`${COUNT} histories with kills and power failures lose no popped message and bring back none that was acknowledged`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await runPopHistory(seed);
    } catch (cause) {
      const again = `npm run test:fault -- --pops --seed ${seed} --count 1`;
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause });
    }
  }
});
