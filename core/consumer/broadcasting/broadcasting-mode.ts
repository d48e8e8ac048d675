import { backOffMs } from '../../runtime/back-off.js';
import type { Clock } from '../../runtime/clock.js';
import { type DeliveryOutcome, type FailedOutcome, outcomeOf } from '../delivery/delivery.js';
import type { DeliveryMode, EndedDelivery } from '../delivery/delivery-mode.js';
import type { DeliveryReport } from '../delivery/delivery-report.js';
import type { HandlerRetry } from '../options/consumer-options.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import { acknowledge, handleAgainIn, skipAll } from '../queues/settle-message.js';

export interface BroadcastingModeServices {
  readonly retry: Required<HandlerRetry>;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  readonly report: DeliveryReport;
  readonly clock: Clock;
}

/**
 * Every member gets every message, and keeps its own offsets. Nothing can be sent back: what fails is tried again here as
 * often as `handlerRetry` says and then given up, with a warning. Matches the broadcasting side of Apache's
 * ConsumeMessageConcurrentlyService.
 */
export class BroadcastingMode implements DeliveryMode {
  readonly #services: BroadcastingModeServices;
  #stopped = false;

  constructor(services: BroadcastingModeServices) {
    this.#services = services;
  }

  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[] {
    const again = consumed.again.shift();
    return again === undefined ? consumed.processQueue.takeUpTo(max) : [again];
  }

  skip(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void {
    skipAll(consumed, skipped);
  }

  settle(ended: EndedDelivery, outcome: DeliveryOutcome): void {
    const { consumed, held, startedMs } = ended;
    for (const [index, pulled] of held.entries()) {
      const own = outcomeOf(outcome, index);
      if (own.kind === 'ack') {
        this.#services.report.handled(consumed, pulled, startedMs);
        acknowledge(consumed, pulled);
      } else this.#fail(ended, pulled, own);
    }
    consumed.onRoom?.();
  }

  drain(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }

  #fail(ended: EndedDelivery, pulled: PulledMessage, outcome: FailedOutcome): void {
    const { consumed } = ended;
    const { retry, report } = this.#services;
    if (outcome.kind === 'deadLetter' || pulled.failures >= retry.attempts) {
      report.failed(ended, pulled, outcome, 'dropped', undefined);
      acknowledge(consumed, pulled);
      return;
    }
    const retryInMs = outcome.afterMs ?? backOffMs(pulled.failures + 1, retry.initialDelayMs, retry.maxDelayMs);
    report.failed(ended, pulled, outcome, 'here', retryInMs);
    this.#againIn(consumed, pulled, retryInMs);
  }

  #againIn(consumed: ConsumedQueue, pulled: PulledMessage, delayMs: number): void {
    const { clock, wake } = this.#services;
    handleAgainIn(consumed, pulled, delayMs, { clock, wake, isStopped: () => this.#stopped });
  }
}
