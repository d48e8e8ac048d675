import type { Clock } from '../../core/index.js';

/** How long the one who closes waits. */
export interface Patience {
  /** Default: as long as it takes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Waits for the work, not longer than that; false when it has not ended then. */
export async function waitAtMost(
  clock: Clock,
  { timeoutMs, signal }: Patience,
  work: Promise<unknown>,
): Promise<boolean> {
  let giveUp: (ended: boolean) => void = () => {};
  const late = new Promise<boolean>((resolve) => {
    giveUp = resolve;
  });
  const stop = (): void => giveUp(false);
  const timer = timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, stop, { ref: true });
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer?.cancel();
    signal?.removeEventListener('abort', stop);
  }
}
