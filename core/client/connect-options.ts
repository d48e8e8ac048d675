import { rocketMQError } from '../errors/rocketmq-error.js';
import type { Plugin } from '../plugin/plugin.js';
import { tlsContext } from '../remoting/tls/tls-context.js';
import { clientTlsProblem, type TlsOptions } from '../remoting/tls/tls-options.js';
import type { Transport } from '../remoting/transport.js';
import { parseNameServerList } from '../routing/name-server-list.js';
import type { ResolveAddress } from '../routing/resolve-address.js';
import type { Clock } from '../runtime/clock.js';
import { guardedLogger } from '../runtime/guarded-logger.js';
import { unknownOption } from '../runtime/known-options.js';
import type { Logger } from '../runtime/logger.js';
import type { ClusterSource } from './cluster-source.js';

/** How headers of requests are written. Both are understood by every Apache server since 4.0. */
export type HeaderEncoding = 'json' | 'rocketmq';

/**
 * What `connect` can be told. Servers come from the first of `cluster`, `nameServers`, the environment variable
 * NAMESRV_ADDR and `addressServer`. Matches Apache's ClientConfig where names are the same.
 */
export interface ConnectOptions {
  /** Servers that start with this client, such as `embedded()`. */
  readonly cluster?: ClusterSource;
  /** `host:port;host:port`, or an array of `host:port`. */
  readonly nameServers?: string | readonly string[];
  /** `http://host:port/rocketmq/nsaddr`: an HTTP server that names the name servers. */
  readonly addressServer?: string;
  /** In the order in which they are set up. */
  readonly plugins?: readonly Plugin[];
  /** How this client calls itself in its client id. Default: the first address of this machine that others can see. */
  readonly clientIP?: string;
  /** Second part of the client id. Default unique; two clients with the same id disturb each other. */
  readonly instanceName?: string;
  /** Third part of the client id, and appended to `addressServer`. */
  readonly unitName?: string;
  /** Marks topics that are created by sending, and groups, as of a unit. Default false. */
  readonly unitMode?: boolean;
  /** Default `json`. */
  readonly headerEncoding?: HeaderEncoding;
  /** Hears of what happens in the background, such as a handler that threw: `consoleLogger()`, or one of your own. Default: silent. */
  readonly logger?: Logger;
  /** Default: that of the `cluster`, if it has one, else the machine's. */
  readonly clock?: Clock;
  /** Where this client reaches what brokers advertise. */
  readonly resolveAddress?: ResolveAddress;
  /** Whether sends go to the brokers' VIP port, two below the usual one. Default false. */
  readonly vipChannelEnabled?: boolean;
  /**
   * TLS to name servers and brokers alike: `true`, or options of Node's `tls.connect` (`ca`, `cert`, `key`, `servername`,
   * `rejectUnauthorized` …). Certificates are checked unless told otherwise. Default false.
   */
  readonly tls?: boolean | TlsOptions;
  /** Default: TCP. */
  readonly transport?: Transport;
  /** How often routes of topics in use are asked for again. Default 30,000. */
  readonly pollNameServerIntervalMs?: number;
  /** How often brokers hear of this client. Default 30,000; they forget it after 120,000. */
  readonly heartbeatIntervalMs?: number;
  /** How often the address server is asked again. Default 120,000. */
  readonly addressServerIntervalMs?: number;
  /** For making one connection. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** For one request that has no time-out of its own. Default 3,000. */
  readonly requestTimeoutMs?: number;
  /** Largest frame that is accepted. Default 16,777,216 (16 MiB). */
  readonly frameSizeBytesMax?: number;
  /** For each step (setup, onStart, onStop) of each plugin. Default 10,000. */
  readonly pluginTimeoutMs?: number;
}

/** How the name servers are found. */
export type NameServerSource =
  | { readonly kind: 'cluster'; readonly cluster: ClusterSource }
  | { readonly kind: 'list'; readonly addresses: readonly string[] }
  | { readonly kind: 'address server'; readonly url: string }
  | { readonly kind: 'missing' };

/** The same, checked, with defaults filled in; what stays undefined is decided by whoever composes the client. */
export interface ResolvedConnectOptions {
  readonly source: NameServerSource;
  readonly plugins: readonly Plugin[];
  readonly clientIP: string | undefined;
  readonly instanceName: string | undefined;
  readonly unitName: string | undefined;
  readonly unitMode: boolean;
  readonly headerEncoding: HeaderEncoding;
  readonly logger: Logger | undefined;
  readonly clock: Clock | undefined;
  readonly resolveAddress: ResolveAddress | undefined;
  readonly vipChannelEnabled: boolean;
  readonly tls: boolean | TlsOptions;
  readonly transport: Transport | undefined;
  readonly pollNameServerIntervalMs: number;
  readonly heartbeatIntervalMs: number;
  readonly addressServerIntervalMs: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly frameSizeBytesMax: number;
  readonly pluginTimeoutMs: number;
}

type Check = (value: unknown, option: string) => void;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const boolean: Check = (value, option) => {
  if (typeof value !== 'boolean') throw invalid(option, 'true or false', value);
};

/** Part of a client id, which is split at `@`. */
const idPart: Check = (value, option) => {
  if (typeof value !== 'string' || !/^[^\s@]{1,255}$/.test(value)) {
    throw invalid(option, 'text of 1 to 255 characters without blanks and @', value);
  }
};

