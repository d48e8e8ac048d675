import type { Clock } from '../runtime/clock.js';
import { onAbort } from '../runtime/on-abort.js';

/**
 * Waits for `idle`, but no longer than `timeoutMs` and no longer than `signal` lets it. Tells whether it came. The timer
 * keeps the process alive: somebody awaits this.
 */
export function waitAtMost(
  idle: Promise<void>,
  clock: Clock,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (came: boolean): void => {
      timer.cancel();
      stopListening();
      resolve(came);
    };
    const giveUp = (): void => end(false);
    const timer = clock.setTimer(timeoutMs, giveUp, { ref: true });
    const stopListening = onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    idle.then(() => end(true), giveUp);
  });
}
