import type { RouteTable } from '../../routing/route-table.js';

/** Where a queue is pulled: at the broker that was suggested last, else at the next id, else at any of that name that is known. */
export function pullAddress(routes: RouteTable, brokerName: string, brokerId: number): string | undefined {
  return (
    routes.brokerAddress(brokerName, brokerId) ??
    routes.brokerAddress(brokerName, brokerId + 1) ??
    routes.brokers().find((broker) => broker.brokerName === brokerName)?.address
  );
}
