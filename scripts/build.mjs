/**
 * Builds `dist/esm` and `dist/cjs` from one source, and does nothing when they are current.
 *
 * Two commands that start at once must not race: one process builds into a folder of its own behind a lock, the others
 * wait for it, and the finished folder takes the place of the old one by rename, so nobody sees half a build.
 *
 *   node scripts/build.mjs [--clean]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const lock = join(root, 'dist.lock');
const LOCK_WAIT_MS_MAX = 120_000;

/** Brings `dist` up to date. Returns whether anything had to be built. */
export async function build({ clean = false } = {}) {
  const wanted = await fingerprint();
  if (!clean && (await builtFingerprint()) === wanted) return false;
  await acquireLock();
  try {
    if (!clean && (await builtFingerprint()) === wanted) return false; // whoever held the lock has built it
    await compileTo(join(root, `dist.${process.pid}`), wanted);
    return true;
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function compileTo(fresh, wanted) {
  try {
    const passes = [compile('tsconfig.esm.json', join(fresh, 'esm')), compile('tsconfig.cjs.json', join(fresh, 'cjs'))];
    await Promise.allSettled(passes); // both have stopped writing before the folder may be removed
    await Promise.all(passes);
    await writeFile(join(fresh, 'esm', 'package.json'), manifest('module', 'mjs'));
    await writeFile(join(fresh, 'cjs', 'package.json'), manifest('commonjs', 'cjs'));
    await writeFile(join(fresh, '.fingerprint'), wanted);
    const old = `${fresh}.old`;
    if (existsSync(dist)) await rename(dist, old);
    await rename(fresh, dist);
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Each build finds the file of its worker by a name: without `import.meta`, which the source shared by both cannot have. */
function manifest(type, extension) {
  const imports = { '#server-worker': `./core/server/worker/create-worker.${extension}` };
  return `${JSON.stringify({ type, imports }, undefined, 2)}\n`;
}

function compile(config, outDir) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const child = spawn(process.execPath, [tsc, '-p', join(root, 'scripts', config), '--outDir', outDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`tsc -p scripts/${config} failed:\n${Buffer.concat(output)}`));
    });
  });
}

/** A lock is a folder; its file names the holder, so that one left behind by a killed build is seen as stale. */
async function acquireLock() {
  const until = Date.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      await mkdir(lock);
      await writeFile(join(lock, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (await lockIsStale()) await rm(lock, { recursive: true, force: true });
    else if (Date.now() > until) throw new Error(`another build holds ${lock} for more than ${LOCK_WAIT_MS_MAX} ms`);
    else await pause(100);
  }
}

async function lockIsStale() {
  try {
    process.kill(Number(await readFile(join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    if (error.code !== 'ENOENT') return false;
    // No pid yet: the holder is between two system calls, or died there.
    const age = await stat(lock).then(
      (s) => Date.now() - s.mtimeMs,
      () => 0,
    );
    return age > 5_000;
  }
}

async function builtFingerprint() {
  return readFile(join(dist, '.fingerprint'), 'utf8').catch(() => undefined);
}

async function fingerprint() {
  const hash = createHash('sha256');
  const files = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'scripts/build.mjs',
    'scripts/tsconfig.esm.json',
    'scripts/tsconfig.cjs.json',
  ];
  for (const folder of ['core', 'plugins', 'cli']) {
    const names = await readdir(join(root, folder), { recursive: true });
    files.push(
      ...names
        .filter((name) => /\.[cm]?ts$/.test(name))
        .map((name) => join(folder, name))
        .sort(),
    );
  }
  for (const file of files) {
    hash.update(file).update('\0');
    hash.update(await readFile(join(root, file))).update('\0');
  }
  return hash.digest('hex');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const built = await build({ clean: process.argv.includes('--clean') });
    console.log(built ? 'built dist' : 'dist is current');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
