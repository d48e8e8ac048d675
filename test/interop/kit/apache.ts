import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { isBrokerRegistered } from './cluster-probe.js';
import { type JavaRuntime, writeLogging } from './java.js';
import { accepts, freeNeighbourPorts, waitFor } from './ports.js';
import { stop } from './processes.js';
import type { Target } from './target.js';

/** A running Apache name server with one broker. */
export interface ApacheCluster extends Target {
  close(): Promise<void>;
}

/** What 4.9.7 needs of a JVM with modules. */
const MODULE_OPTIONS = [
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
];

/** Small, with the cheapest collector: other things run beside it. A bench gives it more. */
const SMALL_BROKER = ['-Xms512m', '-Xmx512m', '-XX:MaxDirectMemorySize=512m', '-XX:+UseSerialGC'];

export interface ApacheOptions {
  /** Heap and collector of the broker. Default: small. */
  readonly brokerJvmOptions?: readonly string[];
  /** The broker's data directory. Default: `store` below `home`. */
  readonly store?: string;
  /** Default `apache-a`. */
  readonly brokerName?: string;
  /** Default `ApacheCluster`. */
  readonly clusterName?: string;
}

/** Starts Apache's name server and broker on free loopback ports, with everything they write below `home`. */
export async function startApache(
  runtime: JavaRuntime,
  home: string,
  {
    brokerJvmOptions = SMALL_BROKER,
    store = join(home, 'store'),
    brokerName = 'apache-a',
    clusterName = 'ApacheCluster',
  }: ApacheOptions = {},
): Promise<ApacheCluster> {
  const nameServerPort = await freeNeighbourPorts(1);
  // The broker opens its port, the one two below (VIP channel) and the one above (replication).
  const brokerPort = (await freeNeighbourPorts(4)) + 2;
  await writeLogging(home, ['logback_namesrv', 'logback_broker']);
  const nameServer = new JavaServer(runtime, home, 'namesrv');
  const broker = new JavaServer(runtime, home, 'broker');
  const close = async () => {
    await broker.close();
    await nameServer.close();
  };
  try {
    await nameServer.start(['-Xmx256m', '-XX:+UseSerialGC'], 'org.apache.rocketmq.namesrv.NamesrvStartup', {
      listenPort: nameServerPort,
      kvConfigPath: join(home, 'kv.json'),
    });
    await nameServer.until('it listens', () => accepts(nameServerPort));
    await broker.start([...brokerJvmOptions, ...MODULE_OPTIONS], 'org.apache.rocketmq.broker.BrokerStartup', {
      brokerClusterName: clusterName,
      brokerName,
      brokerId: 0,
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: 'ASYNC_FLUSH',
      brokerIP1: '127.0.0.1',
      listenPort: brokerPort,
      namesrvAddr: `127.0.0.1:${nameServerPort}`,
      storePathRootDir: store,
      autoCreateTopicEnable: true,
      // A machine with two busy cores is no reason for "broker busy".
      waitTimeMillsInSendQueue: 3_000,
      osPageCacheBusyTimeOutMills: 5_000,
    });
    await broker.until('it listens', () => accepts(brokerPort));
    await broker.until('it is registered', () => isBrokerRegistered(nameServerPort, brokerName));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    nameServer: `127.0.0.1:${nameServerPort}`,
    brokerAddress: `127.0.0.1:${brokerPort}`,
    brokerName,
    clusterName,
    close,
  };
}

/** One of Apache's servers as a child process; its output goes to `<name>.out` below `home`. */
class JavaServer {
  readonly #runtime: JavaRuntime;
  readonly #home: string;
  readonly #name: string;
  #child: ChildProcess | undefined;

  constructor(runtime: JavaRuntime, home: string, name: string) {
    this.#runtime = runtime;
    this.#home = home;
    this.#name = name;
  }

  async start(
    jvmOptions: readonly string[],
    mainClass: string,
    config: Readonly<Record<string, string | number | boolean>>,
  ): Promise<void> {
    const configFile = join(this.#home, `${this.#name}.conf`);
    const lines = Object.entries(config).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(configFile, lines.join(''));
    const options = [...jvmOptions, `-Duser.home=${this.#home}`, '-cp', this.#runtime.classPath];
    // Supervised ends the server when its standard input closes: it never outlives this process, however that ends.
    this.#child = spawn(this.#runtime.java, [...options, 'Supervised', mainClass, '-c', configFile], {
      env: { ...process.env, ROCKETMQ_HOME: this.#home, NAMESRV_ADDR: undefined },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.#outputFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.once('close', () => log.end());
    await new Promise<void>((resolve, reject) => {
      this.#child?.once('spawn', resolve).once('error', reject);
    });
    finished(log).catch((error: unknown) => console.error(error));
  }

  async until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const failure = () =>
      this.#child?.exitCode == null ? undefined : `it ended with exit code ${this.#child.exitCode}`;
    try {
      await waitFor(`Apache's ${this.#name}: waiting until ${what}`, probe, { timeoutMs: 90_000, failure });
    } catch (error) {
      const output = await readFile(this.#outputFile, 'utf8').catch(() => '');
      throw new Error(`${(error as Error).message}\n${output.slice(-4_000)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#child !== undefined) await stop(this.#child);
  }

  get #outputFile(): string {
    return join(this.#home, `${this.#name}.out`);
  }
}
