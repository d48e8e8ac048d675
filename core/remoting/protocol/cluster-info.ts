import { formatBody, listMember, parseBody, stringOf, tableMember } from './body-fields.js';
import { type BrokerDataBody, brokerDataValue, readBrokerData } from './topic-route-body.js';

/** The answer to GET_BROKER_CLUSTER_INFO: brokers by name, broker names by cluster. Matches Apache's ClusterInfo. */
export interface ClusterInfo {
  readonly brokerAddrTable: ReadonlyMap<string, BrokerDataBody>;
  readonly clusterAddrTable: ReadonlyMap<string, readonly string[]>;
}

/** Broker ids are written without quotes, as name servers of every version do here. */
export function encodeClusterInfo({ brokerAddrTable, clusterAddrTable }: ClusterInfo): Buffer {
  const brokers = new Map([...brokerAddrTable].map(([name, broker]) => [name, brokerDataValue(broker)]));
  return formatBody({ brokerAddrTable: brokers, clusterAddrTable }, { integerKeys: 'unquoted' });
}

/** @throws RMQ_BODY_INVALID */
export function decodeClusterInfo(body: Buffer): ClusterInfo {
  const info = parseBody(body, 'ClusterInfo');
  return {
    brokerAddrTable: tableMember(info, 'brokerAddrTable', 'ClusterInfo', readBrokerData),
    clusterAddrTable: tableMember(info, 'clusterAddrTable', 'ClusterInfo', (names, name) =>
      listMember({ names }, 'names', name, stringOf),
    ),
  };
}
