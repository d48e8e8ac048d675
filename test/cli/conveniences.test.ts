/** What a person at a terminal expects of a command: its version, the usual variable, hints that read well, pipes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeError } from '../../cli/describe-error.js';
import { rocketMQError } from '../../core/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { root, run, startServer } from './run-cli.js';

const COMMAND = join(root, 'cli/multistage.mjs');

/** Runs a line of a shell in which `$MULTISTAGE` is the command. */
async function shell(line: string, env: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
  const MULTISTAGE = `${process.execPath} ${COMMAND}`;
  const child = spawn('sh', ['-c', line], { cwd: tempDir(), env: { ...process.env, MULTISTAGE, ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += chunk));
  child.stderr.on('data', (chunk) => (output.stderr += chunk));
  await once(child, 'close');
  return output;
}

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(await run(['--version'], tempDir())).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('the hint is a sentence after another', () => {
  const error = rocketMQError('RMQ_ADDRESS_IN_USE', 'cannot listen on 127.0.0.1:1', { address: '127.0.0.1:1' });
  expect(describeError(error)).toBe(`RMQ_ADDRESS_IN_USE: cannot listen on 127.0.0.1:1. ${error.hint}`);
});

test('produce and consume find the cluster by NAMESRV_ADDR; a reader that went away is no failure', async () => {
  const server = await startServer(tempDir());
  const NAMESRV_ADDR = server.nameServers;
  expect(await shell('seq 2000 | $MULTISTAGE produce --topic lines', { NAMESRV_ADDR })).toEqual({
    stdout: 'sent 2000, failed 0\n',
    stderr: '',
  });
  // More than a pipe holds, so that there is something to write when the reader has gone.
  const first = await shell('$MULTISTAGE consume --topic lines --group g --from first | head -n 1', { NAMESRV_ADDR });
  expect(first.stdout).toMatch(/^\{"topic":"lines",[^\n]*\}\n$/);
  expect(first.stderr).toBe('');
  await server.stop('SIGTERM');
});
