import type { ReceivedMessage } from '../../message/message.js';
import { type ConsumedMessage, HandledMessage } from '../delivery/consumed-message.js';
import { ACK, type DeliveryContext, type DeliveryOutcome } from '../delivery/delivery.js';
import type { SettleDelivery } from '../delivery/delivery-chain.js';
import { DeliveryDecisions, type DeliveryEnding } from '../delivery/delivery-decisions.js';
import { DeliveryPass } from '../delivery/delivery-pass.js';
import { type TopicValues, withValue } from '../delivery/handler-end.js';

/**
 * Messages that an application holds without a handler, until it says what becomes of them: what `messages()` and
 * `messages$` share.
 */
export class HeldMessages {
  readonly #held = new Map<DeliveryEnding, SettleDelivery>();

  /** Messages given out that nothing was said of. */
  get count(): number {
    return this.#held.size;
  }

  /** Gives a delivery's message out; the delivery ends with what is said of it. */
  give(
    context: DeliveryContext,
    values: TopicValues,
    settle: SettleDelivery,
    hand: (message: ConsumedMessage) => void,
  ): void {
    const received = context.messages[0] as ReceivedMessage;
    const delivery = DeliveryPass.deliveryOf(context);
    const deliver = (value: unknown): void => {
      const decisions = new DeliveryDecisions(delivery, 1, () => {
        this.#held.delete(delivery);
        settle(decisions.close(ACK));
      });
      this.#held.set(delivery, settle);
      hand(new HandledMessage(received, value, decisions, 0, values.replies));
    };
    withValue(received, delivery, values, deliver, settle);
  }

  /** One of them is not waited for any longer. */
  abandon(delivery: object, outcome: DeliveryOutcome): void {
    const settle = this.#held.get(delivery as DeliveryEnding);
    this.#held.delete(delivery as DeliveryEnding);
    settle?.(outcome);
  }
}
