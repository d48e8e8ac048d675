import { rocketMQError } from '../errors/rocketmq-error.js';
import { validateGroup } from '../message/message-rules.js';
import { readMessages } from '../message/read-messages.js';
import type { ResourceNames } from '../message/resource-names.js';
import type { RequestTarget } from '../plugin/plugin.js';
import type { PluginRuntime } from '../plugin/plugin-host.js';
import type { ConsumerMember } from '../routing/membership.js';
import type { ClientParts } from './client-parts.js';

/** What plugins may do with the running client. */
export function createPluginRuntime(
  parts: Pick<
    ClientParts,
    'remoting' | 'routes' | 'membership' | 'requestTimeoutMs' | 'names' | 'compressors' | 'resolve'
  >,
  producer: PluginRuntime['producer'],
): PluginRuntime {
  const { remoting, routes, membership, requestTimeoutMs, names, compressors, resolve } = parts;
  return {
    resolve,
    producer,
    readMessages(records, brokerName) {
      return readMessages(records, { brokerName, names, compressors: compressors() });
    },
    async invoke(target, request, { timeoutMs = requestTimeoutMs, signal }) {
      const address = await addressOf(routes, names, target);
      return remoting.invoke(address, request, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    },
    oneway(target, request, { timeoutMs = requestTimeoutMs }) {
      if ('address' in target) return remoting.oneway(target.address, request, { timeoutMs });
      return addressOf(routes, names, target).then((address) => remoting.oneway(address, request, { timeoutMs }));
    },
    brokerAddress: (brokerName) => routes.brokerAddress(brokerName),
    registerGroup(member) {
      const kind = 'producer' in member ? 'producer' : 'consumer';
      const name = 'producer' in member ? member.producer : member.consumer.group;
      validateGroup(name);
      const group = names.groupToWire(name);
      if ('producer' in member) membership.joinProducer(group);
      else membership.joinConsumer(onTheWire(member.consumer, names));
      return { leave: () => membership.leave(group, kind) };
    },
  };
}

/** @throws RMQ_BROKER_NOT_FOUND */
async function addressOf(routes: ClientParts['routes'], names: ResourceNames, target: RequestTarget): Promise<string> {
  if ('address' in target) return target.address;
  const { brokerName, topic } = target;
  if (topic !== undefined) return routes.loadBrokerAddress(brokerName, names.topicToWire(topic));
  const known = routes.brokerAddress(brokerName);
  if (known !== undefined) return known;
  throw rocketMQError(
    'RMQ_BROKER_NOT_FOUND',
    `The broker ${brokerName} is in no route of this client; name a topic of it to have its route loaded`,
    { broker: brokerName },
  );
}

function onTheWire(consumer: ConsumerMember, names: ResourceNames): ConsumerMember {
  const { group, consumeType, messageModel, consumeFromWhere, unitMode } = consumer;
  return {
    group: names.groupToWire(group),
    consumeType,
    messageModel,
    consumeFromWhere,
    unitMode,
    subscriptions: () =>
      consumer.subscriptions().map((subscription) => ({
        ...subscription,
        topic: names.topicToWire(subscription.topic),
      })),
  };
}
