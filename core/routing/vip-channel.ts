import type { RouteTable } from './route-table.js';

/** How far below its usual port a broker's VIP port lies. */
const VIP_PORT_OFFSET = 2;

/**
 * The same routes with every master reached through its VIP port, which serves sends before everything else: 10909 for
 * 10911. For producers only. Matches Apache's MixAll.brokerVIPChannel.
 */
export function vipRoutes(routes: RouteTable): RouteTable {
  return {
    publishInfo: (topic) => routes.publishInfo(topic),
    loadPublishInfo: (topic, options) => routes.loadPublishInfo(topic, options),
    subscribeQueues: (topic) => routes.subscribeQueues(topic),
    loadSubscribeQueues: (topic) => routes.loadSubscribeQueues(topic),
    brokerAddress: (brokerName, brokerId) => {
      const address = routes.brokerAddress(brokerName, brokerId);
      return address === undefined ? undefined : vipAddress(address);
    },
    loadBrokerAddress: async (brokerName, topic) => vipAddress(await routes.loadBrokerAddress(brokerName, topic)),
    topicAddresses: (topic) => routes.topicAddresses(topic),
    brokers: () => routes.brokers(),
    get heldBy() {
      return routes.heldBy;
    },
    forget: (topic) => routes.forget(topic),
    onChange: (listener) => routes.onChange(listener),
  };
}

/** Where the VIP channel of a broker is that is at this address. */
export function vipAddress(address: string): string {
  const separator = address.lastIndexOf(':');
  return `${address.slice(0, separator)}:${Number(address.slice(separator + 1)) - VIP_PORT_OFFSET}`;
}
