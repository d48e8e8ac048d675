/**
 * `multistage consume --timeout` never ended on Node 20 when the garbage collector ran meanwhile: its time-out was a signal
 * that nothing held but a signal made of it by AbortSignal.any, which holds it weakly.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../core/server/index.js';
import { root } from '../cli/run-cli.js';
import { closeAfterTest } from '../kit/close-after-test.js';

const MAIN = pathToFileURL(`${root}/dist/esm/cli/main.js`).href;

test('consume ends after its time-out, whatever is garbage', async () => {
  const server = closeAfterTest(await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 }));
  const args = ['consume', '--name-server', server.nameServers, '--topic', 'T', '--group', 'G', '--timeout', '1'];
  const script = `
    setInterval(gc, 20).unref();
    const { main } = await import(${JSON.stringify(MAIN)});
    process.exitCode = await main(${JSON.stringify(args)});`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await once(child, 'exit')).toEqual([0, null]);
});
