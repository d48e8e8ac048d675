import { rocketMQError } from '../../errors/rocketmq-error.js';
import { DELAY_LEVELS, durationMs } from '../../message/delay.js';
import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import type { MessageOutcome } from './delivery.js';

/** When a message should come again. At most one of the two; without either the broker counts: later with each try. */
export interface RetryAfter {
  /**
   * Not before: `'10s'`, `'5m'`, or milliseconds. A broker knows its delay levels only (`1s 5s 10s 30s 1m` to `10m` by
   * minutes, `20m 30m 1h 2h`), so the next longer one is taken, two hours at most.
   */
  readonly after?: string | number;
  /** The broker's own delay level, from 1. */
  readonly delayLevel?: number;
}

const RETRY: OptionNames = { of: 'retry', names: new Set<keyof RetryAfter>(['after', 'delayLevel']) };
const LEVELS_MS: readonly number[] = DELAY_LEVELS.map((text) => durationMs(text) as number);

/** The outcome `retry` as an application asked for it. @throws RMQ_OPTIONS_INVALID */
export function retryOutcome(error: unknown, options?: RetryAfter): MessageOutcome {
  requireKnown(options, RETRY);
  const { after, delayLevel } = options ?? {};
  if (after !== undefined && delayLevel !== undefined) {
    throw invalid('delayLevel', 'absent where `after` is given', delayLevel);
  }
  if (delayLevel !== undefined) {
    if (!Number.isInteger(delayLevel) || delayLevel < 1 || delayLevel > 0x7fffffff) {
      throw invalid('delayLevel', 'a whole number from 1', delayLevel);
    }
    return { kind: 'retry', error, delayLevel };
  }
  return after === undefined ? { kind: 'retry', error } : { kind: 'retry', error, afterMs: afterMs(after) };
}

/** Milliseconds of a duration in either form. @throws RMQ_OPTIONS_INVALID */
export function afterMs(after: string | number): number {
  const milliseconds = typeof after === 'string' ? durationMs(after) : after;
  if (typeof milliseconds === 'number' && milliseconds >= 0 && Number.isFinite(milliseconds)) return milliseconds;
  throw invalid('after', "a duration such as '10s', or milliseconds", after);
}

/** The shortest delay level that is not shorter than `milliseconds`; the longest where none is. */
export function delayLevelFor(milliseconds: number): number {
  const index = LEVELS_MS.findIndex((levelMs) => levelMs >= milliseconds);
  return index < 0 ? LEVELS_MS.length : index + 1;
}

/** How long a level of Apache's default list delays; undefined for one that it does not have. */
export function delayOfLevelMs(level: number): number | undefined {
  return LEVELS_MS[level - 1];
}

function invalid(option: string, expected: string, value: unknown) {
  return rocketMQError('RMQ_OPTIONS_INVALID', `retry: ${option} must be ${expected}, not ${String(value)}`, { option });
}
