import type { RemotingClient } from '../remoting/remoting-client.js';
import type { RouteTable } from '../routing/route-table.js';

/** Hears which brokers a connection was lost to. Returns what ends that. */
export function onBrokerLost(
  { remoting, routes }: { readonly remoting: RemotingClient; readonly routes: RouteTable },
  listener: (isOfBroker: (brokerName: string) => boolean) => void,
): () => void {
  return remoting.onConnectionLost((address) => {
    // A broker that no route names may be any.
    listener((brokerName) => (routes.brokerAddress(brokerName, 0) ?? address) === address);
  });
}
