import { isRocketMQError } from '../../errors/rocketmq-error.js';
import type { ConsumerServices } from '../consumer.js';
import { checkSubscription } from '../subscription/check-subscription.js';
import type { TopicSubscription } from '../subscription/subscription.js';

export interface TopicToPrepare {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly wireTopic: string;
  readonly subscription: TopicSubscription;
  /** For one request. */
  readonly timeoutMs: number;
}

/**
 * Looks a topic up before it is read. Unknown topics may come later; servers that cannot be asked at all are told to whoever
 * starts. @throws RMQ_SUBSCRIPTION_INVALID when a broker refuses the expression
 */
export async function prepareTopic(
  { group, wireGroup, wireTopic, subscription, timeoutMs }: TopicToPrepare,
  { routes, logger, remoting, membership }: ConsumerServices,
): Promise<void> {
  const { topic, retried } = subscription;
  try {
    await routes.loadSubscribeQueues(wireTopic);
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND')) {
      if (routes.subscribeQueues(wireTopic) === undefined) throw error;
    } else if (!retried) {
      // The brokers make the retry topic when they hear of the group.
      logger.warn('a topic does not exist yet; it is read as soon as it does', { group, topic });
    }
  }
  const question = {
    clientId: membership.clientId,
    group: wireGroup,
    wireTopic,
    subscription,
    addresses: routes.topicAddresses(wireTopic),
    timeoutMs,
  };
  await checkSubscription(question, remoting, logger);
}
