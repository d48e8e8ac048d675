import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JavaRuntime, toStandardError, writeLogging } from './java.js';
import { waitFor } from './ports.js';
import { stop } from './processes.js';

/** One of Apache's own examples (`org.apache.rocketmq.example.*`, 5.5.0) while it runs. Many of them never end. */
export interface RunningExample {
  /** What it has printed so far. */
  readonly output: string;
  /** What it, and Apache's client in it, complained of. */
  readonly complaints: string;
  /**
   * Whether the machine kept it waiting beyond a limit of its own, most of which are 3 s: what it misses then tells nothing of
   * servers.
   */
  readonly wasLate: boolean;
  /** Whether its main method threw: threads of its client outlive that. */
  readonly hasFailed: boolean;
  /** Everything printed so far that matches, within lines. The same pattern looks at every line that has ended once. */
  found(pattern: RegExp): readonly RegExpMatchArray[];
  /** Waits for a line. @throws with all that it printed when the line does not come, or the example ends without it */
  prints(line: RegExp): Promise<RegExpMatchArray>;
  /** Resolves when it has ended by itself, as producers do. */
  ended(): Promise<void>;
  stop(): Promise<void>;
}

/** Where most examples look for a name server, whatever they are told. */
export const EXAMPLES_NAME_SERVER_PORT = 9876;

const TOO_LATE =
  /Remoting(Timeout|TooMuchRequest|Connect|SendRequest)Exception|RequestTimeoutException|(call|wait response) timeout/i;
const TIMEOUT_MS = 60_000;

/** Starts an example by its name below `org.apache.rocketmq.example`: `rpc.RequestProducer`. */
export async function startExample(
  { java, serverClassPath }: JavaRuntime,
  name: string,
  { nameServer = `127.0.0.1:${EXAMPLES_NAME_SERVER_PORT}`, args = [] as readonly string[] } = {},
): Promise<RunningExample> {
  const home = await mkdtemp(join(tmpdir(), 'multistage-example-'));
  await writeLogging(home, ['rmq.client.logback'], toStandardError);
  const options = [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Duser.home=${home}`],
    `-Drmq.logback.configurationFile=${join(home, 'conf', 'rmq.client.logback.xml')}`,
    // A first rebalance may find nobody, and by itself the next is 20 s later.
    '-Drocketmq.client.rebalance.waitInterval=1000',
  ];
  const main = `org.apache.rocketmq.example.${name}`;
  // Supervised ends it with this process, however that ends.
  const child = spawn(java, [...options, '-cp', serverClassPath['5.5.0'], 'Supervised', main, ...args], {
    env: { ...process.env, ROCKETMQ_HOME: home, NAMESRV_ADDR: nameServer },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  const printed = new PrintedText();
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => printed.add(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk;
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const hasFailed = () => complaints.includes('Exception in thread "main"');
  const until = async (what: string, probe: () => boolean, failure: () => string | undefined) => {
    const options = { timeoutMs: TIMEOUT_MS, failure };
    await waitFor(`${name} ${what}`, async () => probe(), options).catch((error: Error) => {
      if (!probe()) throw new Error(`${error.message}\n${printed.text.slice(-4_000)}\n${complaints.slice(-4_000)}`);
    });
  };
  return {
    get output() {
      return printed.text;
    },
    get complaints() {
      return complaints;
    },
    get wasLate() {
      return TOO_LATE.test(complaints) || TOO_LATE.test(printed.text);
    },
    get hasFailed() {
      return hasFailed();
    },
    found: (pattern) => printed.found(pattern),
    async prints(line) {
      const failure = () => (hasEnded() || hasFailed() ? `it ended with ${child.exitCode}` : undefined);
      await until(`prints ${line}`, () => line.test(printed.text), failure);
      return printed.text.match(line) as RegExpMatchArray;
    },
    async ended() {
      await until('ends', hasEnded, () => (hasFailed() ? 'it failed' : undefined));
    },
    async stop() {
      await stop(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Text that grows, and what was found in its whole lines. */
class PrintedText {
  text = '';
  readonly #found = new Map<RegExp, { until: number; readonly matches: RegExpMatchArray[] }>();

  add(chunk: string): void {
    this.text += chunk;
  }

  found(pattern: RegExp): readonly RegExpMatchArray[] {
    const known = this.#found.get(pattern) ?? { until: 0, matches: [] };
    this.#found.set(pattern, known);
    const end = this.text.lastIndexOf('\n') + 1;
    if (end > known.until) known.matches.push(...this.text.slice(known.until, end).matchAll(pattern));
    known.until = Math.max(known.until, end);
    // Some end no line.
    return [...known.matches, ...this.text.slice(known.until).matchAll(pattern)];
  }
}

const SENT =
  /^SendResult \[sendStatus=SEND_OK, msgId=(\w+), .*?messageQueue=MessageQueue \[topic=(\S+), brokerName=\S+, queueId=(\d+)\], queueOffset=(\d+)/gm;
const RECEIVED =
  /MessageExt \[brokerName=\S+, queueId=(\d+), .*?queueOffset=(\d+), .*?toString\(\)=Message\{topic='(\S+)'.*?UNIQ_KEY=(\w+)/g;

/** Where a message lies, as examples print results of sends and messages. */
export interface PrintedPlace {
  readonly msgId: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** What an example prints of its sends that were stored. */
export function placesSent(example: RunningExample): PrintedPlace[] {
  return example.found(SENT).map(([, msgId = '', topic = '', queueId, queueOffset]) => ({
    ...{ msgId, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) },
  }));
}

/** What an example prints of the messages that it gets. */
export function placesReceived(example: RunningExample): PrintedPlace[] {
  return example.found(RECEIVED).map(([, queueId, queueOffset, topic = '', msgId = '']) => ({
    ...{ msgId, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) },
  }));
}
