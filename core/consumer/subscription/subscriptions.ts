import type { MemberSubscription } from '../../routing/membership.js';
import type { DecodableTopic } from './subscribe.js';
import type { TopicSubscription } from './subscription.js';

/** What a consumer subscribes to now: topics may come, change and go while it runs. */
export class Subscriptions {
  readonly #byWire = new Map<string, TopicSubscription>();
  readonly #decodables = new Map<string, DecodableTopic>();

  /** By the topic's name on the wire; a live view. */
  get byWire(): ReadonlyMap<string, TopicSubscription> {
    return this.#byWire;
  }

  /** Without the group's retry topic. */
  get topics(): readonly TopicSubscription[] {
    return [...this.#byWire.values()].filter(({ retried }) => !retried);
  }

  set(wireTopic: string, subscription: TopicSubscription): void {
    const { topic, decodable } = subscription;
    this.#byWire.set(wireTopic, subscription);
    if (decodable === undefined) this.#decodables.delete(topic);
    else this.#decodables.set(topic, decodable);
  }

  /** Tells whether it was there. */
  delete(wireTopic: string): boolean {
    const subscription = this.#byWire.get(wireTopic);
    if (subscription === undefined) return false;
    this.#byWire.delete(wireTopic);
    this.#decodables.delete(subscription.topic);
    return true;
  }

  /** The typed topic of that name. */
  decodableOf(topic: string): DecodableTopic | undefined {
    return this.#decodables.get(topic);
  }

  /** As heartbeats carry them. */
  forHeartbeat(): readonly MemberSubscription[] {
    return [...this.#byWire].map(([topic, subscription]) => memberSubscription(topic, subscription));
  }
}

/** One subscription as brokers read it. Matches Apache's SubscriptionData. */
export function memberSubscription(
  wireTopic: string,
  { expression, tags, tagCodes, subVersion, expressionType }: TopicSubscription,
): MemberSubscription {
  return {
    topic: wireTopic,
    subString: expression,
    tagsSet: [...tags],
    codeSet: tagCodes,
    subVersion,
    expressionType,
  };
}
