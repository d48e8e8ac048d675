import { type Token, token } from '../runtime/token.js';

/** What a heartbeat says of one consumer group. Names are names on the wire. Matches Apache's ConsumerData. */
export interface ConsumerMember {
  readonly group: string;
  readonly consumeType: 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY';
  readonly messageModel: 'CLUSTERING' | 'BROADCASTING';
  readonly consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';
  readonly unitMode: boolean;
  /** Asked at every heartbeat, so that versions stay current. */
  subscriptions(): readonly MemberSubscription[];
}

/** Matches Apache's SubscriptionData. */
export interface MemberSubscription {
  readonly topic: string;
  readonly subString: string;
  readonly tagsSet: readonly string[];
  readonly codeSet: readonly number[];
  /** Milliseconds since 1970, raised whenever the subscription changes. */
  readonly subVersion: number;
  readonly expressionType: 'TAG' | 'SQL92';
}

/** The groups through which this client instance is known to brokers. The client keeps it and sends the heartbeats. */
export interface Membership {
  /** `ip@instanceName[@unitName]`. */
  readonly clientId: string;
  /** @throws RMQ_GROUP_DUPLICATE */
  joinProducer(group: string): void;
  /** @throws RMQ_GROUP_DUPLICATE */
  joinConsumer(member: ConsumerMember): void;
  /** Tells every broker that the group has no member here any more. Never rejects. */
  leave(group: string, kind: 'producer' | 'consumer'): Promise<void>;
  /** The version a broker answered its last heartbeat with (407 is 4.9.7, 413 is 5.0.0); undefined while it is not known. */
  brokerVersion(brokerName: string): number | undefined;
  /**
   * Whether a broker can time a message to an instant: from 5.0 on all can, and an older one that says so with the answer
   * to a heartbeat. Undefined while it is not known.
   */
  hasTimers(brokerName: string): boolean | undefined;
  /** Its version, by a heartbeat where it is not known. @throws RMQ_BROKER_NOT_FOUND and what a request throws */
  loadBrokerVersion(brokerName: string): Promise<number>;
  /** One heartbeat to every known broker, now. Never rejects; failures are logged. */
  heartbeat(): Promise<void>;
}

export const Membership: Token<Membership> = token('Membership');