const milliseconds: Check = (value, option) => wholeNumber(value, option, 1, 2_147_483_647);

const having =
  (what: string, ...methods: string[]): Check =>
  (value, option) => {
    const fits = isObject(value) && methods.every((method) => typeof value[method] === 'function');
    if (!fits) throw invalid(option, `${what}, with ${methods.join(', ')}`, value);
  };

const CHECKS: { readonly [K in keyof Required<ConnectOptions>]: Check } = {
  cluster: having("a cluster such as embedded({ dir: './data' })", 'start'),
  nameServers: (value, option) => {
    const fits =
      typeof value === 'string' || (Array.isArray(value) && value.every((entry) => typeof entry === 'string'));
    if (!fits) throw invalid(option, "'host:port;host:port' or an array of 'host:port'", value);
  },
  addressServer: (value, option) => {
    if (typeof value !== 'string' || !/^https?:\/\/\S+$/.test(value) || !URL.canParse(value)) {
      throw invalid(option, 'an http:// or https:// address', value);
    }
  },
  plugins: (value, option) => {
    if (!Array.isArray(value)) throw invalid(option, 'an array of plugins', value);
  },
  clientIP: idPart,
  instanceName: idPart,
  unitName: idPart,
  unitMode: boolean,
  headerEncoding: (value, option) => {
    if (value !== 'json' && value !== 'rocketmq') throw invalid(option, "'json' or 'rocketmq'", value);
  },
  logger: having('a logger', 'debug', 'info', 'warn', 'error'),
  clock: having('a clock', 'now', 'monotonic', 'setTimer'),
  resolveAddress: (value, option) => {
    const table = isObject(value) && Object.values(value).every((entry) => typeof entry === 'string' && entry !== '');
    if (typeof value !== 'function' && !table) throw invalid(option, 'a function, or an object of addresses', value);
  },
  vipChannelEnabled: boolean,
  tls: (value, option) => {
    const problem = clientTlsProblem(value);
    if (problem !== undefined) throw invalid(option, problem, value);
    if (isObject(value)) tlsContext(value, option);
  },
  transport: having('a transport', 'connect'),
  pollNameServerIntervalMs: milliseconds,
  heartbeatIntervalMs: milliseconds,
  addressServerIntervalMs: milliseconds,
  connectTimeoutMs: milliseconds,
  requestTimeoutMs: milliseconds,
  frameSizeBytesMax: (value, option) => wholeNumber(value, option, 1024, 2_147_483_647),
  pluginTimeoutMs: milliseconds,
};

/**
 * Checks options by name and fills in the defaults.
 * @throws RMQ_OPTIONS_INVALID naming the option, also for one that does not exist
 */
export function resolveConnectOptions(
  options: ConnectOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ResolvedConnectOptions {
  if (!isObject(options as unknown)) throw noOptions(options);
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, option)) throw unknownOption('connect', option, Object.keys(CHECKS));
    if (value !== undefined) CHECKS[option as keyof ConnectOptions](value, option);
  }
  if (options.tls && options.transport !== undefined) {
    throw invalid('tls', 'no transport beside it: that one encrypts or does not', options.tls);
  }
  return {
    source: sourceOf(options, environment),
    plugins: options.plugins ?? [],
    clientIP: options.clientIP,
    instanceName: options.instanceName,
    unitName: options.unitName,
    unitMode: options.unitMode ?? false,
    headerEncoding: options.headerEncoding ?? 'json',
    logger: options.logger && guardedLogger(options.logger),
    clock: options.clock ?? options.cluster?.clock,
    resolveAddress: options.resolveAddress,
    vipChannelEnabled: options.vipChannelEnabled ?? false,
    tls: options.tls ?? false,
    transport: options.transport,
    pollNameServerIntervalMs: options.pollNameServerIntervalMs ?? 30_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 30_000,
    addressServerIntervalMs: options.addressServerIntervalMs ?? 120_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 3000,
    requestTimeoutMs: options.requestTimeoutMs ?? 3000,
    frameSizeBytesMax: options.frameSizeBytesMax ?? 16_777_216,
    pluginTimeoutMs: options.pluginTimeoutMs ?? 10_000,
  };
}

function sourceOf(
  options: ConnectOptions,
  environment: Readonly<Record<string, string | undefined>>,
): NameServerSource {
  if (options.cluster !== undefined) return { kind: 'cluster', cluster: options.cluster };
  if (options.nameServers !== undefined) {
    return { kind: 'list', addresses: parseNameServerList(options.nameServers, 'nameServers') };
  }
  const variable = environment.NAMESRV_ADDR?.trim();
  if (variable) return { kind: 'list', addresses: parseNameServerList(variable, 'NAMESRV_ADDR') };
  if (options.addressServer !== undefined) return { kind: 'address server', url: options.addressServer };
  return { kind: 'missing' };
}

function wholeNumber(value: unknown, option: string, least: number, most: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(option, `a whole number from ${least} to ${most}`, value);
}

function invalid(option: string, expected: string, value: unknown): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `connect option ${option}: expected ${expected}, got ${shown(value)}`, {
    option,
  });
}

function noOptions(given: unknown): Error {
  const words = `connect takes options, such as { nameServers: '127.0.0.1:9876' }, not ${shown(given)}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'options' });
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return isObject(value) ? 'an object' : (JSON.stringify(value) ?? String(value));
}
