import * as fs from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { rocketMQError } from '../../../errors/rocketmq-error.js';
import { findPosixLockHolder } from './posix-locks.js';
import type { StoreLock } from './store-files.js';

const LOCK_FILE = 'multistage.lock';
/** Apache's broker holds an exclusive POSIX lock on this file while it runs. */
const APACHE_LOCK_FILE = 'lock';
const ATTEMPTS_MAX = 5;
const WITHOUT_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Who holds a directory: a process id alone would not do, ids are used again. */
interface Holder {
  readonly pid: number;
  /** Tells two processes of one id apart; empty where the system does not say. */
  readonly startTime: string;
  /** Node's number of the thread in that process. */
  readonly thread: number;
}

/**
 * Takes the directory for this process: writes `multistage.lock`, and `lock` with Apache's four bytes when it is
 * missing. Node offers no POSIX locks, so an Apache broker started later does not see us.
 * @throws RMQ_STORE_LOCKED when another running process holds it: one of ours, or on Linux an Apache broker.
 */
export function lockDirectory(directory: string): StoreLock {
  const path = join(directory, LOCK_FILE);
  const own: Holder = { pid: process.pid, startTime: processStartTime(process.pid), thread: threadId };
  for (let attempt = 0; !tryLink(directory, path, own); attempt++) {
    const holder = readHolder(path);
    if (holder !== undefined && isRunning(holder)) {
      throw locked(directory, `process ${holder.pid}`, holder.pid === process.pid ? HELD_BY_US : {});
    }
    if (attempt === ATTEMPTS_MAX) throw locked(directory, 'another server that is just starting');
    setStaleAside(path, holder);
  }
  try {
    refuseApacheHolder(directory);
  } catch (error) {
    fs.rmSync(path, { force: true });
    throw error;
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      fs.rmSync(path, { force: true });
    },
  };
}

/** Lets go of the directory for a thread of this process that ended without doing so. */
export function releaseLockOfThread(directory: string, thread: number): void {
  const path = join(directory, LOCK_FILE);
  const holder = readHolder(path);
  if (holder?.pid === process.pid && holder.thread === thread && isRunning(holder)) fs.rmSync(path, { force: true });
}

/** A link appears with its whole content, or not at all when the name is taken: that decides between two who start at once. */
function tryLink(directory: string, path: string, own: Holder): boolean {
  const prepared = join(directory, `${LOCK_FILE}.${own.pid}.${process.hrtime.bigint()}`);
  fs.writeFileSync(prepared, `${JSON.stringify(own)}\n`, { flag: 'wx' });
  try {
    fs.linkSync(prepared, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (WITHOUT_LINKS.has(code)) return tryCreate(path, own);
    throw error;
  } finally {
    fs.rmSync(prepared, { force: true });
  }
}

/** For volumes without hard links (FAT, some network shares). */
function tryCreate(path: string, own: Holder): boolean {
  try {
    fs.writeFileSync(path, `${JSON.stringify(own)}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock out of the way, unless somebody else took its place since it was read. */
function setStaleAside(path: string, stale: Holder | undefined): void {
  const aside = `${path}.stale.${process.pid}.${process.hrtime.bigint()}`;
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  const tookALiveOne = moved !== undefined && (moved.pid !== stale?.pid || moved.startTime !== stale.startTime);
  if (tookALiveOne && isRunning(moved) && !fs.existsSync(path)) fs.renameSync(aside, path);
  else fs.rmSync(aside, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(fs.readFileSync(path, 'utf8')) as Partial<Holder>;
    if (!Number.isInteger(holder.pid)) return undefined;
    const { pid, startTime = '', thread = 0 } = holder;
    return { pid: pid as number, startTime: String(startTime), thread: Number(thread) };
  } catch {
    // Unreadable or gone: nobody who runs wrote it, since a lock appears whole.
    return undefined;
  }
}

function isRunning({ pid, startTime }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const startTimeNow = processStartTime(pid);
  return startTime === '' || startTimeNow === '' || startTime === startTimeNow;
}

/** Linux: clock ticks since boot (field 22 of /proc/PID/stat) and which boot. Elsewhere empty. */
function processStartTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the command in brackets, may itself hold blanks and brackets.
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${startTicks}@${boot}`;
  } catch {
    return '';
  }
}

function refuseApacheHolder(directory: string): void {
  const path = join(directory, APACHE_LOCK_FILE);
  if (!fs.existsSync(path)) fs.writeFileSync(path, 'lock');
  let locks: string;
  try {
    locks = fs.readFileSync('/proc/locks', 'latin1');
  } catch {
    // Not Linux: such a holder cannot be seen.
    return;
  }
  const pid = findPosixLockHolder(locks, fs.statSync(path, { bigint: true }));
  if (pid !== undefined) throw locked(directory, `an Apache broker, process ${pid}`);
}

/** Two servers of one process, where most wanted one. */
const HELD_BY_US = {
  hint: 'That is this process: give every connect() the same embedded(…), or use another directory.',
};

function locked(dir: string, holder: string, options: { readonly hint?: string } = {}) {
  const message = `the data directory ${dir} is held by ${holder}`;
  return rocketMQError('RMQ_STORE_LOCKED', message, { dir, holder }, options);
}
