import { rocketMQError } from '../errors/rocketmq-error.js';
import { requireOrder } from '../pipeline/gap-order.js';
import { isBytes } from '../runtime/is-bytes.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { Token } from '../runtime/token.js';
import type { BindOptions, Part } from './part.js';

/** What takes part in deliveries, as a plugin gives it. */
interface Attachable {
  readonly order?: unknown;
  readonly create?: unknown;
}

const ATTACHMENT = ['order', 'create'];
const PART = ['value', 'create', 'type'] as const;
const BIND: OptionNames = { of: 'host.bind', names: new Set(['producers'] satisfies (keyof BindOptions)[]) };

/** What would else fail at the first message that comes by, under nobody's name. @throws RMQ_OPTIONS_INVALID naming the door */
export function requireFunction(door: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(door, 'takes a function', value);
}

/** @throws RMQ_OPTIONS_INVALID naming the door and the option */
export function requireAttachment(door: string, given: Attachable): void {
  if (typeof given !== 'object' || given === null) throw invalid(door, 'takes an object with create', given);
  requireKnown(given, { of: `host.${door}`, names: new Set(ATTACHMENT) });
  requireFunction(`${door}.create`, given.create);
  requireOrder(door, given.order);
}

/** @throws RMQ_OPTIONS_INVALID */
export function requirePhase(phase: unknown): void {
  if (phase === 'decorate' || phase === 'sign') return;
  throw invalid('interceptRequest', `takes 'decorate' or 'sign'`, phase);
}

/** @throws RMQ_OPTIONS_INVALID */
export function requireRequestCode(code: unknown): void {
  if (!Number.isInteger(code)) throw invalid('handle', 'takes the number of a request code', code);
}

/** @throws RMQ_OPTIONS_INVALID for what is no token, for a part that says not just one way to get it, and for unknown options */
export function requireBinding(token: Token<unknown>, part: Part<unknown>, options: BindOptions): void {
  if (typeof token !== 'symbol') throw invalid('bind', 'takes a token', token);
  requireKnown(options, BIND);
  const given: object = typeof part === 'object' && part !== null ? part : {};
  const ways = PART.filter((way) => way in given);
  const [way] = ways;
  if (way === undefined || ways.length > 1)
    throw invalid('bind', 'takes a part { value }, { create } or { type }', part);
  if (way !== 'value') requireFunction(`bind.${way}`, given[way as never]);
  if (options.producers !== undefined) requireFunction('bind.producers', options.producers);
}

/**
 * Of a request or an answer of a plugin's own: what is no bytes would go out as memory.
 * @throws RMQ_OPTIONS_INVALID
 */
export function requireCommand(
  door: string,
  { code, body }: { readonly code?: unknown; readonly body?: unknown },
): void {
  if (!Number.isInteger(code)) throw invalid(`${door}.code`, 'is a whole number', code);
  if (body !== undefined && !isBytes(body)) throw invalid(`${door}.body`, 'is bytes', typeof body);
}

function invalid(option: string, expected: string, got: unknown): Error {
  const shown = typeof got === 'string' ? JSON.stringify(got) : String(got);
  return rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${expected}, not ${shown}`, { option });
}
