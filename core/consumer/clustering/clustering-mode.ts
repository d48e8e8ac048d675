import { backOffMs } from '../../runtime/back-off.js';
import type { Clock } from '../../runtime/clock.js';
import { type DeliveryOutcome, type FailedOutcome, outcomeOf } from '../delivery/delivery.js';
import type { DeliveryMode, EndedDelivery } from '../delivery/delivery-mode.js';
import type { DeliveryReport } from '../delivery/delivery-report.js';
import type { HandlerPolicies } from '../delivery/handler-policies.js';
import { afterMs, delayLevelFor } from '../delivery/retry-after.js';
import type { ResolvedRetry } from '../options/consumer-options.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import { type PulledMessage, physicalOffsetOf } from '../queues/pulled-message.js';
import { acknowledge, handleAgainIn, skipAll } from '../queues/settle-message.js';
import { DEAD_LETTER_LEVEL, type SendBack } from './send-back.js';

/** A message that its broker did not take back is handled again here after so long, as with Java. */
const SEND_BACK_RETRY_MS = 5_000;

export interface ClusteringModeServices {
  readonly retry: ResolvedRetry;
  readonly policiesOf: (consumed: ConsumedQueue, pulled: PulledMessage) => Required<HandlerPolicies>;
  readonly sendBack: SendBack;
  /** The topic on the wire that a message was sent to first. */
  readonly originTopicOf: (consumed: ConsumedQueue, pulled: PulledMessage) => string;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  readonly report: DeliveryReport;
  readonly clock: Clock;
}

/**
 * Concurrent consumption in clustering: messages of a queue are handled side by side; one that fails is tried again here as
 * often as `handlerRetry` says and then sent back to its broker, which delivers it later to whichever member, or makes it a
 * dead letter. What is acknowledged or sent back leaves the process queue, so that the offset can go on; what the broker
 * would not take stays. Matches Apache's ConsumeMessageConcurrentlyService.
 */
export class ClusteringMode implements DeliveryMode {
  readonly #services: ClusteringModeServices;
  readonly #sending = new Set<Promise<void>>();
  #stopped = false;

  constructor(services: ClusteringModeServices) {
    this.#services = services;
  }

  /** What comes again comes alone: of a batch that failed at most one was to blame. */
  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[] {
    const again = consumed.again.shift();
    if (again !== undefined) return [again];
    return consumed.processQueue.takeUpTo(consumed.subscription.retried ? 1 : max);
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
      } else {
        this.#fail(ended, pulled, own);
      }
    }
    consumed.onRoom?.();
  }

  async drain(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#sending);
  }

  #fail(ended: EndedDelivery, pulled: PulledMessage, outcome: FailedOutcome): void {
    const { consumed } = ended;
    const { report, retry } = this.#services;
    const { attempts, initialDelayMs, maxDelayMs } = retry.here;
    if (outcome.kind === 'retry' && outcome.delayLevel === undefined && pulled.failures < attempts) {
      const retryInMs = outcome.afterMs ?? backOffMs(pulled.failures + 1, initialDelayMs, maxDelayMs);
      report.failed(ended, pulled, outcome, 'here', retryInMs);
      this.#againIn(consumed, pulled, retryInMs);
      return;
    }
    report.failed(ended, pulled, outcome, outcome.kind === 'deadLetter' ? 'deadLetter' : 'broker', undefined);
    const sending = this.#sendBack(consumed, pulled, outcome).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #levelOf(pulled: PulledMessage, outcome: FailedOutcome): number {
    if (outcome.kind === 'deadLetter') return DEAD_LETTER_LEVEL;
    const { afterMs: least, delayLevel } = outcome;
    if (delayLevel !== undefined) return delayLevel;
    if (least !== undefined) return delayLevelFor(least);
    const { backOff } = this.#services.retry;
    if (backOff === undefined) return 0;
    return delayLevelFor(afterMs(backOff((pulled.message?.reconsumeTimes ?? 0) + 1)));
  }

  /** Never rejects. */
  async #sendBack(consumed: ConsumedQueue, pulled: PulledMessage, outcome: FailedOutcome): Promise<void> {
    const { sendBack, originTopicOf, policiesOf, report } = this.#services;
    let delayLevel: number;
    try {
      delayLevel = this.#levelOf(pulled, outcome);
      await sendBack({
        queue: consumed.queue,
        commitLogOffset: physicalOffsetOf(pulled),
        msgId: pulled.message?.msgId,
        originTopic: originTopicOf(consumed, pulled),
        delayLevel,
        maxReconsumeTimes: policiesOf(consumed, pulled).maxReconsumeTimes,
      });
    } catch (error) {
      if (consumed.dropped) return;
      report.sendBackFailed(consumed, pulled, error, SEND_BACK_RETRY_MS);
      this.#againIn(consumed, pulled, SEND_BACK_RETRY_MS);
      return;
    }
    if (consumed.dropped) return;
    report.sentBack(consumed, pulled, delayLevel);
    acknowledge(consumed, pulled);
    consumed.onRoom?.();
  }

  #againIn(consumed: ConsumedQueue, pulled: PulledMessage, delayMs: number): void {
    const { clock, wake } = this.#services;
    handleAgainIn(consumed, pulled, delayMs, { clock, wake, isStopped: () => this.#stopped });
  }
}
