import { popRetryTopicOf, popRetryTopicV2Of } from '../../message/system-topics.js';
import type { SharedQueue } from '../rebalance/rebalance.js';
import { retrySubscription, type TopicSubscription } from '../subscription/subscription.js';
import type { Subscriptions } from '../subscription/subscriptions.js';

export interface PopRetryTopicsServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly subscriptions: Subscriptions;
  /** Asks whether a topic is there, by its name on the wire. Never rejects. */
  readonly exists: (wireTopic: string) => Promise<boolean>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A topic more is read. */
  readonly onAdded: () => void;
  /** A topic is not read any more. */
  readonly onRemoved: (wireTopic: string) => void;
}

/**
 * A topic that is pulled may have been popped before: what comes again then waits in a topic of its own, of which brokers give
 * out while it is popped and which nobody reads otherwise. Matches a part of Apache's RebalanceImpl; that knows those of the
 * first version only, so a group's members in Java would take others for a change of what it subscribes to: one of the second
 * is read only where there is one.
 */
export class PopRetryTopics {
  readonly #services: PopRetryTopicsServices;

  constructor(services: PopRetryTopicsServices) {
    this.#services = services;
  }

  /** @param mine the queues of the topic that this member has, as its broker shares them out */
  follow(wireTopic: string, { topic, retried }: TopicSubscription, mine: readonly SharedQueue[]): void {
    if (retried || mine.length === 0) return;
    const { group, wireGroup, subscriptions, exists, onRemoved } = this.#services;
    const first = popRetryTopicOf(wireTopic, wireGroup);
    const second = popRetryTopicV2Of(wireTopic, wireGroup);
    const { byWire } = subscriptions;
    if (mine.some(({ popped }) => popped === true)) {
      for (const retryTopic of [first, second]) if (subscriptions.delete(retryTopic)) onRemoved(retryTopic);
      return;
    }
    if (!byWire.has(first)) this.#add(first, popRetryTopicOf(topic, group));
    if (byWire.has(second)) return;
    void exists(second).then((isThere) => {
      // Pulled still, and asked by one round only.
      if (isThere && byWire.has(first) && !byWire.has(second)) this.#add(second, popRetryTopicV2Of(topic, group));
    });
  }

  #add(wireTopic: string, topic: string): void {
    const { group, subscriptions, now, onAdded } = this.#services;
    subscriptions.set(wireTopic, { ...retrySubscription(group, now()), topic });
    onAdded();
  }
}

/** The topic that a message was sent to which comes again from there; any other is itself. Names are names on the wire. */
export function withoutPopRetry(wireTopic: string, wireGroup: string): string {
  for (const prefix of [popRetryTopicOf('', wireGroup), popRetryTopicV2Of('', wireGroup)]) {
    if (wireTopic.startsWith(prefix)) return wireTopic.slice(prefix.length);
  }
  return wireTopic;
}
