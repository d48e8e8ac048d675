import type { MessageQueue } from '../../message/message.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import { DEAD_LETTER_LEVEL, type SendBack } from '../clustering/send-back.js';
import { type DeliveryOutcome, type FailedOutcome, outcomeOf } from '../delivery/delivery.js';
import type { DeliveryMode, EndedDelivery } from '../delivery/delivery-mode.js';
import type { DeliveryReport } from '../delivery/delivery-report.js';
import type { HandlerPolicies } from '../delivery/handler-policies.js';
import { type ConsumedQueue, queueKey } from '../queues/consumed-queue.js';
import { type PulledMessage, physicalOffsetOf } from '../queues/pulled-message.js';
import { acknowledge, skipAll } from '../queues/settle-message.js';
import type { QueueOwnership } from '../rebalance/queue-ownership.js';
import type { QueueLocks } from './queue-locks.js';

/** A dead letter that its broker did not take is tried again after. */
const DEAD_LETTER_RETRY_MS = 5_000;
/** How long a round waits for what runs of a queue that another member is to have. */
const LEAVE_WAIT_MS = 1_000;

export interface OrderedModeServices {
  readonly locks: QueueLocks;
  /** Before a message that failed is handled again. */
  readonly suspendMs: number;
  readonly policiesOf: (consumed: ConsumedQueue, pulled: PulledMessage) => Required<HandlerPolicies>;
  readonly sendBack: SendBack;
  /** The topic on the wire that a message was sent to first. */
  readonly originTopicOf: (consumed: ConsumedQueue, pulled: PulledMessage) => string;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  readonly report: DeliveryReport;
  readonly clock: Clock;
}

/** What goes on in one queue. */
interface Lane {
  running: boolean;
  /** Until a message that failed may be handled again. */
  suspended: Timer | 'deadLetter' | undefined;
  leaving: boolean;
}

/**
 * Consumption in order: of each queue one delivery at a time, the next only when the one before is done. A message that
 * fails holds its queue up and comes again first; nothing overtakes it. Queues are locked at their brokers, so that two
 * members never deliver of one at the same time, not even while they share queues out anew. Matches Apache's
 * ConsumeMessageOrderlyService.
 */
export class OrderedMode implements DeliveryMode, QueueOwnership {
  readonly inOrder = true;
  readonly #services: OrderedModeServices;
  readonly #lanes = new WeakMap<ConsumedQueue, Lane>();
  /** By place: a queue that was lost and comes back is another object, and what ran of it may still run. */
  readonly #running = new Map<string, Set<() => void>>();
  /** By place: queues that were given back while something of them ran. Their locks go when that has ended. */
  readonly #releaseLater = new Set<string>();
  readonly #sending = new Set<Promise<void>>();
  #stopped = false;

