import { join } from 'node:path';
import { isBrokerRegistered } from './cluster-probe.js';
import type { ApacheVersion } from './jars.js';
import { type JavaRuntime, writeLogging } from './java.js';
import { JavaServer, type JavaServerSettings } from './java-server.js';
import { accepts, freeNeighbourPorts } from './ports.js';
import { SOON_CHECKED } from './soon-checked.js';
import type { Target } from './target.js';

/** A running Apache name server with one broker. */
export interface ApacheCluster extends Target {
  /** Stops the broker through its shutdown hooks, and the name server. */
  close(): Promise<void>;
  /** Ends both with SIGKILL. */
  kill(): Promise<void>;
  /** Ends the broker with SIGKILL and starts it again where it was. */
  restartBroker(): Promise<void>;
}

/** One of Apache's servers that can go and come back where it was. */
export interface ApacheServer {
  /** `ip:port` */
  readonly address: string;
  /** Starts it, for the first time or again, and resolves when it serves. */
  start(): Promise<void>;
  close(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

/** What Apache's broker needs of a JVM with modules. */
const MODULE_OPTIONS = [
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
];

/** For what lives for seconds and has others beside it: the cheapest collector, no optimising compiler. */
const SHORT_LIVED = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** A bench gives it more. */
const SMALL_BROKER = ['-Xms512m', '-Xmx512m', '-XX:MaxDirectMemorySize=512m', ...SHORT_LIVED];

export interface ApacheNameServerOptions {
  /** Default `4.9.7`. */
  readonly version?: ApacheVersion;
  /** Name of its files below `home`. Default `namesrv`. */
  readonly name?: string;
  /** `name=value`. */
  readonly systemProperties?: readonly string[];
}

export interface ApacheBrokerOptions {
  /** Default `4.9.7`. */
  readonly version?: ApacheVersion;
  /** Heap and collector of the broker. Default: small. */
  readonly brokerJvmOptions?: readonly string[];
  /** The broker's data directory. Default: `store` below `home`. */
  readonly store?: string;
  /** Default `apache-a`. */
  readonly brokerName?: string;
  /** Default `ApacheCluster`. */
  readonly clusterName?: string;
  /** Further settings of the broker, by Apache's names. */
  readonly brokerConfig?: Readonly<Record<string, string | number | boolean>>;
  /** `name=value`; of the broker and, with startApache, of the name server too. */
  readonly systemProperties?: readonly string[];
}

/** Starts Apache's name server and broker on free loopback ports, with everything they write below `home`. */
export async function startApache(
  runtime: JavaRuntime,
  home: string,
  options: ApacheBrokerOptions = {},
): Promise<ApacheCluster> {
  const { version = '4.9.7', systemProperties = [], brokerName = 'apache-a', clusterName = 'ApacheCluster' } = options;
  const nameServer = await apacheNameServer(runtime, home, { version, systemProperties });
  const broker = await apacheBroker(runtime, home, [nameServer.address], options);
  // A name server has nothing to write down, and 5.x takes seconds to stop one.
  const close = async () => {
    await broker.close();
    await nameServer.kill();
  };
  try {
    await nameServer.start();
    await broker.start();
  } catch (error) {
    await close();
    throw error;
  }
  const kill = async () => {
    await broker.kill();
    await nameServer.kill();
  };
  const restartBroker = async () => {
    await broker.kill();
    await broker.start();
  };
  const { address: brokerAddress } = broker;
  return { nameServer: nameServer.address, brokerAddress, brokerName, clusterName, close, kill, restartBroker };
}

/** Apache's name server on a free loopback port that stays its own; not started yet. */
export async function apacheNameServer(
  runtime: JavaRuntime,
  home: string,
  { version = '4.9.7', name = 'namesrv', systemProperties = [] }: ApacheNameServerOptions = {},
): Promise<ApacheServer> {
  const port = await freeNeighbourPorts(1);
  const server = await javaServer(runtime, home, name, 'logback_namesrv', {
    version,
    mainClass: 'org.apache.rocketmq.namesrv.NamesrvStartup',
    jvmOptions: ['-Xmx256m', ...SHORT_LIVED, ...definitions(systemProperties)],
    config: { listenPort: port, kvConfigPath: join(home, `${name}.kv.json`) },
  });
  return {
    address: `127.0.0.1:${port}`,
    start: async () => {
      await server.start();
      await server.until('it listens', () => accepts(port));
    },
    close: () => server.close(),
    kill: () => server.kill(),
    signal: (signal) => server.signal(signal),
  };
}

/** Apache's broker on free loopback ports that stay its own; not started yet. */
export async function apacheBroker(
  runtime: JavaRuntime,
  home: string,
  nameServers: readonly string[],
  {
    version = '4.9.7',
    brokerJvmOptions = SMALL_BROKER,
    store = join(home, 'store'),
    brokerName = 'apache-a',
    clusterName = 'ApacheCluster',
    brokerConfig = {},
    systemProperties = [],
  }: ApacheBrokerOptions = {},
): Promise<ApacheServer> {
  // The broker opens its port, the one two below (VIP channel) and the one above (replication).
  const port = (await freeNeighbourPorts(4)) + 2;
  const broker = await javaServer(runtime, home, `broker-${brokerName}`, 'logback_broker', {
    version,
    mainClass: 'org.apache.rocketmq.broker.BrokerStartup',
    jvmOptions: [...brokerJvmOptions, ...MODULE_OPTIONS, ...definitions(systemProperties)],
    config: {
      brokerClusterName: clusterName,
      brokerName,
      brokerId: 0,
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: 'ASYNC_FLUSH',
      brokerIP1: '127.0.0.1',
      listenPort: port,
      namesrvAddr: nameServers.join(';'),
      storePathRootDir: store,
      autoCreateTopicEnable: true,
      // A machine with two busy cores is no reason for "broker busy".
      waitTimeMillsInSendQueue: 3_000,
      osPageCacheBusyTimeOutMills: 5_000,
      // Until it has passed once, 5.x looks at the clock without a pause and takes a processor for itself.
      transactionMetricFlushInterval: 100,
      ...SOON_CHECKED,
      ...brokerConfig,
    },
  });
  const isRegistered = async () => {
    const known = nameServers.map((nameServer) => isBrokerRegistered(Number(nameServer.split(':')[1]), brokerName));
    return (await Promise.all(known)).includes(true);
  };
  return {
    address: `127.0.0.1:${port}`,
    start: async () => {
      await broker.start();
      await broker.until('it listens', () => accepts(port));
      await broker.until('it is registered', isRegistered);
    },
    close: () => broker.close(),
    kill: () => broker.kill(),
    signal: (signal) => broker.signal(signal),
  };
}

function definitions(systemProperties: readonly string[]): string[] {
  return systemProperties.map((property) => `-D${property}`);
}

async function javaServer(
  runtime: JavaRuntime,
  home: string,
  name: string,
  logging: string,
  { jvmOptions, ...settings }: JavaServerSettings,
): Promise<JavaServer> {
  await writeLogging(home, [logging]);
  // 4.9 finds the file by its name below ROCKETMQ_HOME; 5.x has to be told.
  const told = `-Drmq.logback.configurationFile=${join(home, 'conf', `${logging}.xml`)}`;
  return new JavaServer(runtime, home, name, { ...settings, jvmOptions: [...jvmOptions, told] });
}
