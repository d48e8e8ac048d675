import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { nodeStoreFiles } from '../../../core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { tempDir } from '../../kit/temp-dir.js';
import { SMALL_FILES } from './store-kit.js';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'hold-directory.mjs');
const hasPerl = process.platform === 'linux' && spawnSync('perl', ['-v']).status === 0;

/** Takes a POSIX lock on a file as the file locks of Java do, and holds it. */
const POSIX_LOCK = `
  use Fcntl; $| = 1;
  open(my $file, '+<', $ARGV[0]) or die $!;
  my $lock = pack('s!s!x![q]qqix![q]', F_WRLCK, 0, 0, 0, 0);
  fcntl($file, F_SETLK, $lock) or die $!;
  print "locked\\n"; sleep 600;
`;

/** Starts a process and resolves with its first line. */
async function start(command: string, args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
  return { child, line: String(line).trim() };
}

const hold = (dir: string): ReturnType<typeof start> => start(process.execPath, [SCRIPT, dir]);

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const open = (dir: string) => openMessageStore({ dir, files: nodeStoreFiles, ...SMALL_FILES });

test('a directory of another process is refused with its id, and taken over when that was killed', async () => {
  const dir = tempDir();
  const { child, line } = await hold(dir);
  expect(line).toBe('open');
  await expect(openMessageStore({ dir, files: nodeStoreFiles })).rejects.toMatchObject({
    code: 'RMQ_STORE_LOCKED',
    dir,
    holder: `process ${child.pid}`,
    message: expect.stringContaining(dir),
  });
  await kill(child);
  expect(existsSync(join(dir, 'multistage.lock'))).toBe(true);
  const store = await openMessageStore({ dir, files: nodeStoreFiles });
  await store.close();
});

test('of several processes that start at once on a stale lock one gets the directory', async () => {
  const dir = tempDir();
  await kill((await hold(dir)).child);
  const started = await Promise.all(Array.from({ length: 4 }, () => hold(dir)));
  const lines = started.map(({ line }) => line);
  expect(lines.filter((line) => line === 'open')).toHaveLength(1);
  const holder = started[lines.indexOf('open')]!.child.pid;
  for (const line of lines.filter((other) => other !== 'open')) expect(line).toBe(`RMQ_STORE_LOCKED process ${holder}`);
});

test.runIf(hasPerl)('a directory whose lock file an Apache broker holds is refused, and left as it was', async () => {
  const dir = tempDir();
  await (await open(dir)).close();
  const { child, line } = await start('perl', ['-e', POSIX_LOCK, join(dir, 'lock')]);
  expect(line).toBe('locked');
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(open(dir)).rejects.toMatchObject({
      code: 'RMQ_STORE_LOCKED',
      holder: `an Apache broker, process ${child.pid}`,
    });
    expect(existsSync(join(dir, 'multistage.lock'))).toBe(false);
  }
  await kill(child);
  await (await open(dir)).close();
});
