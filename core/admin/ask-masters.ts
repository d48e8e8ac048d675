import { expectSuccess } from '../remoting/expect-success.js';
import type { OutgoingCommand } from '../remoting/protocol/remoting-command.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { type ClusterBroker, clusterBrokers, mastersOf } from './cluster-brokers.js';
import { invoke, untilAborted } from './limits.js';

/** The same request to every master of a cluster, side by side; all have to take it. Resolves with those that were asked. */
export async function askMasters(
  services: AdminServices,
  cluster: string | undefined,
  request: OutgoingCommand,
  limits: CallLimits,
): Promise<readonly ClusterBroker[]> {
  const brokers = await untilAborted(limits.signal, () => clusterBrokers(services));
  const masters = mastersOf(brokers, cluster);
  await Promise.all(
    masters.map(async ({ address, brokerName: broker }) => {
      expectSuccess(await invoke(services, address, request, limits), { address, broker });
    }),
  );
  return masters;
}
