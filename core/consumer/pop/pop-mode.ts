import { backOffMs } from '../../runtime/back-off.js';
import type { Clock } from '../../runtime/clock.js';
import { DEAD_LETTER_LEVEL, type SendBack } from '../clustering/send-back.js';
import { type DeliveryOutcome, type FailedOutcome, outcomeOf } from '../delivery/delivery.js';
import type { DeliveryMode, EndedDelivery } from '../delivery/delivery-mode.js';
import type { DeliveryReport } from '../delivery/delivery-report.js';
import type { HandlerPolicies } from '../delivery/handler-policies.js';
import { afterMs, delayOfLevelMs } from '../delivery/retry-after.js';
import type { ResolvedRetry } from '../options/consumer-options.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import { type PulledMessage, physicalOffsetOf } from '../queues/pulled-message.js';
import { handleAgainIn } from '../queues/settle-message.js';
import { Invisibility } from './invisibility.js';
import { PopAcks } from './pop-acks.js';
import type { PopRequests } from './pop-requests.js';
import type { PoppedMessage } from './popped-message.js';
import type { Receipt } from './receipt.js';

/** How long a message that failed stays away, by the number of tries before: Java's popDelayLevel. */
const RETRY_AFTER_S = [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200] as const;
/** What nobody here handles any more is given to others after; brokers look each second. */
const GIVE_BACK_MS = 1_000;

export interface PopModeServices {
  readonly retry: ResolvedRetry;
  readonly policiesOf: (consumed: ConsumedQueue, pulled: PulledMessage) => Required<HandlerPolicies>;
  readonly invisibleTimeMs: number;
  readonly consumeTimeoutMs: number;
  readonly requests: PopRequests;
  readonly sendBack: SendBack;
  /** Whether the application wants nothing of the queue now. */
  readonly isPaused: (consumed: ConsumedQueue) => boolean;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  readonly report: DeliveryReport;
  readonly clock: Clock;
}

/**
 * Pop: brokers give out what nobody has, and each message is acknowledged by itself. One that fails is tried again here as
 * often as `handlerRetry` says; then its invisible time is changed to how long it is to stay away, and it comes to whichever
 * member. After the last try it is sent back as a dead letter and acknowledged. Of what nothing is said to the broker comes
 * again. Matches Apache's ConsumeMessagePopConcurrentlyService, which has no dead letters: it drops.
 */
export class PopMode implements DeliveryMode {
  readonly #services: PopModeServices;
  readonly #acks: PopAcks;
  readonly #invisibility: Invisibility;
  readonly #asking = new Set<Promise<void>>();
  #stopped = false;

