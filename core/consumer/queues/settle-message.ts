import type { Clock } from '../../runtime/clock.js';
import type { ConsumedQueue } from './consumed-queue.js';
import type { PulledMessage } from './pulled-message.js';

/** A message that is done with: the offset may pass it, and nothing of it is kept. */
export function acknowledge(consumed: ConsumedQueue, pulled: PulledMessage): void {
  pulled.message = undefined;
  consumed.processQueue.acknowledge(pulled);
}

/** Messages that are none of this consumer's business: done, and there is room again. */
export function skipAll(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void {
  for (const pulled of skipped) acknowledge(consumed, pulled);
  consumed.onRoom?.();
}

export interface AgainServices {
  readonly clock: Clock;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  readonly isStopped: () => boolean;
}

/** A message that failed is handled here again after a while, beside the others of its queue. */
export function handleAgainIn(
  consumed: ConsumedQueue,
  pulled: PulledMessage,
  delayMs: number,
  { clock, wake, isStopped }: AgainServices,
): void {
  pulled.failures++;
  if (isStopped()) return;
  const timer = clock.setTimer(delayMs, () => {
    consumed.retryTimers.delete(timer);
    if (consumed.dropped || isStopped()) return;
    consumed.again.push(pulled);
    wake(consumed);
  });
  consumed.retryTimers.add(timer);
}
