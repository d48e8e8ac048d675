import { setImmediate } from '../runtime/event-loop.js';

/** What has to come to rest. */
export interface Unrest {
  /** Grows with whatever happens: a clock that is read, bytes that arrive. */
  activity(): number;
  /** Resolves when what is under way outside the event loop has ended; undefined when nothing is. */
  ended(): Promise<unknown> | undefined;
}

/** Lets everything that is ready run: promises, then one turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Lets promises, the event loop and what is under way outside of it go on until nothing has happened for `quietTurns` turns.
 * Tells whether it came to that within `turnsMax` turns.
 */
export async function settle(unrest: Unrest, quietTurns: number, turnsMax: number): Promise<boolean> {
  let seen = unrest.activity();
  for (let quiet = 0, turns = 0; quiet < quietTurns; turns++) {
    if (turns === turnsMax) return false;
    await nextTurn();
    const ended = unrest.ended();
    if (ended !== undefined) await ended;
    const now = unrest.activity();
    quiet = now === seen ? quiet + 1 : 0;
    seen = now;
  }
  return true;
}
