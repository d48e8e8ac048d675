import { InvalidArgumentError, Option } from 'commander';

/** Where a client finds its cluster: the option, or the variable that `connect` and Apache's clients read too. */
export function nameServerOption(): Option {
  return new Option('--name-server <list>', 'HOST:PORT, several joined by ;').env('NAMESRV_ADDR').makeOptionMandatory();
}

/** `0` to `65535`. */
export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return value;
}

/** A whole number from 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('expected a whole number from 1.');
  return value;
}

/** A point in time as JSON writes it, or a date. */
export function moment(text: string): Date {
  const at = new Date(text);
  if (!/^\d{4}-\d{2}/.test(text) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('expected a time such as 2026-01-31T09:00:00Z.');
  return at;
}

/** Seconds above 0, fractions allowed, as milliseconds. */
export function secondsAsMs(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 2_000_000)
    throw new InvalidArgumentError('expected seconds above 0.');
  return Math.round(value * 1000);
}

/** Collects `K=V` options into one object. */
export function property(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('expected KEY=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
