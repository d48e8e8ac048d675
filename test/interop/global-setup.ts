import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startApache } from './kit/apache.js';
import { ensureJars } from './kit/jars.js';
import { compileJava, type JavaRuntime } from './kit/java.js';
import type { Target } from './kit/target.js';
import { ensureToolchain } from './kit/toolchain.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** How to run java/Drive.java and mqadmin. */
    java: JavaRuntime;
    /** The one Apache cluster of this run. */
    apache: Target;
  }
}

/** Makes ready what all files share: the toolchain, the jars, our Java classes, and Apache's servers. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => console.log(`interop: ${line}`);
  const toolchain = await ensureToolchain(say);
  const jars = await ensureJars(toolchain, say);
  const home = await mkdtemp(join(tmpdir(), 'multistage-interop-'));
  const removeHome = () => rm(home, { recursive: true, force: true });
  try {
    const java = await compileJava(toolchain, jars, join(home, 'classes'));
    const { close: _close, restartBroker: _restart, kill, ...apache } = await startApache(java, join(home, 'apache'));
    say(`Apache's name server answers on ${apache.nameServer}, its broker on ${apache.brokerAddress}`);
    project.provide('java', java);
    project.provide('apache', apache);
    return async () => {
      await kill();
      await removeHome();
    };
  } catch (error) {
    await removeHome();
    throw error;
  }
}
