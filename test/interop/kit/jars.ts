import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOrThrow } from './processes.js';
import type { Toolchain } from './toolchain.js';

const POM = fileURLToPath(new URL('../apache/pom.xml', import.meta.url));

/**
 * The folder with Apache's jars and what they need, from Maven Central. It is kept in the user's cache under the
 * pom's own hash, and appears there whole or not at all.
 */
export async function ensureJars({ java, maven }: Toolchain, say: (line: string) => void): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(POM))
    .digest('hex')
    .slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'multistage-interop');
  const folder = join(cache, `jars-${hash}`);
  if (await holdsJars(folder)) return folder;
  say('fetching Apache RocketMQ from Maven Central');
  await mkdir(cache, { recursive: true });
  const incoming = await mkdtemp(join(cache, 'incoming-'));
  try {
    await runOrThrow(
      maven,
      ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${incoming}`],
      // mvn takes the JVM from JAVA_HOME; without it, from the PATH.
      { env: { JAVA_HOME: dirname(dirname(java)) }, timeoutMs: 420_000 },
    );
    await rename(incoming, folder).catch(async (error: unknown) => {
      // Another run was faster.
      if (!(await holdsJars(folder))) throw error;
    });
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return folder;
}

async function holdsJars(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => name.startsWith('rocketmq-broker-'));
}
