import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { describeOutcome, run } from './kit/processes.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test("the main job runs on Apache's cluster unchanged", { timeout: 180_000 }, async () => {
  const { nameServer } = inject('apache');
  const outcome = await run('npm', ['start'], { cwd: ROOT, env: { NAMESRV_ADDR: nameServer }, timeoutMs: 170_000 });
  expect(outcome.exitCode, describeOutcome('npm start', outcome)).toBe(0);
  expect(outcome.stdout).toContain(`on the cluster of ${nameServer}`);
  expect(outcome.stdout).toMatch(/^run-\S+: complete$/m);
});
