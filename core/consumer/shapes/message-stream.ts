import { Observable, type Subscriber } from 'rxjs';
import type { ConsumedMessage } from '../delivery/consumed-message.js';
import type { DeliveryOutcome } from '../delivery/delivery.js';
import type { DeliveryEnd } from '../delivery/delivery-chain.js';
import type { TopicValues } from '../delivery/handler-end.js';
import type { Receiver } from '../delivery/receiver.js';
import { HeldMessages } from './held-messages.js';

/** What an Observable of messages needs of its consumer. */
export interface StreamedConsumer {
  /** Starts it, once. */
  start(receiver: Receiver): Promise<void>;
  /** Closes it, unless another has its messages: what is given out may still be acknowledged meanwhile. */
  close(receiver: Receiver): void;
}

/**
 * A consumer's messages as they come, to one subscriber: at most `concurrency` that nothing was said of yet. Subscribing
 * starts the consumer, unsubscribing closes it, and it completes when the consumer is closed.
 */
export function messageStream(consumer: StreamedConsumer): Observable<ConsumedMessage> {
  return new Observable((subscriber) => {
    const receiver = new StreamReceiver(subscriber);
    consumer.start(receiver).catch((error: unknown) => subscriber.error(error));
    return () => consumer.close(receiver);
  });
}

class StreamReceiver implements Receiver {
  readonly kind = 'observable';
  readonly batchSize = 1;
  readonly endsByItself = false;
  readonly #subscriber: Subscriber<ConsumedMessage>;
  readonly #held = new HeldMessages();

  constructor(subscriber: Subscriber<ConsumedMessage>) {
    this.#subscriber = subscriber;
  }

  end(values: TopicValues): DeliveryEnd {
    return (context, settle) => {
      this.#held.give(context, values, settle, (message) => this.#subscriber.next(message));
    };
  }

  wants(): boolean {
    return !this.#subscriber.closed;
  }

  abandon(delivery: object, outcome: DeliveryOutcome): void {
    this.#held.abandon(delivery, outcome);
  }

  stop(): void {
    this.#subscriber.complete();
  }
}
