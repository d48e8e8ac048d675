import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { ConsumeStatistics } from '../report/consume-statistics.js';
import type { FailureNext } from '../report/consumer-event.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import type { MessageOutcome } from './delivery.js';
import type { EndedDelivery } from './delivery-mode.js';

/** Says in log, events and statistics how deliveries end, in the same words on every kind of consumer. */
export class DeliveryReport {
  readonly #group: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events: ConsumerEvents;
  readonly #statistics: ConsumeStatistics;

  /** @param group as the application writes it */
  constructor(group: string, clock: Clock, logger: Logger, events: ConsumerEvents, statistics: ConsumeStatistics) {
    this.#group = group;
    this.#clock = clock;
    this.#logger = logger;
    this.#events = events;
    this.#statistics = statistics;
  }

  handled(consumed: ConsumedQueue, pulled: PulledMessage, startedMs: number): void {
    const nowMs = this.#clock.monotonic();
    this.#statistics.handled(consumed.shown.topic, nowMs, nowMs - startedMs);
    if (!this.#events.observed || pulled.message === undefined) return;
    this.#events.emit({
      type: 'handled',
      queue: consumed.shown,
      queueOffset: pulled.queueOffset,
      msgId: pulled.message.msgId,
      attempt: pulled.tries,
      elapsedMs: nowMs - startedMs,
    });
  }

  /**
   * A message was not handled.
   * @param next what becomes of it
   * @param retryInMs when it comes again, where that is known here
   */
  failed(
    { consumed, startedMs }: EndedDelivery,
    pulled: PulledMessage,
    outcome: MessageOutcome,
    next: FailureNext,
    retryInMs: number | undefined,
  ): void {
    const nowMs = this.#clock.monotonic();
    this.#statistics.failed(consumed.shown.topic, nowMs, nowMs - startedMs);
    const { queueOffset, tries: attempt } = pulled;
    const msgId = pulled.message?.msgId;
    const reason = outcome.kind === 'deadLetter' ? { reason: outcome.reason } : {};
    const error = outcome.kind === 'ack' ? undefined : outcome.error;
    const facts = { queueOffset, msgId, attempt, error, next, retryInMs, ...reason };
    const asked = outcome.kind === 'retry' && error === undefined;
    // People read it: what is not known here is left out.
    const known = Object.entries(facts).filter(([, value]) => value !== undefined);
    this.#logger[asked ? 'info' : 'warn'](
      asked ? 'a handler wants a message again' : 'a message could not be handled',
      { group: this.#group, ...consumed.shown, ...Object.fromEntries(known) },
    );
    if (this.#events.observed) this.#events.emit({ type: 'failed', queue: consumed.shown, ...facts });
  }

  /** The broker took a message back. */
  sentBack(consumed: ConsumedQueue, pulled: PulledMessage, delayLevel: number): void {
    if (!this.#events.observed) return;
    const { queueOffset } = pulled;
    const msgId = pulled.message?.msgId;
    this.#events.emit({ type: 'sentBack', queue: consumed.shown, queueOffset, msgId, delayLevel });
  }

  /** The invisible time of a popped message was over before something was said of it. */
  receiptExpired(consumed: ConsumedQueue, pulled: PulledMessage): void {
    const facts = { queueOffset: pulled.queueOffset, msgId: pulled.message?.msgId };
    this.#logger.info('the invisible time of a popped message is over; it comes again', {
      group: this.#group,
      ...consumed.shown,
      ...facts,
    });
    if (this.#events.observed) this.#events.emit({ type: 'receiptExpired', queue: consumed.shown, ...facts });
  }

  /** The broker was not told that a popped message is done. */
  ackFailed(consumed: ConsumedQueue, pulled: PulledMessage, error: unknown): void {
    const facts = { queueOffset: pulled.queueOffset, msgId: pulled.message?.msgId, error };
    this.#logger.warn('a popped message could not be acknowledged; it comes again', {
      group: this.#group,
      ...consumed.shown,
      ...facts,
    });
    if (this.#events.observed) this.#events.emit({ type: 'ackFailed', queue: consumed.shown, ...facts });
  }

  /** The invisible time of a popped message could not be changed, to keep it or to give it back. */
  prolongFailed(consumed: ConsumedQueue, pulled: PulledMessage, error: unknown): void {
    this.#logger.warn('the invisible time of a popped message could not be changed', {
      group: this.#group,
      ...consumed.shown,
      queueOffset: pulled.queueOffset,
      error,
    });
  }

  /** The broker did not take it. */
  sendBackFailed(consumed: ConsumedQueue, pulled: PulledMessage, error: unknown, retryInMs: number): void {
    const facts = { queueOffset: pulled.queueOffset, msgId: pulled.message?.msgId, error, retryInMs };
    this.#logger.warn('a message could not be sent back; it is not lost and is handled again', {
      group: this.#group,
      ...consumed.shown,
      ...facts,
    });
    if (this.#events.observed) this.#events.emit({ type: 'sendBackFailed', queue: consumed.shown, ...facts });
  }
}
