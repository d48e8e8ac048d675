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
  /** Resolves when it has ended by itself, as producers do. */
  ended(): Promise<void>;
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
  const options = [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Duser.home=${home}`],
    `-Drmq.logback.configurationFile=${join(home, 'conf', 'rmq.client.logback.xml')}`,
    // A first rebalance may find nobody, and by itself the next is 20 s later.
    '-Drocketmq.client.rebalance.waitInterval=1000',
  ];
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
    async ended() {
      await waitFor(`${name} ends`, async () => child.exitCode !== null, { timeoutMs: 60_000 }).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${output.slice(-4_000)}`);
        },
      );
    },
    async stop() {
      await stop(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Where a message lies, as examples print results of sends and messages. */
export interface PrintedPlace {
  readonly msgId: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** What an example prints of its sends that were stored. */
export function placesSent({ output }: RunningExample): PrintedPlace[] {
  const sent =
    /^SendResult \[sendStatus=SEND_OK, msgId=(\w+), .*?messageQueue=MessageQueue \[topic=(\S+), brokerName=\S+, queueId=(\d+)\], queueOffset=(\d+)/gm;
  return [...output.matchAll(sent)].map(([, msgId = '', topic = '', queueId, queueOffset]) => ({
    ...{ msgId, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) },
  }));
}

/** What an example prints of the messages that it gets. */
export function placesReceived({ output }: RunningExample): PrintedPlace[] {
  const received =
    /MessageExt \[brokerName=\S+, queueId=(\d+), .*?queueOffset=(\d+), .*?toString\(\)=Message\{topic='(\S+)'.*?UNIQ_KEY=(\w+)/g;
  return [...output.matchAll(received)].map(([, queueId, queueOffset, topic = '', msgId = '']) => ({
    ...{ msgId, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) },
  }));
}
