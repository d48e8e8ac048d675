import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const COMMAND = join(root, 'cli/multistage.mjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command as its own process; the test's end kills what still runs. */
export function start(args: readonly string[], cwd: string, input?: string): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  child.stdin?.end(input ?? '');
  return child;
}

/** Runs the command to its end. */
export async function run(args: readonly string[], cwd: string, input?: string): Promise<Ended> {
  const child = start(args, cwd, input);
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (output.stdout += chunk));
  child.stderr?.on('data', (chunk) => (output.stderr += chunk));
  const [code] = await once(child, 'close');
  return { code, ...output };
}

/** Runs the command with each of these arguments, all in one process of their own. */
export async function runEach(lists: readonly (readonly string[])[]): Promise<readonly Ended[]> {
  const args = [join(root, 'test/cli/run-main.mjs'), join(root, 'dist/esm/cli/main.js'), JSON.stringify(lists)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return JSON.parse(stdout) as Ended[];
}

/** A running `multistage server` on ports of its own. */
export interface RunningServer {
  readonly child: ChildProcess;
  readonly nameServers: string;
  readonly broker: string;
  readonly readyLine: string;
  /** Sends the signal and resolves to the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

export async function startServer(dir: string, ...more: string[]): Promise<RunningServer> {
  const child = start(['server', '--dir', dir, '--name-server-port', '0', '--broker-port', '0', ...more], dir);
  const readyLine = await firstLine(child);
  const match = /^ready name-server=(\S+) broker=(\S+) dir=(.+)$/.exec(readyLine);
  if (match === null) throw new Error(`not a ready line: ${readyLine}`);
  return {
    child,
    nameServers: match[1] as string,
    broker: match[2] as string,
    readyLine,
    stop: async (signal) => {
      const closed = once(child, 'close');
      child.kill(signal);
      return (await closed)[0];
    },
  };
}

/** The first line on standard output; an error with what was printed when there is none. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('close', (code) => reject(new Error(`ended with ${code} before its first line: ${stderr}`)));
  });
}
