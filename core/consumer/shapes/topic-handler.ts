import type { ConsumedMessage } from '../delivery/consumed-message.js';
import type { HandlerContext } from '../delivery/handler-context.js';
import type { AnyHandler } from '../delivery/handler-end.js';
import type { HandlerPolicies } from '../delivery/handler-policies.js';
import type { DecodableTopic } from '../subscription/subscribe.js';

/** A topic with the handler of its messages; `on` makes it. */
export interface TopicHandler {
  readonly topic: string;
  readonly handler: AnyHandler;
  /** Default: the consumer's. */
  readonly policies?: HandlerPolicies;
}

/**
 * Gives a topic a handler of its own, and, where it is to differ from the consumer's, what becomes of messages that fail.
 * @example await consumer.run([on(orders, (message) => bill(message.value)), on('audit', (message) => keep(message.body))]);
 * @example on(orders, (message) => bill(message.value), { undecodable: 'deadLetter', maxReconsumeTimes: 3 })
 */
export function on<T>(
  topic: DecodableTopic<T>,
  handler: (message: ConsumedMessage<T>, context: HandlerContext) => unknown,
  policies?: HandlerPolicies,
): TopicHandler;
export function on(
  topic: string,
  handler: (message: ConsumedMessage, context: HandlerContext) => unknown,
  policies?: HandlerPolicies,
): TopicHandler;
export function on(topic: string | DecodableTopic, handler: AnyHandler, policies: HandlerPolicies = {}): TopicHandler {
  return { topic: typeof topic === 'string' ? topic : topic.name, handler, policies };
}
