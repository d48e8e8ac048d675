import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOrThrow } from './processes.js';
import type { Toolchain } from './toolchain.js';

/** The releases of Apache's servers that the suite runs. */
export const APACHE_VERSIONS = ['4.9.7', '5.5.0'] as const;
export type ApacheVersion = (typeof APACHE_VERSIONS)[number];

/** The folder with the jars of each release. */
export type Jars = Readonly<Record<ApacheVersion, string>>;

/** Apache's jars and what they need, from Maven Central. Each release has a folder and a cache of its own. */
export async function ensureJars(toolchain: Toolchain, say: (line: string) => void): Promise<Jars> {
  const folders = new Map<ApacheVersion, string>();
  for (const version of APACHE_VERSIONS) folders.set(version, await ensureJarsOf(version, toolchain, say));
  return Object.fromEntries(folders) as Jars;
}

/** The folder is kept in the user's cache under the pom's own hash, and appears there whole or not at all. */
async function ensureJarsOf(
  version: ApacheVersion,
  { java, maven }: Toolchain,
  say: (line: string) => void,
): Promise<string> {
  const pom = fileURLToPath(new URL(`../apache/pom-${version}.xml`, import.meta.url));
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'multistage-interop');
  const folder = join(cache, `jars-${hash}`);
  if (await holdsJars(folder)) return folder;
  say(`fetching Apache RocketMQ ${version} from Maven Central`);
  await mkdir(cache, { recursive: true });
  const incoming = await mkdtemp(join(cache, 'incoming-'));
  try {
    await runOrThrow(
      maven,
      ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${incoming}`],
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
