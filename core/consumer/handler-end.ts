import type { ReceivedMessage } from '../message/message.js';
import type { HandlerContext } from './consumer.js';
import { ACK, type DeliveryEnd, type SettleDelivery } from './delivery-chain.js';
import type { DecodableTopic } from './subscribe.js';

/** A handler once the types of its messages no longer matter. */
export type AnyHandler = (message: ReceivedMessage, context: HandlerContext) => unknown;

/**
 * The innermost part of every delivery: turns the body into the topic's value where the topic is typed, and calls the
 * application's handler. The value is read here and not earlier, so that it is made of the body that interceptors passed
 * on (decrypted, say). A value that cannot be read fails the delivery as a throwing handler does.
 *
 * @param decodableOf the typed topic of a topic's name, undefined where it has no type
 */
export function handlerEnd(
  handler: AnyHandler,
  decodableOf: (topic: string) => DecodableTopic | undefined,
): DeliveryEnd {
  return (context, settle) => {
    const message = context.messages[0] as ReceivedMessage;
    const decodable = decodableOf(message.topic);
    if (decodable === undefined) {
      call(handler, message, context, settle);
      return;
    }
    let value: unknown;
    try {
      value = decodable.decode(message.body);
    } catch (error) {
      settle({ kind: 'retry', error });
      return;
    }
    if (isThenable(value)) {
      value.then(
        (decoded) => call(handler, withValue(message, decoded), context, settle),
        (error: unknown) => settle({ kind: 'retry', error }),
      );
    } else {
      call(handler, withValue(message, value), context, settle);
    }
  };
}

function call(handler: AnyHandler, message: ReceivedMessage, context: HandlerContext, settle: SettleDelivery): void {
  let returned: unknown;
  try {
    returned = handler(message, context);
  } catch (error) {
    settle({ kind: 'retry', error });
    return;
  }
  if (isThenable(returned)) {
    Promise.resolve(returned).then(
      () => settle(ACK),
      (error: unknown) => settle({ kind: 'retry', error }),
    );
  } else {
    settle(ACK);
  }
}

function withValue(message: ReceivedMessage, value: unknown): ReceivedMessage {
  return { ...message, value };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
