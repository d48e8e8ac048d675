import { isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { expectSuccess } from '../../remoting/expect-success.js';
import { formatBody } from '../../remoting/protocol/body-fields.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { Logger } from '../../runtime/logger.js';
import type { TopicSubscription } from './subscription.js';
import { memberSubscription } from './subscriptions.js';

export interface SubscriptionQuestion {
  readonly clientId: string;
  /** The group on the wire. */
  readonly group: string;
  readonly wireTopic: string;
  readonly subscription: TopicSubscription;
  /** Brokers of the topic; without any there is nobody to ask yet. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Asks a broker of the topic whether it can filter by an expression (CHECK_CLIENT_CONFIG, protocol §2.5), where the consumer
 * itself cannot tell. A broker that cannot be asked is asked again by each pull.
 * @throws RMQ_SUBSCRIPTION_INVALID with the broker's code (1 it does not filter by SQL92, 23 it cannot read the expression)
 */
export async function checkSubscription(
  { clientId, group, wireTopic, subscription, addresses, timeoutMs }: SubscriptionQuestion,
  remoting: RemotingClient,
  logger: Logger,
): Promise<void> {
  const [address] = addresses;
  if (subscription.expressionType === 'TAG' || address === undefined) return;
  const body = formatBody({ clientId, group, subscriptionData: memberSubscription(wireTopic, subscription) });
  try {
    const request = { code: RequestCode.CHECK_CLIENT_CONFIG, body };
    expectSuccess(await remoting.invoke(address, request, { timeoutMs }), { address });
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_BROKER_ERROR')) {
      logger.warn('a broker could not be asked about a subscription', { group, topic: subscription.topic, error });
      return;
    }
    const { topic, expression } = subscription;
    const { responseCode, remark } = error;
    throw rocketMQError(
      'RMQ_SUBSCRIPTION_INVALID',
      `the broker at ${address} refuses the subscription of topic ${topic} to '${expression}' with code ${responseCode}: ${remark ?? 'no remark'}`,
      { topic, expression, responseCode, ...(remark === undefined ? {} : { remark }) },
      {
        cause: error,
        hint:
          responseCode === ResponseCode.SUBSCRIPTION_PARSE_FAILED
            ? 'Correct the expression; the remark says where it breaks.'
            : 'Allow filters at the broker (enablePropertyFilter=true), or subscribe by tags.',
      },
    );
  }
}
