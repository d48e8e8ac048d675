import { spawn } from 'node:child_process';

/** How a program ended, and all that it had printed. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs a program of a project, sends it SIGTERM once it has printed what matches, and waits for its end: 2 minutes at most. */
export function stopOnceItPrinted(dir: string, file: string, printed: RegExp): Promise<Ending> {
  const { NODE_OPTIONS: _options, ...env } = process.env; // vitest's own settings are not the program's
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { cwd: dir, env, timeout: 120_000, killSignal: 'SIGKILL' });
    let output = '';
    let isTold = false;
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      if (isTold || !printed.test(output)) return;
      isTold = true;
      child.kill('SIGTERM');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}
