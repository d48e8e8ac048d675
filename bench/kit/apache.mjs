import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const kit = (name) => runnerImport(fileURLToPath(new URL(`../../test/interop/kit/${name}.ts`, import.meta.url)));

const SOURCE = fileURLToPath(new URL('java/Consume.java', import.meta.url));

/**
 * Starts Apache RocketMQ as the interop suite does, with the heap and the collector of the JVM's own choice. Needs
 * JDK 17 and Maven, or brings them. `startConsumer` starts java/Consume.java with Apache's client, as the JVM has it by
 * default; `round` asks it for a line of figures.
 * @returns {Promise<{
 *   nameServer: string,
 *   startConsumer(): Promise<{ round(...words: (string | number)[]): Promise<number[]>, close(): Promise<void> }>,
 *   close(): Promise<void>,
 * }>}
 */
export async function startApacheForBench() {
  const home = mkdtempSync(join(tmpdir(), 'multistage-bench-apache-'));
  const [{ module: toolchain }, { module: jars }, { module: java }, { module: apache }] = await Promise.all(
    ['toolchain', 'jars', 'java', 'apache'].map(kit),
  );
  const tools = await toolchain.ensureToolchain(console.error);
  const libraries = await jars.ensureJars(tools, console.error);
  const classes = join(home, 'classes');
  const runtime = await java.compileJava(tools, libraries, classes);
  const cluster = await apache.startApache(runtime, join(home, 'apache'), { brokerJvmOptions: ['-Xms2g', '-Xmx2g'] });
  return {
    nameServer: cluster.nameServer,
    startConsumer: async () => {
      execFileSync(tools.javac, ['-cp', runtime.classPath, '-d', classes, SOURCE], { stdio: 'inherit' });
      await java.writeLogging(home, ['client']);
      const logging = [
        '-Drocketmq.client.logUseSlf4j=true',
        `-Dlogback.configurationFile=${join(home, 'conf/client.xml')}`,
      ];
      const args = [`-Duser.home=${home}`, ...logging, '-cp', runtime.classPath, 'Consume', cluster.nameServer];
      const child = spawn(tools.java, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      const lines = createInterface({ input: child.stdout });
      const failed = closed.then(([code]) => {
        throw new Error(`the Java consumer ended with ${code}`);
      });
      failed.catch(() => undefined);
      return {
        round: async (...words) => {
          const line = once(lines, 'line');
          child.stdin.write(`${words.join(' ')}\n`);
          return (await Promise.race([line, failed]))[0].split(' ').map(Number);
        },
        close: async () => {
          child.stdin.end();
          await closed;
        },
      };
    },
    close: async () => {
      await cluster.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
