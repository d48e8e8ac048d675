/** The worker and the client run the built package, which `npm test` builds first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../../core/server/index.js';
import { tempDir } from '../../kit/temp-dir.js';
import { SMALL_STORE } from '../kit/running.js';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'steady-sender.mjs');
interface Seen {
  readonly failed: number;
  readonly slowestMs: number;
}

/** What a client in another process sees of a cluster whose application blocks its event loop with `block`. */
async function blockedWhileSending(worker: boolean, block: (progress: string) => void): Promise<Seen> {
  const hold = await embedded({ dir: tempDir(), store: SMALL_STORE, worker }).start();
  onTestFinished(() => hold.release());
  const progress = join(tempDir(), 'progress');
  const client = spawn(process.execPath, [SCRIPT, hold.nameServers, progress], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void client.kill('SIGKILL'));
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(client.stdout, 'data');
  block(progress);
  client.stdin.end();
  await once(client, 'exit');
  return JSON.parse(output.slice(output.indexOf('\n')));
}

/** Stands still as an application does that is busy. */
function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

test('a client notices nothing of a busy application whose server is in a worker', async () => {
  let sentMeanwhile = 0;
  const seen = await blockedWhileSending(true, (progress) => {
    const sends = (): number => (existsSync(progress) ? statSync(progress).size : 0);
    const before = sends();
    // As long as a machine that is slow needs, and no longer.
    for (let rounds = 0; rounds < 600 && sends() < before + 20; rounds++) standStill(50);
    sentMeanwhile = sends() - before;
  });
  expect(sentMeanwhile).toBeGreaterThanOrEqual(20);
  expect(seen.failed).toBe(0);
});

test('and waits as long as the application is busy when it is not', async () => {
  const seen = await blockedWhileSending(false, () => standStill(500));
  expect(seen.failed).toBe(0);
  expect(seen.slowestMs).toBeGreaterThan(400);
});
