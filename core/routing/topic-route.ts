import type { MessageQueue } from '../message/message.js';

/** Queues of a topic on one broker. Matches Apache's QueueData. */
export interface QueueData {
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** 4 read, 2 write, 1 inherit. */
  readonly perm: number;
  readonly topicSysFlag: number;
}

/** Addresses of one broker name: broker id (0 is the master) to `ip:port`. Matches Apache's BrokerData. */
export interface BrokerData {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerAddrs: Readonly<Record<string, string>>;
}

/** What a name server knows of a topic. Matches Apache's TopicRouteData. */
export interface TopicRoute {
  readonly queueDatas: readonly QueueData[];
  readonly brokerDatas: readonly BrokerData[];
  /** `brokerA:4;brokerB:4` for order topics. */
  readonly orderTopicConf?: string;
}

/** Where a topic can be published. Replaced as a whole when the route changes. */
export interface PublishInfo {
  readonly topic: string;
  /** Every writable queue, in Java's order; never empty. */
  readonly queues: readonly MessageQueue[];
  /** Whether the queues come from an order configuration. */
  readonly order: boolean;
  /** Whether the topic does not exist yet and the first send creates it from the default topic's route. */
  readonly autoCreate: boolean;
}
