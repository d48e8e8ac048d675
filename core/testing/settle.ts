import { setImmediate } from '../runtime/event-loop.js';

/** A message may set off others without end; then time has to go on all the same. */
const TURNS_MAX = 10_000;

/** Lets everything that is ready run: promises, then one turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Lets promises and the event loop go on until nothing has happened for `quietTurns` turns. `activity` grows with whatever
 * happens: a clock that is read, bytes that arrive.
 */
export async function settle(activity: () => number, quietTurns: number): Promise<void> {
  let seen = activity();
  for (let quiet = 0, turns = 0; quiet < quietTurns && turns < TURNS_MAX; turns++) {
    await nextTurn();
    const now = activity();
    quiet = now === seen ? quiet + 1 : 0;
    seen = now;
  }
}
