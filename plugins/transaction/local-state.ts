import type { LocalTransactionState } from '../../core/index.js';

/** How a function of the application's answered, or what it threw. */
export interface LocalAnswer {
  readonly state: LocalTransactionState;
  readonly error: unknown;
}

const STATES: readonly unknown[] = ['commit', 'rollback', 'unknown'] satisfies LocalTransactionState[];

/** Asks the application. Whatever it does wrong is `unknown`: the broker asks again. */
export async function askLocal(what: string, ask: () => unknown): Promise<LocalAnswer> {
  try {
    const state = await ask();
    if (STATES.includes(state)) return { state: state as LocalTransactionState, error: undefined };
    throw new TypeError(`${what} answered ${String(state)}; expected commit, rollback or unknown`);
  } catch (error) {
    // That something was thrown is told by what was.
    return { state: 'unknown', error: error ?? new TypeError(`${what} threw ${error}`) };
  }
}

/** The words of something that was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
