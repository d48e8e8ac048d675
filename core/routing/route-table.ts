import type { MessageQueue } from '../message/message.js';
import { type Token, token } from '../runtime/token.js';
import type { PublishInfo } from './topic-route.js';

/** Topic names here are names on the wire. */
export interface RouteTable {
  /** What is known now, without asking anybody: the fast path. */
  publishInfo(topic: string): PublishInfo | undefined;
  /**
   * Asks the name server (concurrent calls for one topic share one request), then for the default topic's route.
   * @throws RMQ_NAME_SERVER_MISSING, RMQ_NAME_SERVER_UNREACHABLE (could not ask), RMQ_ROUTE_NOT_FOUND (unknown topic)
   */
  loadPublishInfo(
    topic: string,
    options?: { readonly createTopicKey?: string; readonly defaultTopicQueueNums?: number },
  ): Promise<PublishInfo>;
  /** Every readable queue of a topic as last known; undefined when it was never loaded. */
  subscribeQueues(topic: string): readonly MessageQueue[] | undefined;
  /** Loads or refreshes the route for subscribing. @throws as loadPublishInfo, without the default topic */
  loadSubscribeQueues(topic: string): Promise<readonly MessageQueue[]>;
  /** Address of a broker by id (0 is the master) as last known, after `resolveAddress`. */
  brokerAddress(brokerName: string, brokerId?: number): string | undefined;
  /** The same, or after one refetch of the topic's route. @throws RMQ_BROKER_NOT_FOUND */
  loadBrokerAddress(brokerName: string, topic: string): Promise<string>;
  /** Master first, then any: one address of each broker that has the topic. */
  topicAddresses(topic: string): readonly string[];
  /** Every broker address known, with its name and id. */
  brokers(): readonly { readonly brokerName: string; readonly brokerId: number; readonly address: string }[];
  /** The topic was deleted: nothing is known of it until it is asked for again. */
  forget(topic: string): void;
  /** The plugin that a load waits for now: one whose part names the name servers. */
  readonly heldBy?: string | undefined;
  /** Called after the route of a topic changed. Returns a way to stop. */
  onChange(listener: (topic: string) => void): () => void;
}

export const RouteTable: Token<RouteTable> = token('RouteTable');
