import type { ReceivedMessage } from '../../message/message.js';
import type { DecodableTopic } from '../subscription/subscribe.js';
import { type ConsumedMessage, HandledMessage } from './consumed-message.js';
import { ACK, type MessageOutcome } from './delivery.js';
import type { DeliveryEnd, SettleDelivery } from './delivery-chain.js';
import { DeliveryDecisions, type DeliveryEnding } from './delivery-decisions.js';
import { DeliveryPass } from './delivery-pass.js';
import type { HandlerContext } from './handler-context.js';
import type { ReplySender } from './reply-sender.js';

/** A handler once the types of its messages no longer matter. */
export type AnyHandler = (message: ConsumedMessage, context: HandlerContext) => unknown;
export type AnyBatchHandler = (messages: readonly ConsumedMessage[], context: HandlerContext) => unknown;

/** What the end of a delivery knows of topics, and what its messages need. */
export interface TopicValues {
  /** The typed topic of that name; undefined where it has no type. */
  decodableOf(topic: string): DecodableTopic | undefined;
  /** What becomes of a message whose body is no value of its topic. */
  undecodable(message: ReceivedMessage, error: unknown): MessageOutcome;
  /** For `message.reply`. */
  readonly replies: ReplySender;
}

/**
 * The innermost part of every delivery: turns the body into the topic's value where the topic is typed, and calls the
 * application's handler. The value is read here and not earlier, so that it is made of the body that interceptors passed
 * on (decrypted, say).
 *
 * @param handlerOf the handler for the messages of a topic; undefined when there is none for it
 */
export function handlerEnd(handlerOf: (topic: string) => AnyHandler | undefined, values: TopicValues): DeliveryEnd {
  return (context, settle) => {
    const received = context.messages[0] as ReceivedMessage;
    const handler = handlerOf(received.topic);
    if (handler === undefined) {
      settle({ kind: 'retry', error: new Error(`there is no handler for topic ${received.topic}`) });
      return;
    }
    const delivery = DeliveryPass.deliveryOf(context);
    const deliver = (value: unknown): void => {
      const decisions = new DeliveryDecisions(delivery, 1);
      const message = new HandledMessage(received, value, decisions, 0, values.replies);
      call(() => handler(message, context), decisions, settle);
    };
    withValue(received, delivery, values, deliver, settle);
  };
}

/** The same for a handler of batches: it gets those whose bodies are values, together. */
export function batchEnd(handler: AnyBatchHandler, values: TopicValues): DeliveryEnd {
  return (context, settle) => {
    const { messages } = context;
    const delivery = DeliveryPass.deliveryOf(context);
    const decisions = new DeliveryDecisions(delivery, messages.length);
    const handled = new Array<ConsumedMessage | undefined>(messages.length).fill(undefined);
    let reading = messages.length;
    const read = (): void => {
      reading--;
      if (reading > 0) return;
      const readable = handled.filter((message) => message !== undefined);
      if (readable.length === 0) settle(decisions.close(ACK));
      else call(() => handler(readable, context), decisions, settle);
    };
    for (const [index, received] of messages.entries()) {
      withValue(
        received,
        delivery,
        values,
        (value) => {
          handled[index] = new HandledMessage(received, value, decisions, index, values.replies);
          read();
        },
        (outcome) => {
          decisions.decide(index, outcome);
          read();
        },
      );
    }
  };
}

/**
 * Reads a message's value, by promise only where its topic does. What is no value ends as the policy says; what was given up
 * meanwhile, since it took too long or its queue has gone, reaches nobody.
 */
export function withValue(
  received: ReceivedMessage,
  delivery: DeliveryEnding,
  values: TopicValues,
  deliver: (value: unknown) => void,
  refuse: (outcome: MessageOutcome) => void,
): void {
  const decodable = values.decodableOf(received.topic);
  if (decodable === undefined) {
    deliver(received.value);
    return;
  }
  let value: unknown;
  try {
    value = decodable.decode(received.body);
  } catch (error) {
    refuse(values.undecodable(received, error));
    return;
  }
  if (isThenable(value)) {
    value.then(
      (read) => (delivery.ended ? refuse(GIVEN_UP) : deliver(read)),
      (error: unknown) => refuse(values.undecodable(received, error)),
    );
  } else {
    deliver(value);
  }
}

const GIVEN_UP: MessageOutcome = { kind: 'retry', error: undefined };

/** Calls the handler; returning acknowledges what it left undecided, throwing retries it. */
function call(handle: () => unknown, decisions: DeliveryDecisions, settle: SettleDelivery): void {
  let returned: unknown;
  try {
    returned = handle();
  } catch (error) {
    settle(decisions.close({ kind: 'retry', error }));
    return;
  }
  if (!isThenable(returned)) {
    settle(decisions.close(ACK));
    return;
  }
  Promise.resolve(returned).then(
    () => settle(decisions.close(ACK)),
    (error: unknown) => settle(decisions.close({ kind: 'retry', error })),
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
