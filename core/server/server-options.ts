import { rocketMQError } from '../errors/rocketmq-error.js';
import { groupProblem } from '../message/message-rules.js';
import { parseAddress } from '../remoting/address.js';
import { tlsContext } from '../remoting/tls/tls-context.js';
import {
  clientTlsProblem,
  type ServerTlsOptions,
  serverTlsProblem,
  type TlsOptions,
} from '../remoting/tls/tls-options.js';
import type { Transport } from '../remoting/transport.js';
import type { Clock } from '../runtime/clock.js';
import { guardedLogger } from '../runtime/guarded-logger.js';
import { unknownOption } from '../runtime/known-options.js';
import type { Logger } from '../runtime/logger.js';
import type { StoreFiles } from './store/files/store-files.js';
import { checkStoreOptions, type StoreOptions } from './store/store-options.js';
import { optionThatStaysHere } from './worker/worker-options.js';

/** When the store flushes, its sizes and intervals, under Apache's names, and where its files are. */
export interface StoreSettings extends StoreOptions {
  /** Default: the file system. */
  readonly files?: StoreFiles;
}

/** What a server can be told. Where Apache's broker has the same setting it has that name and default. */
export interface ServerOptions {
  /** The data directory; made when missing, in Apache's own layout. Needed unless the store is in memory. */
  readonly dir?: string;
  /** Address to listen on. Default `127.0.0.1`; anything else serves whoever reaches it. */
  readonly host?: string;
  /** 0 for the port this directory had last, or any that is free. Default 9876; of `embedded` 0. */
  readonly nameServerPort?: number;
  /** 0 as above. Default 10911; of `embedded` 0. */
  readonly brokerPort?: number;
  /**
   * Whether the broker listens two ports below too, 10909 beside 10911: there clients with `vipChannelEnabled` send.
   * Default false; Apache's brokers always do.
   */
  readonly vipPort?: boolean;
  /** Default `DefaultCluster`. */
  readonly cluster?: string;
  /** Default `broker-a`. */
  readonly brokerName?: string;
  /** Host or address that clients are told to connect to. Default: `host`, or this machine's own address where that is a wildcard. */
  readonly advertisedHost?: string;
  /** Starts no name server but registers with these: `host:port;host:port`, or an array. */
  readonly nameServers?: string | readonly string[];
  /**
   * Name servers beside its own that the broker registers with, written as `nameServers`: servers that name each other
   * stand in for each other, each with a `brokerName` of its own. Not with `nameServers`. Default none.
   */
  readonly registerWith?: string | readonly string[];
  /**
   * TLS on both ports: options of Node's `tls.createServer` (`cert`, `key`, `ca`, `requestCert` …), and `mode`. A
   * connection's first byte tells whether it is TLS. Default: plain connections only.
   */
  readonly tls?: ServerTlsOptions;
  /** TLS to the name servers of `nameServers` and `registerWith`: `true`, or options of Node's `tls.connect`. Default false. */
  readonly nameServerTls?: boolean | TlsOptions;
  /**
   * Whether the server gets a thread of its own, so that it goes on when the application keeps its event loop busy.
   * `transport`, `clock` and `store.files` cannot go there. Default false.
   */
  readonly worker?: boolean;
  /** Default TCP. */
  readonly transport?: Transport;
  readonly clock?: Clock;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** `memory` forgets with the process. Default: files in `dir`, in Apache's default sizes. */
  readonly store?: 'memory' | StoreSettings;
  /** Whether a send may create its topic. Default true. */
  readonly autoCreateTopicEnable?: boolean;
  /** Whether use of an unknown consumer group creates it. Default true. */
  readonly autoCreateSubscriptionGroup?: boolean;
  /** Queues of the template that such topics are made from. Default 8; a client asks for 4 of them. */
  readonly defaultTopicQueueNums?: number;
  /** Bits: 4 read, 2 write. Default 6. */
  readonly brokerPermission?: number;
  /** Whether routes carry the order configuration of their topic. Default false. */
  readonly orderMessageEnable?: boolean;
  /** Sends are refused before this moment, milliseconds since 1970. Default 0. */
  readonly startAcceptSendRequestTimeStamp?: number;
  /** Whether replies are stored in their topic beside being pushed to who waits for them. Default true. */
  readonly storeReplyMessageEnable?: boolean;
  /** Whether messages of transactions are refused. Default false. */
  readonly rejectTransactionMessage?: boolean;
  /** How often producers are asked about transactions that they did not end, in milliseconds. Default 60,000. */
  readonly transactionCheckInterval?: number;
  /** How old a half message is before its producer is asked about it, in milliseconds. Default 6,000. */
  readonly transactionTimeOut?: number;
  /** How often a producer is asked about one before it is discarded, to the topic TRANS_CHECK_MAX_TIME_TOPIC. Default 15. */
  readonly transactionCheckMax?: number;
  /** Whether messages may be timed to an instant, as Apache 5.x does it. Default true. */
  readonly timerWheelEnable?: boolean;
  /** How far away that may be, in seconds. Default 259,200, three days. */
  readonly timerMaxDelaySec?: number;
  /** Whether producers may take such messages back. Default true; of Apache 5.x false. */
  readonly recallMessageEnable?: boolean;
  /** What answers name as the region; traces carry it. Default `DefaultRegion`. */
  readonly regionId?: string;
  /** Whether answers ask clients that trace to do so. Default true. */
  readonly traceOn?: boolean;
  /** Whether the topic of traces exists from the start, with one queue; else the first trace creates it. Default false. */
  readonly traceTopicEnable?: boolean;
  /** Pulls held at one time, and as many pops; one more is answered at once. Default 20,000. */
  readonly heldPullsMax?: number;
  /** Connections at one time to each port; more are closed as they come. Default 10,000. */
  readonly connectionsMax?: number;
  /** Largest frame in bytes. Default 16 MiB. */
  readonly frameSizeBytesMax?: number;
}

