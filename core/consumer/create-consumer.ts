import { validateGroup, validateTopic } from '../message/message-rules.js';
import type { Consumer, ConsumerServices } from './consumer.js';
import type { ConsumerOptions } from './options/consumer-options.js';
import { resolveConsumerOptions } from './options/resolve-consumer-options.js';
import { PushConsumer } from './push-consumer.js';
import type { Subscribe } from './subscription/subscribe.js';
import { parseSubscribe } from './subscription/subscription.js';

/**
 * Makes a consumer of a group; `run(handler)` starts it.
 * @throws RMQ_OPTIONS_INVALID, RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL (a topic's name), RMQ_PLUGIN_CONFLICT
 */
export function createConsumer<const S extends Subscribe>(
  options: ConsumerOptions<S>,
  services: ConsumerServices,
): Consumer<S> {
  const resolved = resolveConsumerOptions(options);
  validateGroup(options.group);
  const subscriptions = parseSubscribe(options.subscribe, services.clock.now());
  for (const { topic } of subscriptions) validateTopic(topic);
  return new PushConsumer<S>(options.group, resolved, subscriptions, services);
}
