import { isRocketMQError } from '../../errors/rocketmq-error.js';
import type { Membership } from '../../routing/membership.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Logger } from '../../runtime/logger.js';
import type { AllocateStrategy } from '../allocation/allocate-strategy.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import type { TopicSubscription } from '../subscription/subscription.js';
import type { Assignment } from './assignment.js';
import { type Share, type SharedQueue, shareOfTopic } from './rebalance.js';

/** After so many rounds it is looked for at the usual pace: a broker may not make it before something is sent back. */
const RETRY_TOPIC_MISSED_MAX = 3;

export interface RebalancerServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  /** By the topic's name on the wire. */
  readonly subscriptions: ReadonlyMap<string, TopicSubscription>;
  readonly assignment: Assignment;
  readonly memberIds: (topic: string) => Promise<readonly string[]>;
  /** Told of a topic's members in each round. */
  readonly onMembers: (wireTopic: string, clientIds: readonly string[]) => void;
  readonly strategy: AllocateStrategy;
  readonly broadcasting: boolean;
  /** Whether topics are popped, the group's retry topic apart. Default false. */
  readonly popped?: boolean;
  /** Asks a broker for this member's share. Default: each member counts it by the strategy. */
  readonly assignments?: ((topic: string) => Promise<readonly SharedQueue[]>) | undefined;
  /** Told of this member's share of a topic in each round. */
  readonly onShared?: (wireTopic: string, subscription: TopicSubscription, mine: readonly SharedQueue[]) => void;
  readonly membership: Membership;
  readonly routes: RouteTable;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
}

/** Makes a member's queues those of its share of the topics that it subscribes to. */
export class Rebalancer {
  readonly #services: RebalancerServices;
  #retryTopicMissed = 0;
  /** Topics whose last round failed, so that each failure is told loudly once. */
  readonly #failing = new Set<string>();

  constructor(services: RebalancerServices) {
    this.#services = services;
  }

  /** One round. Tells whether it needs no other before the next in turn. */
  async round(isStopped: () => boolean): Promise<boolean> {
    const { subscriptions } = this.#services;
    const finished = await Promise.all(
      [...subscriptions].map(([topic, subscription]) => this.#rebalance(topic, subscription, isStopped)),
    );
    return finished.every(Boolean);
  }

  /** Topics whose queues could not be shared out at the last try; the group's retry topic may not be there yet. */
  get unsharedTopics(): readonly string[] {
    const { subscriptions } = this.#services;
    return [...subscriptions.values()].flatMap(({ topic, retried }) =>
      !retried && this.#failing.has(topic) ? [topic] : [],
    );
  }

  async #rebalance(wireTopic: string, subscription: TopicSubscription, isStopped: () => boolean): Promise<boolean> {
    const { assignment, group, logger, events } = this.#services;
    const { topic } = subscription;
    let share: Share;
    try {
      share = await this.#share(wireTopic, subscription);
    } catch (error) {
      const unknown = isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND');
      // The brokers make the retry topic when they hear of the group, which may be a moment from now.
      const expected = unknown && subscription.retried;
      // Who started was told of a topic that does not exist yet; one that was read before has gone.
      const told = unknown && !assignment.consumed.some(({ queue }) => queue.topic === wireTopic);
      logger[expected || told || this.#failing.has(topic) ? 'debug' : 'warn'](
        'queues could not be shared out; this member keeps what it has and tries again',
        { group, topic, error },
      );
      this.#failing.add(topic);
      if (events.observed && !expected) events.emit({ type: 'rebalanceFailed', topic, error });
      return expected && this.#retryTopicMissed++ >= RETRY_TOPIC_MISSED_MAX;
    }
    this.#failing.delete(topic);
    if (isStopped()) return true;
    this.#services.onMembers(wireTopic, share.clientIds);
    const { added, removed, complete } = await assignment.take(wireTopic, subscription, share.mine);
    this.#services.onShared?.(wireTopic, subscription, share.mine);
    if (added.length > 0 || removed.length > 0) {
      logger.info('queues were shared out', {
        group,
        topic,
        members: share.clientIds.length,
        queues: share.queues,
        mine: share.mine.length,
        added: added.length,
        removed: removed.length,
      });
    }
    if (events.observed) {
      events.emit({ type: 'rebalanced', topic, members: share.clientIds.length, queues: share.queues, added, removed });
    }
    return complete && share.known;
  }

  /** A broker that was restarted forgot its members: before this one gives its queues up it says that it is there. */
  async #share(wireTopic: string, { retried }: TopicSubscription): Promise<Share> {
    const { wireGroup, membership, routes, strategy, memberIds, broadcasting, assignments } = this.#services;
    const popped = this.#services.popped === true && !retried;
    const facts = { group: wireGroup, clientId: membership.clientId, broadcasting, popped };
    const services = { ...facts, routes, strategy, memberIds, assignments };
    const share = await shareOfTopic(wireTopic, services);
    if (share.known) return share;
    await membership.heartbeat();
    return shareOfTopic(wireTopic, services);
  }
}
