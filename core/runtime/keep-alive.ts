import type { Clock, Timer } from './clock.js';

const PERIOD_MS = 86_400_000;

/**
 * Keeps the process alive until the returned function is called, for work that goes on by itself between requests, when
 * nothing but timers that keep nothing alive is set.
 */
export function keepProcessAlive(clock: Clock): () => void {
  let timer: Timer;
  const sleep = (): void => {
    timer = clock.setTimer(PERIOD_MS, sleep, { ref: true });
  };
  sleep();
  return () => timer.cancel();
}
