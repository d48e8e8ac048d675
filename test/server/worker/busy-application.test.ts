/** The worker and the client run the built package, which `npm test` builds first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { embedded } from '../../../core/server/index.js';
import { tempDir } from '../../kit/temp-dir.js';
import { SMALL_STORE } from '../kit/running.js';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'steady-sender.mjs');
interface Seen {
  readonly sends: number;
  readonly failed: number;
  readonly slowestMs: number;
}

/** What a client in another process sees of a cluster whose application blocks its event loop. */
async function blockedWhileSending(worker: boolean, blockMs: number): Promise<Seen> {
  const hold = await embedded({ dir: tempDir(), store: SMALL_STORE, worker }).start();
  onTestFinished(() => hold.release());
  const client = spawn(process.execPath, [SCRIPT, hold.nameServers], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void client.kill('SIGKILL'));
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(client.stdout, 'data');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
  client.stdin.end();
  await once(client, 'exit');
  return JSON.parse(output.slice(output.indexOf('\n')));
}

test('a client notices nothing of a busy application whose server is in a worker', async () => {
  const seen = await blockedWhileSending(true, 2_000);
  expect(seen.failed).toBe(0);
  // Not as long as the application is busy, however slow the machine is.
  expect(seen.slowestMs).toBeLessThan(1_800);
  expect(seen.sends).toBeGreaterThan(10);
});

test('and waits as long as the application is busy when it is not', async () => {
  const seen = await blockedWhileSending(false, 500);
  expect(seen.failed).toBe(0);
  expect(seen.slowestMs).toBeGreaterThan(400);
});
