import { rocketMQError } from '../errors/rocketmq-error.js';
import { unknownOption } from '../runtime/known-options.js';
import type { ServerOptions } from '../server/server-options.js';

/** What a kit decides itself. */
const DECIDED = [
  'dir',
  'store',
  'worker',
  'transport',
  'clock',
  'nameServers',
  'nameServerPort',
  'brokerPort',
  'host',
] as const satisfies (keyof ServerOptions)[];
type Decided = (typeof DECIDED)[number];

/** How a kit is made. Nothing is required. */
export interface TestKitOptions {
  /**
   * How clients reach the server. `memory`: without sockets, for clients of this process. `tcp`: on free ports of
   * 127.0.0.1, for clients of any language too. Default `memory`.
   */
  readonly transport?: 'memory' | 'tcp';
  /** What the kit's clock shows at first: a Date, or milliseconds since 1970. Default: what the machine's clock shows. */
  readonly now?: Date | number;
  /** Whether time passes as it does outside, until `kit.clock.stop()`. Default false: it stands still until it is advanced. */
  readonly running?: boolean;
  /** How long `close` and `reset` wait for the handlers of clients that the kit made, in real time. Default 1,000. */
  readonly closeTimeoutMs?: number;
  /** Further options of the server, such as `autoCreateTopicEnable: false`. */
  readonly server?: Omit<ServerOptions, Decided>;
}

export interface ResolvedKitOptions {
  readonly transport: 'memory' | 'tcp';
  readonly nowMs: number;
  readonly running: boolean;
  readonly closeTimeoutMs: number;
  readonly server: Omit<ServerOptions, Decided>;
}

const OPTIONS = ['transport', 'now', 'running', 'closeTimeoutMs', 'server'];

/** @throws RMQ_OPTIONS_INVALID naming the option, also for one that does not exist */
export function resolveKitOptions(options: TestKitOptions, machineNowMs: number): ResolvedKitOptions {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options);
  for (const option of Object.keys(options)) {
    if (!OPTIONS.includes(option)) throw unknownOption('a test kit', option, OPTIONS);
  }
  const { transport = 'memory', now = machineNowMs, running = false, closeTimeoutMs = 1_000, server = {} } = options;
  if (transport !== 'memory' && transport !== 'tcp') throw invalid('transport', "'memory' or 'tcp'", transport);
  // Not by `instanceof`: under Jest a Date may be of another realm.
  const nowMs = Number(now);
  if (!Number.isSafeInteger(nowMs) || nowMs < 0) throw invalid('now', 'a Date or whole milliseconds since 1970', now);
  if (typeof running !== 'boolean') throw invalid('running', 'true or false', running);
  if (!(closeTimeoutMs >= 0)) throw invalid('closeTimeoutMs', 'milliseconds from 0', closeTimeoutMs);
  if (typeof server !== 'object' || server === null) throw invalid('server', 'options of a server', server);
  for (const option of DECIDED) {
    if (Object.hasOwn(server, option))
      throw invalid(`server.${option}`, 'none, the kit decides it', server[option as never]);
  }
  return { transport, nowMs, running, closeTimeoutMs, server };
}

function invalid(option: string, expected: string, got: unknown): Error {
  const words = `test kit option ${option}: expected ${expected}, got ${String(got)}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', words, { option });
}