/** The same, checked, with defaults filled in. */
export interface ResolvedServerOptions {
  readonly dir: string;
  readonly host: string;
  readonly nameServerPort: number;
  readonly brokerPort: number;
  readonly vipPort: boolean;
  readonly cluster: string;
  readonly brokerName: string;
  readonly advertisedHost: string | undefined;
  /** Undefined: one of its own. */
  readonly nameServers: readonly string[] | undefined;
  readonly registerWith: readonly string[];
  readonly tls: ServerTlsOptions | undefined;
  readonly nameServerTls: boolean | TlsOptions;
  readonly worker: boolean;
  readonly transport: Transport | undefined;
  readonly clock: Clock | undefined;
  readonly logger: Logger | undefined;
  readonly store: 'memory' | StoreSettings;
  readonly orderMessageEnable: boolean;
  readonly connectionsMax: number | undefined;
  readonly frameSizeBytesMax: number | undefined;
  /** What goes to the broker as it is, where it was set. */
  readonly broker: Pick<ServerOptions, (typeof BROKER_OPTIONS)[number]>;
}

const BROKER_OPTIONS = [
  'autoCreateTopicEnable',
  'autoCreateSubscriptionGroup',
  'defaultTopicQueueNums',
  'brokerPermission',
  'startAcceptSendRequestTimeStamp',
  'storeReplyMessageEnable',
  'timerWheelEnable',
  'timerMaxDelaySec',
  'recallMessageEnable',
  'regionId',
  'traceOn',
  'traceTopicEnable',
  'heldPullsMax',
  'rejectTransactionMessage',
  'transactionCheckInterval',
  'transactionTimeOut',
  'transactionCheckMax',
] as const;

type Check = (value: unknown, option: string) => void;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const boolean: Check = (value, option) => {
  if (typeof value !== 'boolean') throw invalid(option, 'true or false', value);
};

const between =
  (low: number, high: number): Check =>
  (value, option) => {
    if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
      throw invalid(option, `a whole number from ${low} to ${high}`, value);
    }
  };

const text: Check = (value, option) => {
  if (typeof value !== 'string' || value.trim() === '') throw invalid(option, 'text', value);
};

const host: Check = (value, option) => {
  if (typeof value !== 'string' || value === '' || /[\s/]/.test(value))
    throw invalid(option, 'a host name or IP address', value);
};

/** Clusters and brokers are topics as well. */
const topicName: Check = (value, option) => {
  if (typeof value !== 'string' || value.length > 127 || groupProblem(value) !== undefined) {
    throw invalid(option, '1 to 127 of the characters %|a-zA-Z0-9_-', value);
  }
};

const having =
  (what: string, ...methods: string[]): Check =>
  (value, option) => {
    const fits = isObject(value) && methods.every((method) => typeof value[method] === 'function');
    if (!fits) throw invalid(option, `${what} with ${methods.join(', ')}`, value);
  };

const CHECKS: { readonly [K in keyof Required<ServerOptions>]: Check } = {
  dir: text,
  host,
  nameServerPort: between(0, 65_535),
  brokerPort: between(0, 65_535),
  vipPort: boolean,
  cluster: topicName,
  brokerName: topicName,
  advertisedHost: host,
  nameServers: (value, option) => void nameServerList(value, option),
  registerWith: (value, option) => void nameServerList(value, option),
  tls: (value, option) => tlsOptions(value, option, serverTlsProblem(value)),
  nameServerTls: (value, option) => tlsOptions(value, option, clientTlsProblem(value)),
  worker: boolean,
  transport: having('a transport', 'connect', 'listen'),
  clock: having('a clock', 'now', 'monotonic', 'setTimer'),
  logger: having('a logger', 'debug', 'info', 'warn', 'error'),
  store: (value, option) => {
    if (value === 'memory') return;
    if (!isObject(value)) throw invalid(option, "'memory' or the settings of a store", value);
    const { files, ...settings } = value;
    if (files !== undefined) having('store files', 'open', 'create', 'lock')(files, 'store.files');
    checkStoreOptions(settings);
  },
  autoCreateTopicEnable: boolean,
  autoCreateSubscriptionGroup: boolean,
  defaultTopicQueueNums: between(1, 65_536),
  brokerPermission: between(0, 7),
  orderMessageEnable: boolean,
  startAcceptSendRequestTimeStamp: between(0, Number.MAX_SAFE_INTEGER),
  storeReplyMessageEnable: boolean,
  timerWheelEnable: boolean,
  timerMaxDelaySec: between(1, 2_147_483),
  recallMessageEnable: boolean,
  regionId: topicName,
  traceOn: boolean,
  traceTopicEnable: boolean,
  heldPullsMax: between(0, 10_000_000),
  rejectTransactionMessage: boolean,
  transactionCheckInterval: between(1, 2_147_483_647),
  transactionTimeOut: between(0, 2_147_483_647),
  transactionCheckMax: between(1, 2_147_483_647),
  connectionsMax: between(1, 10_000_000),
  frameSizeBytesMax: between(1024, 2_147_483_647),
};

