import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../cli/multistage.mjs', import.meta.url));

/**
 * `multistage server` in a process of its own, on ports of its own.
 * @returns {Promise<{ nameServers: string, brokerAddress: string, stop(): Promise<void> }>}
 */
export async function startServerProcess(dir) {
  const args = [COMMAND, 'server', '--dir', dir, '--name-server-port', '0', '--broker-port', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    nameServers: /name-server=(\S+)/.exec(line)[1],
    brokerAddress: /broker=(\S+)/.exec(line)[1],
    stop: async () => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}
