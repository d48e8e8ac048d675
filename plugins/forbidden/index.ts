import {
  type CreatedContext,
  type EncodedContext,
  type OptionNames,
  type OutgoingMessage,
  type Plugin,
  requireKnown,
} from '../../core/index.js';
import { forbiddenInterceptor } from './forbidden-interceptor.js';
import {
  type AttemptFactsForRules,
  type AttemptRule,
  checkRules,
  type ForbiddenRule,
  type SendFactsForRules,
  type SendRule,
} from './rules.js';

export type {
  AttemptFactsForRules,
  AttemptRule,
  ForbiddenRule,
  SendFactsForRules,
  SendRule,
  Verdict,
} from './rules.js';

/** The rules, and what the plugin is called. */
export interface ForbiddenOptions {
  /** Asked in this order; the first that forbids ends the send. */
  readonly rules: readonly ForbiddenRule[];
  /** Another name, for a second instance in one client. Default `forbidden`. */
  readonly name?: string;
}

const OPTIONS: OptionNames = { of: 'forbidden', names: new Set<keyof ForbiddenOptions>(['rules', 'name']) };

/**
 * Forbids sends by rules. A forbidden send fails with RMQ_SEND_FORBIDDEN, which names plugin and rule; it is final: no
 * other broker is tried and no broker is blamed.
 * @throws RMQ_OPTIONS_INVALID for rules that are none, and for options that it does not have
 * @example
 * const mq = await connect({ nameServers, plugins: [forbidden({ rules: [
 *   { name: 'no-night-orders', check: ({ topic }) => topic === 'orders' && isNight() && 'the shop is closed' },
 * ] })] });
 */
export function forbidden(options: ForbiddenOptions): Plugin<void> {
  requireKnown(options, OPTIONS);
  checkRules(options?.rules);
  const name = options.name ?? 'forbidden';
  const sendRules = options.rules.filter((rule): rule is SendRule => rule.at === 'send');
  const attemptRules = options.rules.filter((rule): rule is AttemptRule => rule.at !== 'send');
  return {
    name,
    setup(host) {
      if (sendRules.length > 0) {
        const once = forbiddenInterceptor(name, sendRules, sendFacts);
        host.interceptSend({ before: 'route', create: () => once });
      }
      if (attemptRules.length > 0) {
        const eachAttempt = forbiddenInterceptor(name, attemptRules, attemptFacts);
        host.interceptSend({ before: 'send', create: () => eachAttempt });
      }
    },
  };
}

function sendFacts(context: CreatedContext, message: OutgoingMessage): SendFactsForRules {
  const { producerGroup: group, mode } = context.send;
  return { group, topic: context.topic, message, mode };
}

function attemptFacts(context: EncodedContext, message: OutgoingMessage): AttemptFactsForRules {
  const { producerGroup: group, mode } = context.send;
  const { topic, queue, broker, attempt } = context;
  return { group, topic, message, mode, queue, broker, attempt };
}
