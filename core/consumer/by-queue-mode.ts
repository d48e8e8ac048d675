import type { DeliveryOutcome } from './delivery/delivery.js';
import type { DeliveryMode, EndedDelivery } from './delivery/delivery-mode.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import type { PulledMessage } from './queues/pulled-message.js';

/**
 * A mode for queues that are popped and one for those that are pulled, such as the retry topic of a group whose topics are
 * popped.
 */
export class ByQueueMode implements DeliveryMode {
  readonly #popped: DeliveryMode;
  readonly #pulled: DeliveryMode;

  constructor(popped: DeliveryMode, pulled: DeliveryMode) {
    this.#popped = popped;
    this.#pulled = pulled;
  }

  take(consumed: ConsumedQueue, max: number): readonly PulledMessage[] {
    return this.#of(consumed).take(consumed, max);
  }

  skip(consumed: ConsumedQueue, skipped: readonly PulledMessage[]): void {
    this.#of(consumed).skip(consumed, skipped);
  }

  settle(ended: EndedDelivery, outcome: DeliveryOutcome): void {
    this.#of(ended.consumed).settle(ended, outcome);
  }

  async drain(): Promise<void> {
    await Promise.all([this.#popped.drain(), this.#pulled.drain()]);
  }

  #of({ popped }: ConsumedQueue): DeliveryMode {
    return popped ? this.#popped : this.#pulled;
  }
}
