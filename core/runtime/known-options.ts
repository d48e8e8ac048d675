import { type RocketMQErrorOf, rocketMQError } from '../errors/rocketmq-error.js';
import { closestName } from './closest-name.js';

/** How the options of one thing are checked at its door. */
export interface OptionNames {
  /** What they are of, for the error: `a send`. */
  readonly of: string;
  readonly names: ReadonlySet<string>;
}

/**
 * Refuses what is no object and what has a name that is none of the names: a misspelt option does not go unnoticed, be it of
 * the client or of a plugin. Undefined passes. An
 * option called `signal` has to be one, since it is asked to call back before anything else, and to forget that at the end.
 * @throws RMQ_OPTIONS_INVALID naming the option
 */
export function requireKnown(options: unknown, { of, names }: OptionNames): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null)
    throw invalid('options', `of ${of} have to be an object`, options);
  for (const name in options) {
    if (!names.has(name)) throw unknownOption(of, name, names);
  }
  requireSignal((options as { readonly signal?: unknown }).signal);
}

/** Options by the names that other clients and servers have for them, in lower case. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['topic', 'subscribe'],
  ['topics', 'subscribe'],
  ['brokers', 'nameServers'],
  ['namesrvaddr', 'nameServers'],
  ['clientid', 'instanceName'],
  ['port', 'nameServerPort'],
]);

/** For an option that there is not, with the one that was meant where there is a similar one, else with all. */
export function unknownOption(
  of: string,
  option: string,
  names: Iterable<string>,
): RocketMQErrorOf<'RMQ_OPTIONS_INVALID'> {
  const all = [...names];
  const elsewhere = ELSEWHERE.get(option.toLowerCase());
  const meant = all.find((name) => name === elsewhere) ?? closestName(option, all);
  const help = meant === undefined ? `there are ${all.join(', ')}` : `did you mean ${meant}?`;
  return rocketMQError('RMQ_OPTIONS_INVALID', `${of} has no option ${option}; ${help}`, { option });
}

/** @throws RMQ_OPTIONS_INVALID (option `signal`) unless it is an AbortSignal, of whatever realm, or undefined */
function requireSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') return;
  throw invalid('signal', 'has to be an AbortSignal', signal);
}

/** Time to close, and a signal that ends waiting earlier. @throws RMQ_OPTIONS_INVALID */
export function requireCloseOptions(options: { readonly timeoutMs?: unknown; readonly signal?: unknown }): void {
  requireKnown(options, CLOSE);
  const { timeoutMs } = options;
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return;
  throw invalid('timeoutMs', 'has to be milliseconds from 0', timeoutMs);
}

const CLOSE: OptionNames = { of: 'close', names: new Set(['timeoutMs', 'signal']) };

function invalid(option: string, what: string, value?: unknown): RocketMQErrorOf<'RMQ_OPTIONS_INVALID'> {
  const shown = value === undefined ? '' : `, not ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
  return rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${what}${shown}`, { option });
}
