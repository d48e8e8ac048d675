import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ProcessOutcome, run, runOrThrow } from './processes.js';

/** The programs the suite runs, each by a name or path that `spawn` understands. */
export interface Toolchain {
  readonly java: string;
  readonly javac: string;
  readonly maven: string;
}

const JAVA_VERSION_MIN = 17;
const DEBIAN_PACKAGES = ['openjdk-17-jdk-headless', 'maven'];
const JVM_HOMES = '/usr/lib/jvm';

/**
 * JDK 17 (or newer) and Maven: those on the PATH, else installed with apt-get where we may. The suite is never skipped:
 * without them it fails with a sentence that says what to install.
 */
export async function ensureToolchain(say: (line: string) => void): Promise<Toolchain> {
  const present = await findToolchain();
  if (typeof present !== 'string') return present;
  if (process.getuid?.() !== 0 || (await attempt('apt-get', ['--version'])) === undefined) {
    throw new Error(
      `The interop tests need JDK ${JAVA_VERSION_MIN} and Maven on the PATH: ${present}. ` +
        'They can be installed by themselves only as root with apt-get.',
    );
  }
  say(`${present}; installing ${DEBIAN_PACKAGES.join(' and ')} with apt-get`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runOrThrow('apt-get', ['update', '-q'], { env, timeoutMs: 300_000 });
  await runOrThrow('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...DEBIAN_PACKAGES], {
    env,
    timeoutMs: 480_000,
  });
  const installed = await findToolchain();
  if (typeof installed === 'string') throw new Error(`after installing ${DEBIAN_PACKAGES.join(' and ')}: ${installed}`);
  return installed;
}

/** The toolchain, or what is missing in words. */
async function findToolchain(): Promise<Toolchain | string> {
  const maven = await attempt('mvn', ['--version']);
  const home = await findJavaHome();
  if (home === undefined) return `no java and javac of version ${JAVA_VERSION_MIN} or newer`;
  if (maven === undefined) return 'no mvn';
  return { java: join(home, 'java'), javac: join(home, 'javac'), maven: 'mvn' };
}

/** The first folder of JAVA_HOME, the PATH and the system's JVMs that holds a java and a javac new enough. */
async function findJavaHome(): Promise<string | undefined> {
  const jvms = existsSync(JVM_HOMES) ? readdirSync(JVM_HOMES).map((name) => join(JVM_HOMES, name, 'bin')) : [];
  const folders = [
    ...(process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : []),
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...jvms,
  ];
  for (const folder of folders) {
    if (!existsSync(join(folder, 'java')) || !existsSync(join(folder, 'javac'))) continue;
    const version = await attempt(join(folder, 'javac'), ['-version']);
    const major = /javac (?:1\.)?(\d+)/.exec(`${version?.stdout}${version?.stderr}`)?.[1];
    if (major !== undefined && Number(major) >= JAVA_VERSION_MIN) return folder;
  }
  return undefined;
}

/** Runs a program; undefined when there is none of that name, or it fails. */
async function attempt(command: string, args: readonly string[]): Promise<ProcessOutcome | undefined> {
  const outcome = await run(command, args, { timeoutMs: 60_000 }).catch(() => undefined);
  return outcome?.exitCode === 0 ? outcome : undefined;
}
