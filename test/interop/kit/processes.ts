import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a child process that ended left behind. */
export interface ProcessOutcome {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  /** Added to this process's environment; undefined removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** It is killed, and the run fails, when it takes longer. Default 120,000. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. Rejects when it cannot be started or takes too long, never for its exit code. */
export async function run(
  command: string,
  args: readonly string[],
  { input = '', env = {}, cwd, timeoutMs = 120_000 }: RunOptions = {},
): Promise<ProcessOutcome> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A child that ends without reading its input breaks the pipe; its exit code tells the story.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(timer);
  }
  const outcome = {
    exitCode: child.exitCode,
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
  if (late) throw new Error(`${command} took longer than ${timeoutMs} ms\n${describeOutcome(command, outcome)}`);
  return outcome;
}

/** Runs a program that must end with exit code 0. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProcessOutcome> {
  const outcome = await run(command, args, options);
  if (outcome.exitCode !== 0) throw new Error(describeOutcome(command, outcome));
  return outcome;
}

/** An outcome in words for an assertion message: how it ended and the last of what it said. */
export function describeOutcome(command: string, { exitCode, stdout, stderr }: ProcessOutcome): string {
  return `${command} ended with ${exitCode ?? 'a signal'}\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`;
}

/** Ends a child with SIGTERM, after `graceMs` with SIGKILL, and resolves when it is gone. */
export async function stop(child: ChildProcess, graceMs = 60_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
