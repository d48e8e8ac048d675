import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServerOptions } from '../../../core/server/index.js';
import type { Target } from './target.js';

const PROGRAM = fileURLToPath(new URL('server-process.mjs', import.meta.url));

/** A server of ours in a process of its own. */
export interface OurServerProcess extends Target {
  /** Stops it cleanly; fails when it does not end with exit code 0. */
  close(): Promise<void>;
  /** Ends it with SIGKILL and resolves when it is gone. */
  kill(): Promise<void>;
}

type OurServerProcessOptions = Pick<ServerOptions, 'dir' | 'store' | 'nameServerPort' | 'brokerPort'> & {
  readonly brokerName: string;
  readonly cluster: string;
};

/**
 * Starts our name server and broker in a process of their own, on free loopback ports unless told otherwise. It runs what
 * `npm run build` made.
 */
export async function startOurServerProcess(options: OurServerProcessOptions): Promise<OurServerProcess> {
  const ports = { nameServerPort: 0, brokerPort: 0 };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ ...ports, ...options })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  const exit = once(child, 'exit');
  const ended = exit.then(([code]) => {
    throw new Error(`our server ended with ${code} before it was ready`);
  });
  const [ready] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  const { nameServer, brokerAddress } = JSON.parse(ready as string);
  return {
    nameServer,
    brokerAddress,
    brokerName: options.brokerName,
    clusterName: options.cluster,
    close: async () => {
      child.stdin.end();
      const [code, signal] = await exit;
      if (code !== 0) throw new Error(`our server ended with ${code ?? signal} when it was stopped`);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
