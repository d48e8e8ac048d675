import { PropertyName } from '../../../message/property-names.js';
import { checkTimesOf, type HalfMessage } from './half-message.js';

/** When a producer is asked about a transaction that it did not end. Times are milliseconds. */
export interface CheckRules {
  /** Wall clock at the start of the round. */
  readonly nowMs: number;
  readonly transactionTimeOut: number;
  readonly transactionCheckMax: number;
  /** Age from which retention may take the message. */
  readonly reservedTimeMs: number;
}

/**
 * `check` its producer is asked; `immune` it asked to be left alone for longer, and others come first; `later` it is too
 * young, and what follows even more so; `discard` it was asked often enough, or it is older than what is kept.
 */
export type Verdict = 'check' | 'immune' | 'later' | 'discard';

/** Matches the order of questions in Apache's TransactionalMessageServiceImpl.check (4.9). */
export function judgeHalfMessage(half: HalfMessage, rules: CheckRules): Verdict {
  const { bornTimestamp, storeTimestamp } = half.record;
  const ageMs = rules.nowMs - bornTimestamp;
  if (checkTimesOf(half) >= rules.transactionCheckMax || ageMs > rules.reservedTimeMs) return 'discard';
  if (storeTimestamp >= rules.nowMs) return 'later';
  const immunityMs = immunityOf(half);
  if (immunityMs !== undefined) return ageMs < immunityMs ? 'immune' : 'check';
  // Of a producer whose clock is ahead nothing is known; asking does no harm.
  return ageMs >= 0 && ageMs < rules.transactionTimeOut ? 'later' : 'check';
}

/** What the producer asked for with the property CHECK_IMMUNITY_TIME_IN_SECONDS. */
function immunityOf({ properties }: HalfMessage): number | undefined {
  const seconds = properties[PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS];
  return seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
