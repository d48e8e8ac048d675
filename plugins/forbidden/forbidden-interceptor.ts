import { from, mergeMap, throwError } from 'rxjs';
import { rocketMQError, type SendContext, type SendInterceptor } from '../../core/index.js';
import type { Verdict } from './rules.js';

/** A rule of one gap: what it is given is decided there. */
export interface RuleFor<Facts> {
  readonly name: string;
  check(facts: Facts): Verdict | Promise<Verdict>;
}

/**
 * Asks the rules in order, and passes the send on unless one of them forbids it. As long as rules answer at once no
 * operator is set up; the first one that answers by promise makes the rest of this pass asynchronous.
 */
export function forbiddenInterceptor<C extends SendContext, Facts>(
  plugin: string,
  rules: readonly RuleFor<Facts>[],
  factsOf: (context: C) => Facts,
): SendInterceptor<C> {
  return (context, next) => {
    const facts = factsOf(context);
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index]!;
      const verdict = rule.check(facts);
      if (isPromise(verdict)) {
        const allowed = allowedLater(plugin, context.topic, verdict, rules, index, facts);
        return from(allowed).pipe(mergeMap(() => next(context)));
      }
      if (forbids(rule.name, verdict)) return throwError(() => veto(plugin, rule.name, context.topic, verdict));
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
): Promise<void> {
  let verdict = await pending;
  for (let at = index; ; ) {
    const rule = rules[at]!;
    if (forbids(rule.name, verdict)) throw veto(plugin, rule.name, topic, verdict);
    const following = rules[++at];
    if (following === undefined) return;
    verdict = await following.check(facts);
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
