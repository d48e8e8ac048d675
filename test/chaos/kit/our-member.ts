import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Member } from './member.js';

const COMMAND = fileURLToPath(new URL('../../../cli/multistage.mjs', import.meta.url));

export interface OurMemberOptions {
  readonly dir: string;
  readonly brokerName: string;
  readonly brokerPort: number;
  /** Of a name server of its own; undefined: a broker alone. */
  readonly nameServerPort?: number;
  /** The name servers of others that its broker registers with. */
  readonly others: readonly string[];
}

/** `multistage server` with ports that stay; not started yet. */
export function ourMember({ dir, brokerName, brokerPort, nameServerPort, others }: OurMemberOptions): Member {
  const args = [COMMAND, 'server', '--dir', dir, '--broker-port', String(brokerPort), '--broker-name', brokerName];
  if (nameServerPort === undefined) args.push('--name-server', others.join(';'));
  else args.push('--name-server-port', String(nameServerPort), '--register-with', others.join(';'));
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  // It does not outlive a test run that ends without cleaning up.
  process.once('exit', () => child?.kill('SIGKILL'));
  return {
    name: nameServerPort === undefined ? `the broker ${brokerName}` : `the name server with the broker ${brokerName}`,
    brokerName,
    brokerAddress: `127.0.0.1:${brokerPort}`,
    ...(nameServerPort !== undefined && { nameServer: `127.0.0.1:${nameServerPort}` }),
    start: async () => {
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      child = started;
      const ended = once(started, 'exit').then(([code]) => {
        throw new Error(`${brokerName} ended with ${code} before it was ready`);
      });
      // Later it is killed on purpose.
      ended.catch(() => undefined);
      await Promise.race([once(createInterface(started.stdout), 'line'), ended]);
    },
    kill,
    signal: (signal) => void child?.kill(signal),
  };
}
