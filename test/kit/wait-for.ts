import type { EventEmitter } from 'node:events';

export interface WaitOptions {
  /** After this long the wait fails: a watchdog, generous as the time-out of tests. Default 30,000. */
  readonly timeoutMs?: number;
  /** What is waited for, as the failure says it. */
  readonly what?: string;
}

const TIMEOUT_MS = 30_000;

/**
 * Resolves with the first truthy value of `predicate`; looks again at every turn of the event loop at first, then every
 * few milliseconds. Fails loudly when it never comes.
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { timeoutMs = TIMEOUT_MS, what = 'a condition' }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + timeoutMs;
  for (let round = 0; ; round++) {
    const value = await predicate();
    if (value) return value as NonNullable<T>;
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}, it never came`);
    await new Promise<void>((resolve) => {
      if (round < 50) setImmediate(resolve);
      else setTimeout(resolve, 3);
    });
  }
}

/** Resolves with the arguments of the emitter's next event of that name; `error` fails the wait unless it is the name. */
export function waitForEvent(
  emitter: EventEmitter,
  event: string,
  { timeoutMs = TIMEOUT_MS, what = `event ${event}` }: WaitOptions = {},
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`))), timeoutMs);
    const onEvent = (...values: unknown[]): void => end(() => resolve(values));
    const onError = (error: unknown): void => end(() => reject(error));
    const end = (report: () => void): void => {
      clearTimeout(timer);
      emitter.off(event, onEvent);
      emitter.off('error', onError);
      report();
    };
    emitter.on(event, onEvent);
    if (event !== 'error') emitter.on('error', onError);
  });
}

/** Lets everything that is ready run: promises, then one turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
