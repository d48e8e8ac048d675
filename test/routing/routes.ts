import type { TopicRoute } from '../../core/routing/topic-route.js';

export interface BrokerInput {
  readonly read?: number;
  readonly write?: number;
  readonly perm?: number;
  readonly addresses?: Readonly<Record<string, string>>;
}

/** A route by broker name: four queues each way, all permissions and a master `<name>:10911` unless told otherwise. */
export function route(brokers: Readonly<Record<string, BrokerInput>>): TopicRoute {
  const entries = Object.entries(brokers);
  return {
    queueDatas: entries.map(([brokerName, { read = 4, write = 4, perm = 6 }]) => ({
      brokerName,
      readQueueNums: read,
      writeQueueNums: write,
      perm,
      topicSysFlag: 0,
    })),
    brokerDatas: entries.map(([brokerName, { addresses = { 0: `${brokerName}:10911` } }]) => ({
      cluster: 'C',
      brokerName,
      brokerAddrs: addresses,
    })),
  };
}
