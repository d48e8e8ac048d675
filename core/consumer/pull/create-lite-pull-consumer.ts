import { validateGroup, validateTopic } from '../../message/message-rules.js';
import type { Subscribe } from '../subscription/subscribe.js';
import { parseSubscribe } from '../subscription/subscription.js';
import { LitePull } from './lite-pull.js';
import type { LitePullConsumer, LitePullServices } from './lite-pull-consumer.js';
import { type LitePullConsumerOptions, resolveLitePullOptions } from './lite-pull-options.js';

/**
 * Makes a lite pull consumer that runs: it has joined its group, and taken its share of what `subscribe` names.
 * @throws RMQ_OPTIONS_INVALID, RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL, RMQ_PLUGIN_CONFLICT, RMQ_GROUP_DUPLICATE
 */
export async function createLitePullConsumer<const S extends Subscribe>(
  options: LitePullConsumerOptions<S>,
  services: LitePullServices,
): Promise<LitePullConsumer<S>> {
  const resolved = resolveLitePullOptions(options);
  const { group, subscribe, signal } = options;
  validateGroup(group);
  const subscriptions = subscribe === undefined ? [] : parseSubscribe(subscribe, services.clock.now());
  for (const { topic } of subscriptions) validateTopic(topic);
  const consumer = new LitePull<S>(group, resolved, services);
  await consumer.start(subscriptions, signal);
  return consumer;
}
