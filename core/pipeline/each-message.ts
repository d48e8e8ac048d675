import type { OutgoingMessage } from '../message/message.js';
import type { MessageChange, SendContext } from './context.js';

/**
 * What `context.with` takes to change what is sent: the one message of a send, or each of a batch. Before `select`, a change
 * is made once per message; behind it once per attempt.
 * @example
 * create: () => (context, next) =>
 *   next(context.with(eachMessage(context, (message) => ({ ...message, properties: { ...message.properties, shop: 'north' } }))))
 */
export function eachMessage(
  { message, batch }: Pick<SendContext, 'message' | 'batch'>,
  change: (message: OutgoingMessage) => OutgoingMessage,
): MessageChange {
  // Not the function itself: map would give it more than the message.
  return batch === undefined ? { message: change(message) } : { batch: batch.map((one) => change(one)) };
}
