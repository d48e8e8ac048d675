import type { Clock } from './clock.js';
import { onAbort } from './on-abort.js';

/**
 * Waits for `work`, but no longer than `timeoutMs` and no longer than `signal` lets it. Tells whether it ended well by then.
 * The timer keeps the process alive: somebody awaits this.
 */
export function waitAtMost(
  work: Promise<void>,
  clock: Clock,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (ended: boolean): void => {
      timer.cancel();
      stopListening();
      resolve(ended);
    };
    const giveUp = (): void => end(false);
    const timer = clock.setTimer(timeoutMs, giveUp, { ref: true });
    const stopListening = onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    work.then(() => end(true), giveUp);
  });
}
