import {
  formatBody,
  integerMember,
  listMember,
  objectOf,
  optionalStringMember,
  parseBody,
  stringMember,
  stringOf,
  tableMember,
} from './body-fields.js';

/** Queues of a topic on one broker. Matches Apache's QueueData. */
export interface QueueDataBody {
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits of Permission. */
  readonly perm: number;
  readonly topicSysFlag: number;
}

/** Addresses of one broker name: broker id (0 is the master) to `ip:port`. Matches Apache's BrokerData. */
export interface BrokerDataBody {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerAddrs: Readonly<Record<string, string>>;
}

/** The answer to GET_ROUTEINFO_BY_TOPIC. Matches Apache's TopicRouteData. */
export interface TopicRouteBody {
  readonly queueDatas: readonly QueueDataBody[];
  readonly brokerDatas: readonly BrokerDataBody[];
  /** `brokerA:4;brokerB:4` for order topics. */
  readonly orderTopicConf?: string;
}

export interface TopicRouteBodyOptions {
  /**
   * Quoted broker ids and ASCII only, for askers of version 401 and later and those that set acceptStandardJsonOnly;
   * otherwise ids are bare numbers. Default true.
   */
  readonly standardJson?: boolean;
}

export function encodeTopicRouteBody(
  route: TopicRouteBody,
  { standardJson = true }: TopicRouteBodyOptions = {},
): Buffer {
  const { orderTopicConf, queueDatas } = route;
  const brokerDatas = route.brokerDatas.map(brokerDataValue);
  return formatBody(
    { orderTopicConf, queueDatas, brokerDatas, filterServerTable: {} },
    standardJson ? { asciiOnly: true } : { integerKeys: 'unquoted' },
  );
}

/** @throws RMQ_BODY_INVALID */
export function decodeTopicRouteBody(body: Buffer): TopicRouteBody {
  const route = parseBody(body, 'TopicRouteData');
  const orderTopicConf = optionalStringMember(route, 'orderTopicConf', 'TopicRouteData');
  return {
    queueDatas: listMember(route, 'queueDatas', 'TopicRouteData', readQueueData),
    brokerDatas: listMember(route, 'brokerDatas', 'TopicRouteData', readBrokerData),
    ...(orderTopicConf === undefined ? {} : { orderTopicConf }),
  };
}

function readQueueData(value: unknown, name: string): QueueDataBody {
  const queues = objectOf(value, name);
  return {
    brokerName: stringMember(queues, 'brokerName', name),
    readQueueNums: integerMember(queues, 'readQueueNums', name),
    writeQueueNums: integerMember(queues, 'writeQueueNums', name),
    perm: integerMember(queues, 'perm', name),
    topicSysFlag: integerMember(queues, 'topicSysFlag', name),
  };
}

/** A BrokerData to be written; its ids are numbers, so that they may be written without quotes. */
export function brokerDataValue({ cluster, brokerName, brokerAddrs }: BrokerDataBody): object {
  const addresses = new Map(Object.entries(brokerAddrs).map(([id, address]) => [Number(id), address]));
  return { brokerAddrs: addresses, brokerName, cluster };
}

/** @throws RMQ_BODY_INVALID */
export function readBrokerData(value: unknown, name: string): BrokerDataBody {
  const broker = objectOf(value, name);
  const brokerAddrs: Record<string, string> = Object.create(null);
  for (const [id, address] of tableMember(broker, 'brokerAddrs', name, stringOf)) brokerAddrs[id] = address;
  return {
    cluster: stringMember(broker, 'cluster', name),
    brokerName: stringMember(broker, 'brokerName', name),
    brokerAddrs,
  };
}
