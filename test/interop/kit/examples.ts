import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JavaRuntime, writeLogging } from './java.js';
import { waitFor } from './ports.js';
import { stop } from './processes.js';

/** One of Apache's own examples (`org.apache.rocketmq.example.*`, 5.5.0) while it runs. Many of them never end. */
export interface RunningExample {
  /** What it has printed so far, standard error too. */
  readonly output: string;
  /** Waits for a line. @throws with all that it printed when the line does not come, or the example ends without it */
  prints(line: RegExp, options?: { readonly timeoutMs?: number }): Promise<RegExpMatchArray>;
  stop(): Promise<void>;
}

/** Where most examples look for a name server, whatever they are told. */
export const EXAMPLES_NAME_SERVER_PORT = 9876;

/** Starts an example by its name below `org.apache.rocketmq.example`: `rpc.RequestProducer`. */
export async function startExample(
  { java, serverClassPath }: JavaRuntime,
  name: string,
  { nameServer = `127.0.0.1:${EXAMPLES_NAME_SERVER_PORT}`, args = [] as readonly string[] } = {},
): Promise<RunningExample> {
  const home = await mkdtemp(join(tmpdir(), 'multistage-example-'));
  await writeLogging(home, ['rmq.client.logback']);
  const options = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Duser.home=${home}`];
  const main = `org.apache.rocketmq.example.${name}`;
  const child = spawn(java, [...options, '-cp', serverClassPath['5.5.0'], main, ...args], {
    env: { ...process.env, ROCKETMQ_HOME: home, NAMESRV_ADDR: nameServer },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return {
    get output() {
      return output;
    },
    async prints(line, { timeoutMs = 30_000 } = {}) {
      const failure = () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}`);
      const seen = async () => line.test(output);
      await waitFor(`${name} prints ${line}`, seen, { timeoutMs, failure }).catch((error: Error) => {
        if (!line.test(output)) throw new Error(`${error.message}\n${output.slice(-4_000)}`);
      });
      return output.match(line) as RegExpMatchArray;
    },
    async stop() {
      await stop(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}