/**
 * Checks options by name and fills in the defaults.
 * @throws RMQ_OPTIONS_INVALID naming the option, also for one that does not exist
 */
export function resolveServerOptions(
  options: ServerOptions,
  ports: { readonly nameServerPort: number; readonly brokerPort: number },
): ResolvedServerOptions {
  if (!isObject(options as unknown)) throw noOptions(options);
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, option)) throw unknownOption('a server', option, Object.keys(CHECKS));
    if (value !== undefined) CHECKS[option as keyof ServerOptions](value, option);
  }
  const encrypted = options.tls === undefined ? options.nameServerTls : options.tls;
  if (encrypted && options.transport !== undefined) {
    throw invalid('tls', 'no transport beside it: that one encrypts or does not', encrypted);
  }
  const stays = options.worker === true ? optionThatStaysHere(options) : undefined;
  if (stays !== undefined) throw invalid(stays, 'nothing that cannot go to another thread, with worker', '');
  const { store = {}, dir, nameServers, registerWith, vipPort = false } = options;
  if (nameServers !== undefined && registerWith !== undefined) {
    throw invalid('registerWith', 'nothing beside nameServers, which has all of them', registerWith);
  }
  const brokerPort = options.brokerPort ?? ports.brokerPort;
  if (vipPort && brokerPort !== 0 && brokerPort < 3)
    throw invalid('brokerPort', '0 or from 3 with vipPort', brokerPort);
  if (dir === undefined && store !== 'memory') throw invalid('dir', "a directory, or store: 'memory'", dir);
  const broker = Object.fromEntries(
    BROKER_OPTIONS.filter((option) => options[option] !== undefined).map((option) => [option, options[option]]),
  );
  return {
    dir: dir ?? '/memory',
    host: options.host ?? '127.0.0.1',
    nameServerPort: options.nameServerPort ?? ports.nameServerPort,
    brokerPort,
    vipPort,
    cluster: options.cluster ?? 'DefaultCluster',
    brokerName: options.brokerName ?? 'broker-a',
    advertisedHost: options.advertisedHost,
    nameServers: nameServers === undefined ? undefined : nameServerList(nameServers, 'nameServers'),
    registerWith: registerWith === undefined ? [] : nameServerList(registerWith, 'registerWith'),
    tls: options.tls,
    nameServerTls: options.nameServerTls ?? false,
    worker: options.worker ?? false,
    transport: options.transport,
    clock: options.clock,
    logger: options.logger && guardedLogger(options.logger),
    store,
    orderMessageEnable: options.orderMessageEnable ?? false,
    connectionsMax: options.connectionsMax,
    frameSizeBytesMax: options.frameSizeBytesMax,
    broker,
  };
}

/** Certificates and keys are read here once, so that nothing starts with a pair that does not fit. */
function tlsOptions(value: unknown, option: string, problem: string | undefined): void {
  if (problem !== undefined) throw invalid(option, problem, value);
  if (isObject(value)) tlsContext(value, option);
}

function nameServerList(value: unknown, option: string): readonly string[] {
  const entries: readonly unknown[] = typeof value === 'string' ? value.split(';') : Array.isArray(value) ? value : [];
  const addresses = entries
    .map((entry) => (typeof entry === 'string' ? entry.trim() : ''))
    .filter((entry) => entry !== '');
  if (addresses.length === 0 || !addresses.every((address) => parseAddress(address) !== undefined)) {
    throw invalid(option, "'host:port;host:port' or an array of 'host:port'", value);
  }
  return addresses;
}

function invalid(option: string, expected: string, got: unknown) {
  const shown = typeof got === 'string' ? JSON.stringify(got.slice(0, 200)) : String(got);
  return rocketMQError('RMQ_OPTIONS_INVALID', `option ${option}: expected ${expected}, got ${shown}`, { option });
}

function noOptions(given: unknown) {
  const words = `a server takes options, such as { dir: './data' }, not ${typeof given === 'string' ? JSON.stringify(given) : String(given)}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'options' });
}
