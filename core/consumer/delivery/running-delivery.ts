import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { EndedDelivery } from './delivery-mode.js';
import type { DeliveryFacts } from './delivery-pass.js';

/** A delivery from the call of its handler to its outcome. */
export class RunningDelivery implements DeliveryFacts, EndedDelivery {
  readonly group: string;
  readonly consumed: ConsumedQueue;
  readonly held: readonly PulledMessage[];
  readonly startedMs: number;
  /** It was not waited for; its outcome is decided. */
  abandoned = false;
  heldBy: string | undefined = undefined;
  #ended = false;

  constructor(group: string, consumed: ConsumedQueue, held: readonly PulledMessage[], startedMs: number) {
    this.group = group;
    this.consumed = consumed;
    this.held = held;
    this.startedMs = startedMs;
  }

  get queue(): MessageQueue {
    return this.consumed.shown;
  }

  get signals(): ConsumedQueue {
    return this.consumed;
  }

  get messages(): readonly ReceivedMessage[] {
    return this.held.map(({ message }) => message as ReceivedMessage);
  }

  get attempt(): number {
    return this.held.length === 1
      ? (this.held[0] as PulledMessage).tries
      : this.held.reduce((most, { tries }) => Math.max(most, tries), 0);
  }

  /** Nothing that is said of its messages counts any more. */
  get ended(): boolean {
    return this.#ended || this.consumed.lost;
  }

  end(): void {
    this.#ended = true;
    this.consumed.forgetSignal(this);
  }
}
