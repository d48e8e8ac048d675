import { rocketMQError } from '../errors/rocketmq-error.js';
import type { RequestTarget } from '../plugin/plugin.js';
import type { PluginRuntime } from '../plugin/plugin-host.js';
import type { ClientParts } from './client-instance.js';

/** What plugins may do with the running client. */
export function createPluginRuntime(
  parts: Pick<ClientParts, 'remoting' | 'routes' | 'membership' | 'requestTimeoutMs' | 'groupToWire'>,
  producer: PluginRuntime['producer'],
): PluginRuntime {
  const { remoting, routes, membership, requestTimeoutMs, groupToWire } = parts;
  return {
    producer,
    async invoke(target, request, { timeoutMs = requestTimeoutMs, signal }) {
      const address = await addressOf(routes, target);
      return remoting.invoke(address, request, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    },
    async oneway(target, request, { timeoutMs = requestTimeoutMs }) {
      await remoting.oneway(await addressOf(routes, target), request, { timeoutMs });
    },
    registerGroup(member) {
      if ('producer' in member) {
        const group = groupToWire(member.producer);
        membership.joinProducer(group);
        return { leave: () => membership.leave(group, 'producer') };
      }
      const group = groupToWire(member.consumer.group);
      membership.joinConsumer({ ...member.consumer, group, subscriptions: () => member.consumer.subscriptions() });
      return { leave: () => membership.leave(group, 'consumer') };
    },
  };
}

/** @throws RMQ_BROKER_NOT_FOUND */
async function addressOf(routes: ClientParts['routes'], target: RequestTarget): Promise<string> {
  if ('address' in target) return target.address;
  const { brokerName, topic } = target;
  if (topic !== undefined) return routes.loadBrokerAddress(brokerName, topic);
  const known = routes.brokerAddress(brokerName);
  if (known !== undefined) return known;
  throw rocketMQError(
    'RMQ_BROKER_NOT_FOUND',
    `The broker ${brokerName} is in no route of this client; name a topic of it to have its route loaded`,
    { broker: brokerName },
  );
}
