import { readFileSync } from 'node:fs';

const PARENT_POLL_MS = 500;

/** Why a command is to stop. */
export type StopReason = 'SIGINT' | 'SIGTERM' | 'parent gone';

/** Aborts when the command is to stop; call `release` when it has, so that nothing keeps the process alive. */
export interface StopSignal {
  readonly signal: AbortSignal;
  release(): void;
}

/**
 * Stops on SIGINT and SIGTERM. npm does not forward SIGTERM to what it runs, so a command started by npx or npm also
 * stops when that parent is gone; started any other way it may outlive its parent, as with `nohup`.
 */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  const stop = (reason: StopReason): void => controller.abort(reason);
  const interrupted = (): void => stop('SIGINT');
  const terminated = (): void => stop('SIGTERM');
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', terminated);
  const poll = startedByNpm() ? watchParents(() => stop('parent gone')) : undefined;
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', terminated);
      clearInterval(poll);
    },
  };
}

function startedByNpm(): boolean {
  return process.env.npm_command !== undefined || process.env.npm_lifecycle_event !== undefined;
}

/** npm may have put a shell between itself and us, and that shell outlives npm: then both are watched. */
function watchParents(gone: () => void): NodeJS.Timeout {
  const parent = process.ppid;
  const facts = factsOf(parent);
  const shell = facts !== undefined && /^(?:ba|da|z)?sh$/.test(facts.name);
  return setInterval(() => {
    if (process.ppid !== parent || (shell && factsOf(parent)?.parent !== facts.parent)) gone();
  }, PARENT_POLL_MS).unref();
}

/** Name and parent of a process where the system tells (Linux), else undefined. */
function factsOf(pid: number): { readonly name: string; readonly parent: string } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // no /proc here, or the process is gone
  }
  const nameEnd = stat.lastIndexOf(')'); // the name in brackets may hold anything
  return { name: stat.slice(stat.indexOf('(') + 1, nameEnd), parent: stat.slice(nameEnd + 2).split(' ')[1] };
}
