import type { OperatorOptions, SendAllOptions, SendOptions } from './producer.js';
import { invalid } from './resolve-options.js';

/** Names of what one send can be told. */
const SEND_OPTIONS: ReadonlySet<string> = new Set([
  'timeoutMs',
  'attemptTimeoutMs',
  'signal',
  'slots',
  'queue',
  'selector',
  'shardingKey',
] satisfies (keyof SendOptions)[]);

/**
 * What stands in the way of using the options, by name; their values are looked at where they are used. A signal that is none
 * is found here: it is asked to call back before anything else, and to forget that when all is over.
 * @param further options of what is more than a send
 * @throws RMQ_OPTIONS_INVALID
 */
export function checkSendOptions(options: SendOptions | undefined, further: readonly string[] = []): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) throw invalid('options', 'has to be an object', options);
  for (const name in options) {
    if (!SEND_OPTIONS.has(name) && !further.includes(name)) throw invalid(name, 'is no option of a send');
  }
  const { signal } = options;
  if (signal === undefined) return;
  const { addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') return;
  throw invalid('signal', 'has to be an AbortSignal', signal);
}

/** What is told to each of many sends. `signal` is for all of them together. */
export function optionsOfEach(options: SendAllOptions | OperatorOptions): SendOptions {
  const { timeoutMs, attemptTimeoutMs, selector, slots } = options;
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }),
    ...(selector !== undefined && { selector }),
    ...(slots !== undefined && { slots }),
  };
}
