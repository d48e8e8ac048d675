import { type BrokerFacts, type MessageQueue, type OutgoingMessage, rocketMQError } from '../../core/index.js';

/** What a rule knows of a send. */
export interface SendFactsForRules {
  /** The producer's group. */
  readonly group: string;
  readonly topic: string;
  /** As the application gave it, or as a plugin before this one passed it on. Of a batch, each in its turn. */
  readonly message: OutgoingMessage;
  /** Whether an answer is awaited. */
  readonly mode: 'send' | 'oneway';
}

/** What a rule knows of one attempt. */
export interface AttemptFactsForRules extends SendFactsForRules {
  readonly queue: MessageQueue;
  readonly broker: BrokerFacts;
  /** 1 for the first. */
  readonly attempt: number;
}

/** Why not: true or a reason forbids, everything empty (false, undefined, '') allows. */
export type Verdict = boolean | string | undefined | null;

interface NamedRule {
  /** Names the rule in the error; once per plugin. */
  readonly name: string;
}

/** Asked before each attempt, when queue and broker are chosen. Matches Apache's CheckForbiddenHook. */
export interface AttemptRule extends NamedRule {
  readonly at?: 'attempt';
  check(facts: AttemptFactsForRules): Verdict | Promise<Verdict>;
}

/** Asked once per send, before a route is looked for. */
export interface SendRule extends NamedRule {
  readonly at: 'send';
  check(facts: SendFactsForRules): Verdict | Promise<Verdict>;
}

/** A rule, asked before each attempt, or with `at: 'send'` once per send. */
export type ForbiddenRule = AttemptRule | SendRule;

/** @throws RMQ_OPTIONS_INVALID for rules that are none, and for two of one name */
export function checkRules(rules: readonly ForbiddenRule[]): void {
  if (!Array.isArray(rules)) throw invalid(`expected an array, got ${typeof rules}`);
  const names = new Set<string>();
  for (const rule of rules as readonly ForbiddenRule[]) {
    if (typeof rule?.name !== 'string' || rule.name === '') throw invalid('each rule needs a name');
    if (names.has(rule.name)) throw invalid(`two rules are named ${rule.name}`);
    names.add(rule.name);
    if (typeof rule.check !== 'function') throw invalid(`rule ${rule.name} needs a function check(facts)`);
    if (rule.at !== undefined && rule.at !== 'attempt' && rule.at !== 'send') {
      throw invalid(
        `rule ${rule.name}: at is 'attempt' or 'send', not ${JSON.stringify((rule as NamedRule & { at: unknown }).at)}`,
      );
    }
  }
}

function invalid(what: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `forbidden option rules: ${what}`, { option: 'rules' });
}
