import { rocketMQError } from '../../errors/rocketmq-error.js';
import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import type { ConsumedMessage } from '../delivery/consumed-message.js';
import type { DeliveryOutcome } from '../delivery/delivery.js';
import type { DeliveryEnd } from '../delivery/delivery-chain.js';
import type { TopicValues } from '../delivery/handler-end.js';
import type { Receiver } from '../delivery/receiver.js';
import { HeldMessages } from './held-messages.js';

/** When a message of `messages()` is acknowledged. */
export interface IterationOptions {
  /**
   * `'explicit'`, the default: by `message.ack()`. `'onNext'`: when the next one is asked for, unless something else was said
   * of it; leaving the loop leaves the last one unacknowledged.
   */
  readonly ack?: 'explicit' | 'onNext';
  /** Ends the iteration and closes the consumer. Default: the `signal` of its options. */
  readonly signal?: AbortSignal;
}

const MESSAGES: OptionNames = { of: 'messages', names: new Set<keyof IterationOptions>(['ack', 'signal']) };

/** What an iterator needs of its consumer. */
export interface IteratedConsumer {
  /** Starts it, once. */
  start(receiver: Receiver): Promise<void>;
  /** A message is asked for: a delivery may start. */
  more(): void;
  /** Closes the consumer, unless another has its messages, not waiting for messages that are given out. */
  leave(receiver: Receiver): Promise<void>;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<ConsumedMessage, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A consumer's messages as they are asked for: a message is taken from its queue only when somebody waits for it, so that
 * none is on its way when the loop ends. Any number may be asked for at a time.
 */
export class MessageIterator implements AsyncIterableIterator<ConsumedMessage, undefined>, Receiver {
  readonly kind = 'iterator';
  readonly batchSize = 1;
  readonly endsByItself = false;
  readonly #consumer: IteratedConsumer;
  readonly #ackOnNext: boolean;
  readonly #held = new HeldMessages();
  #waiters: Waiter[] = [];
  #last: ConsumedMessage | undefined;
  #started = false;
  #ended = false;

  constructor(consumer: IteratedConsumer, ack: 'explicit' | 'onNext') {
    this.#consumer = consumer;
    this.#ackOnNext = ack === 'onNext';
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws what starting the consumer throws */
  next(): Promise<IteratorResult<ConsumedMessage, undefined>> {
    if (this.#ackOnNext) this.#last?.ack();
    this.#last = undefined;
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    const result = new Promise<IteratorResult<ConsumedMessage, undefined>>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    if (this.#started) {
      this.#consumer.more();
    } else {
      this.#started = true;
      this.#consumer.start(this).catch((error: unknown) => this.#fail(error));
    }
    return result;
  }

  /** Leaving the loop: what was not acknowledged comes again, and the consumer is closed. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.stop();
    await this.#consumer.leave(this);
    return { done: true, value: undefined };
  }

  end(values: TopicValues): DeliveryEnd {
    return (context, settle) => {
      this.#held.give(context, values, settle, (message) => {
        const waiter = this.#waiters.shift();
        if (waiter === undefined) {
          // Only when an interceptor held the delivery until after the end.
          message.retry();
          return;
        }
        this.#last = message;
        waiter.resolve({ done: false, value: message });
      });
    };
  }

  wants(running: number): boolean {
    return this.#waiters.length > running - this.#held.count;
  }

  abandon(delivery: object, outcome: DeliveryOutcome): void {
    this.#held.abandon(delivery, outcome);
  }

  stop(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve({ done: true, value: undefined });
  }

  #fail(error: unknown): void {
    this.#ended = true;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}

/** @throws RMQ_OPTIONS_INVALID */
export function ackOption(options: IterationOptions): 'explicit' | 'onNext' {
  requireKnown(options, MESSAGES);
  const { ack = 'explicit' } = options;
  if (ack === 'explicit' || ack === 'onNext') return ack;
  const message = `messages: ack must be 'explicit' or 'onNext', not ${String(ack)}`;
  throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'ack' });
}
