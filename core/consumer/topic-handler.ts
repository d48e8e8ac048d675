import type { ConsumedMessage } from './consumed-message.js';
import type { HandlerContext } from './consumer.js';
import type { AnyHandler } from './handler-end.js';
import type { DecodableTopic } from './subscribe.js';

/** A topic with the handler of its messages; `on` makes it. */
export interface TopicHandler {
  readonly topic: string;
  readonly handler: AnyHandler;
}

/**
 * Gives a topic a handler of its own.
 * @example await consumer.run([on(orders, (message) => bill(message.value)), on('audit', (message) => keep(message.body))]);
 */
export function on<T>(
  topic: DecodableTopic<T>,
  handler: (message: ConsumedMessage<T>, context: HandlerContext) => unknown,
): TopicHandler;
export function on(
  topic: string,
  handler: (message: ConsumedMessage, context: HandlerContext) => unknown,
): TopicHandler;
export function on(topic: string | DecodableTopic, handler: AnyHandler): TopicHandler {
  return { topic: typeof topic === 'string' ? topic : topic.name, handler };
}
