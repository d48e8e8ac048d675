import type { MessageQueue } from '../message/message.js';
import { Permission } from '../remoting/protocol/flags.js';
import type { BrokerData, PublishInfo, QueueData, TopicRoute } from './topic-route.js';

/** No broker has as many queues of a topic; memory is not spent on a number that is damage. */
const QUEUE_NUMS_MAX = 65_536;

/** Broker id of a master. */
export const MASTER_ID = 0;

/**
 * Where a topic can be published, from its route: the order configuration when it has one, else the writable queues of
 * brokers that have a master, brokers by name. Undefined when that leaves no queue.
 * Matches Apache's MQClientInstance.topicRouteData2TopicPublishInfo.
 */
export function publishInfoOf(topic: string, route: TopicRoute, autoCreate: boolean): PublishInfo | undefined {
  const order = route.orderTopicConf !== undefined && route.orderTopicConf !== '';
  const queues = order ? orderedQueues(topic, route.orderTopicConf) : writableQueues(topic, route);
  return queues.length === 0 ? undefined : frozenPublishInfo({ topic, queues, order, autoCreate });
}

/** Every send to the topic shares it, so nobody may change it. */
export function frozenPublishInfo(info: PublishInfo): PublishInfo {
  for (const queue of info.queues) Object.freeze(queue);
  Object.freeze(info.queues);
  return Object.freeze(info);
}

/** Every readable queue, brokers in the route's order. Matches Apache's topicRouteData2TopicSubscribeInfo. */
export function subscribeQueuesOf(topic: string, route: TopicRoute): readonly MessageQueue[] {
  return route.queueDatas
    .filter((data) => (data.perm & Permission.READ) !== 0)
    .flatMap((data) => queuesOf(topic, data.brokerName, data.readQueueNums));
}

/** The default topic's route as a topic that does not exist yet would get it: no broker creates more queues than it has itself. */
export function autoCreateRoute(defaultRoute: TopicRoute, defaultTopicQueueNums: number): TopicRoute {
  return {
    brokerDatas: defaultRoute.brokerDatas,
    queueDatas: defaultRoute.queueDatas.map((data) => {
      const queues = Math.min(defaultTopicQueueNums, data.readQueueNums);
      return { ...data, readQueueNums: queues, writeQueueNums: queues };
    }),
  };
}

/** Whether two routes say the same, whatever the order in which name servers list things. */
export function sameRoute(left: TopicRoute, right: TopicRoute): boolean {
  return fingerprint(left) === fingerprint(right);
}

function orderedQueues(topic: string, orderTopicConf: string): readonly MessageQueue[] {
  return orderTopicConf.split(';').flatMap((part) => {
    const separator = part.lastIndexOf(':');
    const queueNums = Number(part.slice(separator + 1));
    const usable = separator > 0 && Number.isInteger(queueNums) && queueNums > 0;
    return usable ? queuesOf(topic, part.slice(0, separator).trim(), queueNums) : [];
  });
}

function writableQueues(topic: string, route: TopicRoute): readonly MessageQueue[] {
  const withMaster = new Set(
    route.brokerDatas
      .filter((broker) => broker.brokerAddrs[MASTER_ID] !== undefined)
      .map((broker) => broker.brokerName),
  );
  return [...route.queueDatas]
    .sort((left, right) => compareText(left.brokerName, right.brokerName))
    .filter((data) => (data.perm & Permission.WRITE) !== 0 && withMaster.has(data.brokerName))
    .flatMap((data) => queuesOf(topic, data.brokerName, data.writeQueueNums));
}

function queuesOf(topic: string, brokerName: string, queueNums: number): readonly MessageQueue[] {
  return Array.from({ length: Math.min(queueNums, QUEUE_NUMS_MAX) }, (_, queueId) => ({ topic, brokerName, queueId }));
}

function fingerprint(route: TopicRoute): string {
  const queues = route.queueDatas.map((data: QueueData) =>
    JSON.stringify([data.brokerName, data.readQueueNums, data.writeQueueNums, data.perm, data.topicSysFlag]),
  );
  const brokers = route.brokerDatas.map((data: BrokerData) =>
    JSON.stringify([data.brokerName, data.cluster, Object.entries(data.brokerAddrs).sort()]),
  );
  return JSON.stringify([route.orderTopicConf ?? '', queues.sort(), brokers.sort()]);
}

/** By UTF-16 code unit, as Java's String.compareTo: the order of queues must not depend on a locale. */
function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
