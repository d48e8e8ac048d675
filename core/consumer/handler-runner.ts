import type { ReceivedMessage } from '../message/message.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { backOffMs } from './back-off.js';
import type { ConsumedQueue } from './consumed-queue.js';
import type { ConsumerEvents } from './consumer-events.js';
import type { HandlerRetry } from './consumer-options.js';
import type { DeliveryOutcome } from './delivery.js';
import type { DeliveryEnd } from './delivery-chain.js';
import { type DeliveryFacts, DeliveryPass } from './delivery-pass.js';
import type { PulledMessage } from './pulled-message.js';

/** Handlers started before the event loop gets a turn of its own: sockets and timers must not starve. */
const DELIVERIES_PER_TURN = 256;

export interface HandlerRunnerOptions {
  /** The group as the application writes it. */
  readonly group: string;
  readonly concurrency: number;
  readonly retry: Required<HandlerRetry>;
  readonly deliver: DeliveryEnd;
  /** Reads the record, by promise when it takes its time. What it throws fails the message as a handler does. */
  readonly decode: (pulled: PulledMessage, consumed: ConsumedQueue) => ReceivedMessage | Promise<ReceivedMessage>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
}

/**
 * Calls handlers for what was pulled, a bounded number at one time over all queues. Queues with work take turns, each in
 * its own order. A message whose handler fails waits its back-off outside of the bound and is tried again, for ever; until
 * it succeeds its offset holds back what may be committed.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  /** Queues with messages that nobody took; the first one's turn is next. */
  #ready: ConsumedQueue[] = [];
  #turn = 0;
  /** Messages whose back-off is over. */
  #retries: { readonly consumed: ConsumedQueue; readonly pulled: PulledMessage }[] = [];
  #running = 0;
  #budget = DELIVERIES_PER_TURN;
  #filling = false;
  #yielded = false;
  #paused = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running;
  }

  /** Messages were put into the queue. */
  wake(consumed: ConsumedQueue): void {
    if (!this.#ready.includes(consumed)) this.#ready.push(consumed);
    this.#fill();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#fill();
  }

  /** Starts nothing any more. Resolves when no handler runs. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ready = [];
    this.#retries = [];
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (this.#running < this.#options.concurrency && !this.#paused && !this.#stopped && !this.#yielded) {
      if (this.#budget === 0) {
        this.#yield();
        break;
      }
      if (!this.#startNext()) break;
      this.#budget--;
    }
    this.#filling = false;
  }

  #yield(): void {
    this.#yielded = true;
    setImmediate(() => {
      this.#yielded = false;
      this.#budget = DELIVERIES_PER_TURN;
      this.#fill();
    });
  }

  #startNext(): boolean {
    for (let retry = this.#retries.shift(); retry !== undefined; retry = this.#retries.shift()) {
      if (retry.consumed.dropped) continue;
      this.#start(retry.consumed, retry.pulled);
      return true;
    }
    while (this.#ready.length > 0) {
      if (this.#turn >= this.#ready.length) this.#turn = 0;
      const consumed = this.#ready[this.#turn] as ConsumedQueue;
      const pulled = consumed.dropped ? undefined : consumed.processQueue.take();
      if (pulled === undefined) {
        this.#ready.splice(this.#turn, 1);
        continue;
      }
      this.#turn++;
      this.#start(consumed, pulled);
      return true;
    }
    return false;
  }

  #start(consumed: ConsumedQueue, pulled: PulledMessage): void {
    this.#running++;
    if (pulled.message !== undefined) {
      this.#deliver(consumed, pulled, pulled.message);
      return;
    }
    let message: ReceivedMessage | Promise<ReceivedMessage>;
    try {
      message = this.#options.decode(pulled, consumed);
    } catch (error) {
      this.#settle(consumed, pulled, { kind: 'retry', error }, 0);
      return;
    }
    if (message instanceof Promise) {
      message.then(
        (decoded) => this.#deliver(consumed, pulled, decoded),
        (error: unknown) => this.#settle(consumed, pulled, { kind: 'retry', error }, 0),
      );
    } else {
      this.#deliver(consumed, pulled, message);
    }
  }

  #deliver(consumed: ConsumedQueue, pulled: PulledMessage, message: ReceivedMessage): void {
    pulled.message = message;
    const { tags } = consumed.subscription;
    if (consumed.dropped || this.#stopped) {
      this.#ended();
      return;
    }
    if (tags.size > 0 && (message.tag === undefined || !tags.has(message.tag))) {
      // The broker filters by hash; another tag with the same hash is none of ours.
      this.#acknowledge(consumed, pulled);
      this.#ended();
      return;
    }
    const startedMs = this.#options.events.observed ? this.#options.clock.monotonic() : 0;
    const facts: DeliveryFacts = {
      group: this.#options.group,
      queue: consumed.shown,
      attempt: pulled.attempt,
      signals: consumed,
    };
    this.#options.deliver(new DeliveryPass(facts, [message]), (outcome) => {
      consumed.forgetSignal(facts);
      this.#settle(consumed, pulled, outcome, startedMs);
    });
  }

  #settle(consumed: ConsumedQueue, pulled: PulledMessage, outcome: DeliveryOutcome, startedMs: number): void {
    if (consumed.dropped) {
      this.#options.logger.debug('a handler ended after its queue was lost; its message is handled again elsewhere', {
        group: this.#options.group,
        ...consumed.shown,
        queueOffset: pulled.queueOffset,
        outcome: outcome.kind,
      });
    } else if (outcome.kind === 'ack') {
      this.#emitHandled(consumed, pulled, startedMs);
      this.#acknowledge(consumed, pulled);
    } else {
      this.#fail(consumed, pulled, outcome.error);
    }
    this.#ended();
  }

  #ended(): void {
    this.#running--;
    if (this.#running === 0 && this.#stopped) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.#fill();
  }

  #acknowledge(consumed: ConsumedQueue, pulled: PulledMessage): void {
    pulled.message = undefined;
    consumed.processQueue.acknowledge(pulled);
    consumed.onRoom?.();
  }

  #emitHandled(consumed: ConsumedQueue, pulled: PulledMessage, startedMs: number): void {
    const { events, clock } = this.#options;
    if (!events.observed) return;
    const elapsedMs = startedMs === 0 ? 0 : clock.monotonic() - startedMs;
    events.emit({
      type: 'handled',
      queue: consumed.shown,
      queueOffset: pulled.queueOffset,
      msgId: (pulled.message as ReceivedMessage).msgId,
      attempt: pulled.attempt,
      elapsedMs,
    });
  }

  #fail(consumed: ConsumedQueue, pulled: PulledMessage, error: unknown): void {
    const { retry, clock, logger, events, group } = this.#options;
    const attempt = pulled.attempt++;
    const retryInMs = backOffMs(pulled.attempt, retry.initialDelayMs, retry.maxDelayMs);
    const { queueOffset } = pulled;
    const msgId = pulled.message?.msgId;
    logger.warn('a message could not be handled; its offset is held and it is tried again', {
      group,
      ...consumed.shown,
      queueOffset,
      msgId,
      attempt,
      retryInMs,
      error,
    });
    if (events.observed) {
      events.emit({ type: 'failed', queue: consumed.shown, queueOffset, msgId, attempt, error, retryInMs });
    }
    if (this.#stopped) return;
    const timer = clock.setTimer(retryInMs, () => {
      consumed.retryTimers.delete(timer);
      if (consumed.dropped || this.#stopped) return;
      this.#retries.push({ consumed, pulled });
      this.#fill();
    });
    consumed.retryTimers.add(timer);
  }
}
