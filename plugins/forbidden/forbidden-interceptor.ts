import { from, mergeMap, throwError } from 'rxjs';
import { type OutgoingMessage, rocketMQError, type SendContext, type SendInterceptor } from '../../core/index.js';
import type { Verdict } from './rules.js';

/** A rule of one gap: what it is given is decided there. */
export interface RuleFor<Facts> {
  readonly name: string;
  check(facts: Facts): Verdict | Promise<Verdict>;
}

/**
 * Asks the rules in order about each message, and passes the send on unless one of them forbids it. As long as rules answer at once no
 * operator is set up; the first one that answers by promise makes the rest of this pass asynchronous.
 */
export function forbiddenInterceptor<C extends SendContext, Facts>(
  plugin: string,
  rules: readonly RuleFor<Facts>[],
  factsOf: (context: C, message: OutgoingMessage) => Facts,
): SendInterceptor<C> {
  return (context, next) => {
    const { topic, batch } = context;
    const messages = batch ?? [context.message];
    for (const [at, message] of messages.entries()) {
      const facts = factsOf(context, message);
      for (let index = 0; index < rules.length; index++) {
        const rule = rules[index]!;
        const verdict = rule.check(facts);
        if (isPromise(verdict)) {
          const rest = messages.slice(at + 1).map((other) => () => factsOf(context, other));
          const allowed = allowedLater(plugin, topic, verdict, rules, index, facts, rest);
          return from(allowed).pipe(mergeMap(() => next(context)));
        }
        if (forbids(rule.name, verdict)) return throwError(() => veto(plugin, rule.name, topic, verdict));
      }
    }
    return next(context);
  };
}

async function allowedLater<Facts>(
  plugin: string,
  topic: string,
  pending: Promise<Verdict>,
  rules: readonly RuleFor<Facts>[],
  index: number,
  facts: Facts,
  rest: readonly (() => Facts)[],
): Promise<void> {
  const heed = (rule: RuleFor<Facts>, verdict: Verdict): void => {
    if (forbids(rule.name, verdict)) throw veto(plugin, rule.name, topic, verdict);
  };
  heed(rules[index]!, await pending);
  for (const rule of rules.slice(index + 1)) heed(rule, await rule.check(facts));
  for (const other of rest) {
    const otherFacts = other();
    for (const rule of rules) heed(rule, await rule.check(otherFacts));
  }
}

/** An answer that is neither yes nor no must not let a message through. */
function forbids(rule: string, verdict: Verdict): verdict is true | string {
  if (verdict === true) return true;
  if (verdict === false || verdict === undefined || verdict === null || verdict === '') return false;
  if (typeof verdict === 'string') return true;
  throw new TypeError(`rule ${rule} answered ${String(verdict)}; expected true or a reason to forbid, false to allow`);
}

function veto(plugin: string, rule: string, topic: string, verdict: true | string): Error {
  const reason = verdict === true ? '' : `: ${verdict}`;
  return rocketMQError(
    'RMQ_SEND_FORBIDDEN',
    `Rule ${rule} of plugin ${plugin} forbids this send to topic ${topic}${reason}`,
    { plugin, rule, topic },
  );
}

function isPromise(verdict: Verdict | Promise<Verdict>): verdict is Promise<Verdict> {
  return typeof verdict === 'object' && verdict !== null && typeof verdict.then === 'function';
}
