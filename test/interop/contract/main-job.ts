import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeOutcome, run } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What `npm start` does by itself, with NAMESRV_ADDR naming a cluster. */
export function mainJobContract(target: () => Target): void {
  test("the main job runs on Apache's cluster unchanged", async () => {
    const { nameServer } = target();
    const outcome = await run('npm', ['start'], { cwd: ROOT, env: { NAMESRV_ADDR: nameServer }, timeoutMs: 390_000 });
    expect(outcome.exitCode, describeOutcome('npm start', outcome)).toBe(0);
    expect(outcome.stdout).toContain(`on the cluster of ${nameServer}`);
    expect(outcome.stdout).toMatch(/^run-\S+: complete$/m);
  });
}
