import { rocketMQError } from '../errors/rocketmq-error.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { decodeClusterInfo } from '../remoting/protocol/cluster-info.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { MASTER_ID } from '../routing/publish-info.js';
import { resolvedAddress } from '../routing/resolve-address.js';
import type { AdminServices } from './admin-services.js';

/** A broker as the name server knows it. */
export interface ClusterBroker {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** As the broker names itself. */
  readonly advertised: string;
  /** Where it is reached from here. */
  readonly address: string;
}

/** Every broker that the name server knows. @throws RMQ_NAME_SERVER_UNREACHABLE */
export async function clusterBrokers({
  nameServers,
  resolveAddress,
}: Pick<AdminServices, 'nameServers' | 'resolveAddress'>): Promise<readonly ClusterBroker[]> {
  const { value } = await nameServers.ask({ code: RequestCode.GET_BROKER_CLUSTER_INFO }, (response, address) =>
    decodeClusterInfo(expectSuccess(response, { address }).body),
  );
  return [...value.brokerAddrTable.values()].flatMap(({ cluster, brokerName, brokerAddrs }) =>
    Object.entries(brokerAddrs).map(([id, advertised]) => {
      const brokerId = Number(id);
      const address = resolvedAddress(resolveAddress, advertised, { brokerName, brokerId });
      return { cluster, brokerName, brokerId, advertised, address };
    }),
  );
}

/** The masters of a cluster, or of the only one there is. @throws RMQ_OPTIONS_INVALID, RMQ_BROKER_NOT_FOUND */
export function mastersOf(brokers: readonly ClusterBroker[], cluster: string | undefined): readonly ClusterBroker[] {
  const masters = brokers.filter(({ brokerId }) => brokerId === MASTER_ID);
  const clusters = [...new Set(masters.map((broker) => broker.cluster))].sort();
  if (cluster === undefined && clusters.length > 1) {
    const message = `cluster has to be one of ${clusters.join(', ')}: the name server knows several`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'cluster' });
  }
  const chosen = cluster === undefined ? masters : masters.filter((broker) => broker.cluster === cluster);
  if (chosen.length > 0) return chosen;
  const known = clusters.length === 0 ? 'no broker at all' : `brokers of ${clusters.join(', ')}`;
  const message = `The name server knows no master of cluster ${cluster ?? '(any)'}, but ${known}`;
  throw rocketMQError('RMQ_BROKER_NOT_FOUND', message, { broker: cluster ?? 'any' });
}