  constructor(services: OrderedModeServices) {
    this.#services = services;
  }

  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[] {
    const lane = this.#laneOf(consumed);
    if (lane.running || lane.leaving || lane.suspended !== undefined || this.#stopped) return [];
    // A lock that is not fresh is renewed or lost soon; either wakes the queue.
    if (!this.#services.locks.holds(consumed.queue)) return [];
    const again = consumed.again.splice(0, max);
    const taken = again.length > 0 ? again : consumed.processQueue.takeUpTo(consumed.subscription.retried ? 1 : max);
    if (taken.length === 0) return taken;
    lane.running = true;
    this.#running.set(queueKey(consumed.queue), new Set());
    return taken;
  }

  putBack(consumed: ConsumedQueue, untouched: readonly PulledMessage[]): void {
    consumed.again.unshift(...untouched);
  }

  skip(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void {
    skipAll(consumed, skipped);
  }

  /** What is acknowledged behind a message that failed comes again too: it must not overtake it. */
  settle(ended: EndedDelivery, outcome: DeliveryOutcome): void {
    const { consumed, held, startedMs } = ended;
    for (const [index, pulled] of held.entries()) {
      const own = outcomeOf(outcome, index);
      if (own.kind === 'ack') {
        this.#services.report.handled(consumed, pulled, startedMs);
        acknowledge(consumed, pulled);
      } else if (!this.#passes(ended, pulled, own)) {
        this.putBack(consumed, held.slice(index));
        break;
      }
    }
    consumed.onRoom?.();
  }

  ended(consumed: ConsumedQueue): void {
    this.#laneOf(consumed).running = false;
    const key = queueKey(consumed.queue);
    const waiting = this.#running.get(key);
    this.#running.delete(key);
    for (const resolve of waiting ?? []) resolve();
    if (this.#releaseLater.delete(key) && !this.#stopped) void this.#services.locks.release([consumed.queue]);
    if (!consumed.dropped) this.#services.wake(consumed);
  }

  async drain(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#sending);
  }

  /** A queue of which something still runs, from before it was lost, is not taken yet. */
  acquire(queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]> {
    return this.#services.locks.acquire(queues.filter((queue) => !this.isRunning(queue)));
  }

  /** Whether something of the queue is being handled, also from before it was lost. */
  isRunning(queue: MessageQueue): boolean {
    return this.#running.has(queueKey(queue));
  }

  async prepareToLeave(consumed: ConsumedQueue): Promise<boolean> {
    // What was done of it could not be stored now, and would be done again.
    if (this.isDoubtful(consumed.queue) && !this.#services.locks.isForsaken(consumed.queue)) return false;
    const lane = this.#laneOf(consumed);
    lane.leaving = true;
    if (await this.#idle(consumed.queue)) return true;
    lane.leaving = false;
    return false;
  }

  isDoubtful(queue: MessageQueue): boolean {
    return this.#services.locks.isDoubtful(queue);
  }

  keepOnly(wireTopic: string, isRead: (queue: MessageQueue) => boolean): Promise<void> {
    const { locks } = this.#services;
    const ofTopic = locks.queues.filter(({ topic }) => topic === wireTopic);
    return locks.release(ofTopic.filter((queue) => !isRead(queue) && !this.isRunning(queue)));
  }

  /** Another member could overtake what still runs. */
  released(queues: readonly MessageQueue[]): Promise<void> {
    const running = queues.filter((queue) => this.isRunning(queue));
    for (const queue of running) this.#releaseLater.add(queueKey(queue));
    return this.#services.locks.release(queues.filter((queue) => !running.includes(queue)));
  }

  #idle(queue: MessageQueue): Promise<boolean> {
    const waiting = this.#running.get(queueKey(queue));
    if (waiting === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#services.clock.setTimer(LEAVE_WAIT_MS, () => {
        waiting.delete(done);
        resolve(false);
      });
      const done = () => {
        timer.cancel();
        resolve(true);
      };
      waiting.add(done);
    });
  }

  /** Whether the queue goes on behind a message that failed. */
  #passes(ended: EndedDelivery, pulled: PulledMessage, outcome: FailedOutcome): boolean {
    const { consumed } = ended;
    const { report, policiesOf, suspendMs } = this.#services;
    const { poison, maxReconsumeTimes } = policiesOf(consumed, pulled);
    const isLast = outcome.kind === 'retry' && pulled.tries >= maxReconsumeTimes;
    if (outcome.kind === 'deadLetter' || (isLast && poison === 'deadLetter')) {
      report.failed(ended, pulled, outcome, 'deadLetter', undefined);
      this.#deadLetter(consumed, pulled);
      return false;
    }
    if (isLast && poison === 'skip') {
      report.failed(ended, pulled, outcome, 'dropped', undefined);
      acknowledge(consumed, pulled);
      return true;
    }
    const retryInMs = outcome.afterMs ?? suspendMs;
    report.failed(ended, pulled, outcome, 'here', retryInMs);
    pulled.failures++;
    this.#suspend(consumed, retryInMs);
    return false;
  }

  #suspend(consumed: ConsumedQueue, delayMs: number): void {
    const lane = this.#laneOf(consumed);
    const timer = this.#services.clock.setTimer(delayMs, () => {
      consumed.retryTimers.delete(timer);
      lane.suspended = undefined;
      if (!consumed.dropped && !this.#stopped) this.#services.wake(consumed);
    });
    lane.suspended = timer;
    consumed.retryTimers.add(timer);
  }

  #deadLetter(consumed: ConsumedQueue, pulled: PulledMessage): void {
    this.#laneOf(consumed).suspended = 'deadLetter';
    const sending = this.#sendToDeadLetters(consumed, pulled).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** The queue goes on when the broker has it. Never rejects. */
  async #sendToDeadLetters(consumed: ConsumedQueue, pulled: PulledMessage): Promise<void> {
    const { sendBack, originTopicOf, policiesOf, report, wake } = this.#services;
    try {
      await sendBack({
        queue: consumed.queue,
        commitLogOffset: physicalOffsetOf(pulled),
        msgId: pulled.message?.msgId,
        originTopic: originTopicOf(consumed, pulled),
        delayLevel: DEAD_LETTER_LEVEL,
        maxReconsumeTimes: policiesOf(consumed, pulled).maxReconsumeTimes,
      });
    } catch (error) {
      if (consumed.dropped) return;
      report.sendBackFailed(consumed, pulled, error, DEAD_LETTER_RETRY_MS);
      this.#suspend(consumed, DEAD_LETTER_RETRY_MS);
      return;
    }
    if (consumed.dropped) return;
    report.sentBack(consumed, pulled, DEAD_LETTER_LEVEL);
    const at = consumed.again.indexOf(pulled);
    if (at >= 0) consumed.again.splice(at, 1);
    acknowledge(consumed, pulled);
    this.#laneOf(consumed).suspended = undefined;
    consumed.onRoom?.();
    wake(consumed);
  }

  #laneOf(consumed: ConsumedQueue): Lane {
    let lane = this.#lanes.get(consumed);
    if (lane === undefined) {
      lane = { running: false, suspended: undefined, leaving: false };
      this.#lanes.set(consumed, lane);
    }
    return lane;
  }
}
