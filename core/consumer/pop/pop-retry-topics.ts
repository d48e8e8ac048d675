import { popRetryTopicOf, popRetryTopicV2Of } from '../../message/system-topics.js';
import type { SharedQueue } from '../rebalance.js';
import { retrySubscription, type TopicSubscription } from '../subscription.js';
import type { Subscriptions } from '../subscriptions.js';

export interface PopRetryTopicsServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly subscriptions: Subscriptions;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A topic more is read. */
  readonly onAdded: () => void;
  /** A topic is not read any more. */
  readonly onRemoved: (wireTopic: string) => void;
}

/**
 * A topic that is pulled may have been popped before: what comes again then waits in a topic of its own, of which brokers give
 * out while it is popped and which nobody reads otherwise. Matches a part of Apache's RebalanceImpl.
 */
export class PopRetryTopics {
  readonly #services: PopRetryTopicsServices;

  constructor(services: PopRetryTopicsServices) {
    this.#services = services;
  }

  /** @param mine the queues of the topic that this member has, as its broker shares them out */
  follow(wireTopic: string, { topic, retried }: TopicSubscription, mine: readonly SharedQueue[]): void {
    if (retried || mine.length === 0) return;
    const { group, wireGroup, subscriptions, now, onAdded, onRemoved } = this.#services;
    const retryTopic = popRetryTopicOf(wireTopic, wireGroup);
    if (mine.some(({ popped }) => popped === true)) {
      if (subscriptions.delete(retryTopic)) onRemoved(retryTopic);
    } else if (!subscriptions.byWire.has(retryTopic)) {
      subscriptions.set(retryTopic, { ...retrySubscription(group, now()), topic: popRetryTopicOf(topic, group) });
      onAdded();
    }
  }
}

/** The topic that a message was sent to which comes again from there; any other is itself. Names are names on the wire. */
export function withoutPopRetry(wireTopic: string, wireGroup: string): string {
  for (const prefix of [popRetryTopicOf('', wireGroup), popRetryTopicV2Of('', wireGroup)]) {
    if (wireTopic.startsWith(prefix)) return wireTopic.slice(prefix.length);
  }
  return wireTopic;
}