  constructor(services: PopModeServices) {
    const { requests, report, clock, invisibleTimeMs, consumeTimeoutMs: waitMsMax, isPaused } = services;
    this.#services = services;
    this.#acks = new PopAcks({
      requests,
      clock,
      onLost: ({ consumed, pulled }, error) => report.ackFailed(consumed, pulled, error),
    });
    this.#invisibility = new Invisibility({
      ...{ invisibleTimeMs, waitMsMax, isPaused, clock },
      prolong: (consumed, pulled, forMs) => this.#changeInvisibleTime(consumed, pulled, forMs),
      onExpired: (consumed, pulled) => this.#expire(consumed, pulled),
      onFailed: (consumed, pulled, error) => report.prolongFailed(consumed, pulled, error),
    });
  }

  /** Messages came. */
  hold(consumed: ConsumedQueue, messages: readonly PoppedMessage[]): void {
    this.#invisibility.hold(consumed, messages);
  }

  /** Gives messages that nobody here handles to others. */
  giveBack(consumed: ConsumedQueue, messages: readonly PoppedMessage[]): void {
    for (const pulled of messages) {
      if (this.#isOver(pulled)) continue;
      this.#ask(
        Promise.resolve(pulled.renewing)
          .then(() => this.#changeInvisibleTime(consumed, pulled, GIVE_BACK_MS))
          .then(
            () => undefined,
            (error: unknown) => this.#services.report.prolongFailed(consumed, pulled, error),
          ),
      );
    }
  }

  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[] {
    const nowMs = this.#services.clock.monotonic();
    for (;;) {
      const again = consumed.again.splice(0, 1);
      const next = (again.length > 0 ? again : consumed.processQueue.takeUpTo(max)) as PoppedMessage[];
      const taken = next.filter((pulled) => !this.#isOver(pulled));
      for (const pulled of next) {
        pulled.taken = true;
        pulled.sinceMs = nowMs;
        if (this.#isOver(pulled)) this.#letGo(consumed, pulled);
      }
      if (taken.length > 0 || next.length === 0) return taken;
    }
  }

  /** None of this consumer's business, so it is done. */
  skip(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void {
    for (const pulled of skipped) this.#acknowledge(consumed, pulled as PoppedMessage);
    consumed.onRoom?.();
  }

  settle(ended: EndedDelivery, outcome: DeliveryOutcome): void {
    const { consumed, held, startedMs } = ended;
    for (const [index, pulled] of held.entries()) {
      const own = outcomeOf(outcome, index);
      if (own.kind === 'ack') {
        this.#services.report.handled(consumed, pulled, startedMs);
        this.#acknowledge(consumed, pulled as PoppedMessage);
      } else this.#fail(ended, pulled as PoppedMessage, own);
    }
    consumed.onRoom?.();
  }

  async drain(): Promise<void> {
    this.#stopped = true;
    // No handler has any of it.
    this.#giveBackAll(() => true);
    while (this.#asking.size > 0) await Promise.all(this.#asking);
    await this.#acks.drain();
  }

  /** A queue that is popped no longer here: what waits goes to others, what a handler has is its own to the end. */
  lose(consumed: ConsumedQueue): void {
    this.#giveBackAll(({ taken }, held) => !taken && held === consumed);
  }

  /** Keeps nothing any more: handlers that still run are not waited for. */
  stop(): void {
    this.#giveBackAll(({ taken }) => !taken);
    this.#invisibility.stop();
  }

  #giveBackAll(which: Parameters<Invisibility['releaseAll']>[0]): void {
    for (const [pulled, consumed] of this.#invisibility.releaseAll(which)) {
      consumed.processQueue.acknowledge(pulled);
      this.giveBack(consumed, [pulled]);
    }
  }

  /** Also when its time is over: the broker may not have looked yet. */
  #acknowledge(consumed: ConsumedQueue, pulled: PoppedMessage): void {
    if (this.#isOver(pulled)) this.#tellExpired(consumed, pulled);
    this.#release(consumed, pulled);
    const add = (): void => {
      const { topic } = consumed.queue;
      this.#acks.add({ topic, receipt: pulled.receipt, consumed, pulled });
    };
    if (pulled.renewing === undefined) add();
    else this.#ask(pulled.renewing.then(add));
  }

  /** It is not among what is here any more. */
  #release(consumed: ConsumedQueue, pulled: PoppedMessage): void {
    this.#invisibility.release(pulled);
    consumed.processQueue.acknowledge(pulled);
  }

  #fail(ended: EndedDelivery, pulled: PoppedMessage, outcome: FailedOutcome): void {
    const { consumed } = ended;
    const { report, retry, policiesOf, clock, wake } = this.#services;
    if (this.#isOver(pulled)) {
      // It comes again by itself: to say more of it would make two of it.
      report.failed(ended, pulled, outcome, 'broker', 0);
      this.#letGo(consumed, pulled);
      return;
    }
    const { attempts, initialDelayMs, maxDelayMs } = retry.here;
    const staysHere = pulled.failures < attempts && !consumed.dropped;
    if (outcome.kind === 'retry' && outcome.delayLevel === undefined && staysHere) {
      const retryInMs = outcome.afterMs ?? backOffMs(pulled.failures + 1, initialDelayMs, maxDelayMs);
      report.failed(ended, pulled, outcome, 'here', retryInMs);
      pulled.taken = false;
      pulled.sinceMs = clock.monotonic();
      handleAgainIn(consumed, pulled, retryInMs, { clock, wake, isStopped: () => this.#stopped });
      return;
    }
    const before = pulled.reconsumeTimes;
    if (outcome.kind === 'deadLetter' || before >= policiesOf(consumed, pulled).maxReconsumeTimes) {
      report.failed(ended, pulled, outcome, 'deadLetter', undefined);
      this.#ask(this.#deadLetter(consumed, pulled));
      return;
    }
    this.#ask(this.#comeAgain(ended, pulled, outcome, before));
  }

  /** Never rejects. */
  async #comeAgain(ended: EndedDelivery, pulled: PoppedMessage, outcome: FailedOutcome, before: number): Promise<void> {
    const { consumed } = ended;
    const { report } = this.#services;
    const leftMs = () => Math.max(0, pulled.invisibleUntilMs - this.#services.clock.monotonic());
    let retryInMs: number | undefined;
    let failure: unknown;
    try {
      retryInMs = Math.max(1, Math.round(this.#retryInMs(outcome, before)));
    } catch (error) {
      failure = error;
    }
    report.failed(ended, pulled, outcome, 'broker', retryInMs ?? leftMs());
    this.#release(consumed, pulled);
    if (retryInMs === undefined) {
      report.sendBackFailed(consumed, pulled, failure, leftMs());
      return;
    }
    await pulled.renewing;
    try {
      await this.#changeInvisibleTime(consumed, pulled, retryInMs);
    } catch (error) {
      report.sendBackFailed(consumed, pulled, error, leftMs());
    }
  }

  /** The dead letter first: what happens between the two makes it two, never none. Never rejects. */
  async #deadLetter(consumed: ConsumedQueue, pulled: PoppedMessage): Promise<void> {
    const { sendBack, policiesOf, report, clock } = this.#services;
    const { topic, brokerName } = consumed.queue;
    try {
      await sendBack({
        queue: { topic, brokerName, queueId: pulled.receipt.queueId },
        commitLogOffset: physicalOffsetOf(pulled),
        msgId: pulled.message?.msgId,
        originTopic: topic,
        delayLevel: DEAD_LETTER_LEVEL,
        maxReconsumeTimes: policiesOf(consumed, pulled).maxReconsumeTimes,
      });
    } catch (error) {
      report.sendBackFailed(consumed, pulled, error, Math.max(0, pulled.invisibleUntilMs - clock.monotonic()));
      this.#release(consumed, pulled);
      consumed.onRoom?.();
      return;
    }
    report.sentBack(consumed, pulled, DEAD_LETTER_LEVEL);
    this.#acknowledge(consumed, pulled);
    consumed.onRoom?.();
  }

  /** @throws what the application's back-off throws, and RMQ_OPTIONS_INVALID for what it returns */
  #retryInMs(outcome: FailedOutcome, before: number): number {
    const { afterMs: asked, delayLevel } = outcome as { readonly afterMs?: number; readonly delayLevel?: number };
    if (asked !== undefined) return asked;
    if (delayLevel !== undefined) return delayOfLevelMs(delayLevel) ?? afterTries(RETRY_AFTER_S.length);
    const { backOff } = this.#services.retry;
    return backOff === undefined ? afterTries(before) : afterMs(backOff(before + 1));
  }

  #isOver({ invisibleUntilMs }: PoppedMessage): boolean {
    return invisibleUntilMs <= this.#services.clock.monotonic();
  }

  #expire(consumed: ConsumedQueue, pulled: PoppedMessage): void {
    if (!pulled.taken) {
      this.#letGo(consumed, pulled);
      consumed.onRoom?.();
      return;
    }
    this.#tellExpired(consumed, pulled);
  }

  #letGo(consumed: ConsumedQueue, pulled: PoppedMessage): void {
    this.#tellExpired(consumed, pulled);
    this.#release(consumed, pulled);
  }

  #tellExpired(consumed: ConsumedQueue, pulled: PoppedMessage): void {
    if (pulled.expired) return;
    pulled.expired = true;
    consumed.receiptsExpired++;
    this.#services.report.receiptExpired(consumed, pulled);
  }

  async #changeInvisibleTime(consumed: ConsumedQueue, { receipt }: PoppedMessage, forMs: number): Promise<Receipt> {
    return this.#services.requests.changeInvisibleTime({ topic: consumed.queue.topic, receipt }, forMs);
  }

  #ask(asking: Promise<void>): void {
    const own = asking.finally(() => this.#asking.delete(own));
    this.#asking.add(own);
  }
}

function afterTries(tries: number): number {
  return (RETRY_AFTER_S[Math.min(tries, RETRY_AFTER_S.length - 1)] as number) * 1_000;
}
