import assert from 'node:assert/strict';
import { clearTimeout, setTimeout } from '../../runtime/event-loop.js';
import type { VirtualClock } from '../virtual-clock.js';

/** Real time that a check may take before time is moved for it. */
const PATIENCE_MS = 1_500;
const MINUTES_MAX = 10;

/**
 * Time stands still in a check, so that what waits for a plugin that does not go on would wait for ever: after a while time goes
 * by, and the deadlines of sends, steps and deliveries say who it was.
 */
export async function inTime(clock: VirtualClock, work: () => Promise<void>): Promise<void> {
  let hasEnded = false;
  const working = work().finally(() => {
    hasEnded = true;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  try {
    await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
  if (hasEnded) return;
  for (let minutes = 0; minutes < MINUTES_MAX && !hasEnded; minutes++) await clock.advance('1m');
  if (!hasEnded) {
    working.catch(() => undefined);
    assert.fail(`nothing went on any more, though ${MINUTES_MAX} minutes went by`);
  }
  await working.catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    throw new assert.AssertionError({ message: `nothing went on until time went by, then: ${words}` });
  });
}
