import { test } from 'vitest';
import { runHistory } from './history.js';

const COUNT = 2_000;

/** Any number, from any seed: npm run test:fault -- --seed S --count N. The longest of all tests, so its watchdog is patient. */
test(`${COUNT} histories on a bad disk keep every promise`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await runHistory(seed);
    } catch (cause) {
      throw new Error(`seed ${seed} failed; again: npm run test:fault -- --seed ${seed} --count 1`, { cause });
    }
  }
}, 900_000);
