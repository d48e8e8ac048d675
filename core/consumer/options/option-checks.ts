import { rocketMQError } from '../../errors/rocketmq-error.js';

/** Checks of one option each; what is wrong is RMQ_OPTIONS_INVALID naming it. */
export function flag(option: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalid(option, 'true or false', value);
}

/** Undefined stays so. */
export function functionOption<F>(option: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(option, 'a function', value);
}

/** The first is the default. */
export function oneOf<T extends string>(option: string, value: T | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined) return allowed[0];
  if (allowed.includes(value)) return value;
  throw invalid(option, allowed.map((one) => `'${one}'`).join(' or '), value);
}

export function whole(
  option: string,
  value: number | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(option, `a whole number from ${least} to ${most}`, value);
}

/** A whole number from 1; undefined is no limit. */
export function limit(option: string, value: number | undefined, most: number): number | undefined {
  return value === undefined ? undefined : whole(option, value, 1, 1, most);
}

/** A number above 0, a second; undefined is no limit. */
export function rate(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (typeof value === 'number' && value > 0 && value <= 1_000_000)) return value;
  throw invalid(option, 'a number above 0, to 1,000,000', value);
}

export function invalid(option: string, expected: string, value: unknown) {
  const shown = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  return rocketMQError('RMQ_OPTIONS_INVALID', `consumer option ${option} must be ${expected}, not ${shown}`, {
    option,
  });
}
