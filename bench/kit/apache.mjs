import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const kit = (name) => runnerImport(fileURLToPath(new URL(`../../test/interop/kit/${name}.ts`, import.meta.url)));

/**
 * Starts Apache RocketMQ as the interop suite does, with the heap and the collector of the JVM's own choice. Needs
 * JDK 17 and Maven, or brings them.
 * @returns {Promise<{ nameServer: string, close(): Promise<void> }>}
 */
export async function startApacheForBench() {
  const home = mkdtempSync(join(tmpdir(), 'multistage-bench-apache-'));
  const [{ module: toolchain }, { module: jars }, { module: java }, { module: apache }] = await Promise.all(
    ['toolchain', 'jars', 'java', 'apache'].map(kit),
  );
  const tools = await toolchain.ensureToolchain(console.error);
  const runtime = await java.compileJava(tools, await jars.ensureJars(tools, console.error), join(home, 'classes'));
  const cluster = await apache.startApache(runtime, join(home, 'apache'), { brokerJvmOptions: ['-Xms2g', '-Xmx2g'] });
  return {
    nameServer: cluster.nameServer,
    close: async () => {
      await cluster.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
