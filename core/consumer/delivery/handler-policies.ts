import { requireKnown } from '../../runtime/known-options.js';
import type { Poison, Undecodable } from '../options/consumer-options.js';
import { oneOf, whole } from '../options/option-checks.js';

/** What becomes of messages that fail, for one topic's handler; what is absent is as the consumer's option says. */
export interface HandlerPolicies {
  /** Of messages whose body cannot be read, or is no value of their typed topic. */
  readonly undecodable?: Undecodable;
  /** With `ordered`: of messages that failed `maxReconsumeTimes` times. */
  readonly poison?: Poison;
  /** Failed tries after which a message is a dead letter; with `ordered`, after which `poison` decides. 0 to 2,147,483,647. */
  readonly maxReconsumeTimes?: number;
}

const KNOWN_POLICIES: ReadonlySet<string> = new Set<keyof HandlerPolicies>([
  'undecodable',
  'poison',
  'maxReconsumeTimes',
]);

/** Checks what a handler was given, by name. @throws RMQ_OPTIONS_INVALID */
export function checkPolicies(topic: string, given: HandlerPolicies): void {
  requireKnown(given ?? null, { of: `the handler of topic ${topic}`, names: KNOWN_POLICIES });
  oneOf('on.undecodable', given.undecodable, ['retry', 'deadLetter', 'skip']);
  oneOf('on.poison', given.poison, ['deadLetter', 'skip']);
  whole('on.maxReconsumeTimes', given.maxReconsumeTimes, 0, 0, 2_147_483_647);
}

/** A handler's policies with the consumer's for what it does not say. */
export function resolvePolicies(
  { undecodable, poison, maxReconsumeTimes }: HandlerPolicies,
  consumer: Required<HandlerPolicies>,
): Required<HandlerPolicies> {
  return {
    undecodable: undecodable ?? consumer.undecodable,
    poison: poison ?? consumer.poison,
    maxReconsumeTimes: maxReconsumeTimes ?? consumer.maxReconsumeTimes,
  };
}
