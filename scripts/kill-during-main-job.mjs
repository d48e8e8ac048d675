/**
 * The main job (examples/flights) on a server with synchronous flush that is killed with SIGKILL in the middle of it and
 * started again: the job has to end complete.
 *
 *   npm run build && node scripts/kill-during-main-job.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RestartingServer } from './kit/restarting-server.mjs';

const JOB = fileURLToPath(new URL('../examples/flights/main.mjs', import.meta.url));
/** The job writes some 10 MiB. */
const KILL_AT_BYTES = 4 * 1024 ** 2;
const JOB_MS_MAX = 180_000;

const dir = mkdtempSync(join(tmpdir(), 'multistage-kill-'));
const server = new RestartingServer({ dir, flush: 'sync' });
await server.start();
const env = { ...process.env, NAMESRV_ADDR: server.nameServers };
const job = spawn(process.execPath, [JOB], { cwd: dir, env, stdio: 'inherit' });
const ended = once(job, 'exit');
const deadline = setTimeout(() => job.kill('SIGKILL'), JOB_MS_MAX);
try {
  await Promise.race([killInTheMiddle(), ended]);
  const [code] = await ended;
  console.log(code === 0 ? 'complete, with the server killed in the middle' : `the job ended with ${code}`);
  process.exitCode = code === 0 ? 0 : 1;
} finally {
  clearTimeout(deadline);
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function killInTheMiddle() {
  const log = join(dir, 'commitlog', '0'.repeat(20));
  while (allocatedBytes(log) < KILL_AT_BYTES) await wait(5);
  await server.kill();
  console.log('killed the server');
}

function allocatedBytes(path) {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
