import { PropertyName } from '../../../message/property-names.js';
import { checkTimesOf, type HalfMessage } from './half-message.js';

/** When a producer is asked about a transaction that it did not end. Times are milliseconds. */
export interface CheckRules {
  /** Wall clock at the start of the round. */
  readonly nowMs: number;
  readonly transactionTimeOut: number;
  readonly transactionCheckMax: number;
}

/**
 * `check` its producer is asked; `immune` it asked to be left alone for longer, and others come first; `later` it is too
 * young, and what follows even more so; `discard` it was asked often enough.
 */
export type Verdict = 'check' | 'immune' | 'later' | 'discard';

/**
 * Matches the order of questions in Apache's TransactionalMessageServiceImpl.check (4.9), but that clocks discard and put off
 * nothing: the age is told by the producer's clock and ours, and each of the two may be wrong, or set.
 */
export function judgeHalfMessage(half: HalfMessage, rules: CheckRules): Verdict {
  if (checkTimesOf(half) >= rules.transactionCheckMax) return 'discard';
  const ageMs = rules.nowMs - half.record.bornTimestamp;
  const immunityMs = immunityOf(half);
  // A producer's clock may be ahead, but by more nothing should wait.
  if (immunityMs !== undefined) return Math.abs(ageMs) < immunityMs ? 'immune' : 'check';
  // Of a producer whose clock is ahead nothing is known; asking does no harm.
  return ageMs >= 0 && ageMs < rules.transactionTimeOut ? 'later' : 'check';
}

/** What the producer asked for with the property CHECK_IMMUNITY_TIME_IN_SECONDS. */
function immunityOf({ properties }: HalfMessage): number | undefined {
  const seconds = properties[PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS];
  return seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
