import { isRocketMQError } from '../errors/rocketmq-error.js';
import { parseJsonDialect } from '../remoting/protocol/json-dialect.js';
import type { RemotingCommand } from '../remoting/protocol/remoting-command.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { Logger } from '../runtime/logger.js';
import type { ConsumerEvents } from './consumer-events.js';
import type { TopicSubscription } from './subscription.js';

export interface SubscriptionCheckServices {
  /** The group as the application writes it. */
  readonly group: string;
  /** By the topic's name on the wire. */
  readonly subscriptions: ReadonlyMap<string, TopicSubscription>;
  /** What a broker knows of the group (GET_CONSUMER_CONNECTION_LIST). */
  readonly connections: (topic: string) => Promise<RemotingCommand>;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
}

/**
 * Says so when members of one group subscribe to different things. A broker keeps one subscription a group and topic, the
 * newest it heard of, so messages that only an older member wants are filtered away and nobody gets them: the most
 * puzzling loss that users of RocketMQ report. Looked at whenever the members are others than before.
 */
export class SubscriptionCheck {
  readonly #services: SubscriptionCheckServices;
  readonly #lookedAt = new Map<string, string>();
  #supported = true;

  constructor(services: SubscriptionCheckServices) {
    this.#services = services;
  }

  /** Never rejects. */
  async look(wireTopic: string, clientIds: readonly string[]): Promise<void> {
    const members = clientIds.join('\n');
    if (!this.#supported || clientIds.length < 2 || this.#lookedAt.get(wireTopic) === members) return;
    this.#lookedAt.set(wireTopic, members);
    const { connections, logger, group, subscriptions } = this.#services;
    try {
      const theirs = subscriptionOf(await connections(wireTopic), wireTopic);
      const ours = subscriptions.get(wireTopic);
      if (ours !== undefined && !same(theirs, ours)) this.#tell(ours, theirs?.expression, clientIds);
    } catch (error) {
      this.#lookedAt.delete(wireTopic);
      if (
        isRocketMQError(error, 'RMQ_BROKER_ERROR') &&
        error.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED
      ) {
        this.#supported = false;
      }
      logger.debug('the subscriptions of a group’s members could not be compared', { group, error });
    }
  }

  #tell(ours: TopicSubscription, theirs: string | undefined, clientIds: readonly string[]): void {
    const { logger, events, group } = this.#services;
    logger.error(
      'members of one consumer group have different subscriptions: messages get lost to all of them; give every member the same topics and expressions, or another group',
      { group, topic: ours.topic, ours: ours.expression, theirs: theirs ?? 'none', members: clientIds },
    );
    if (events.observed) {
      events.emit({ type: 'subscriptionConflict', topic: ours.topic, ours: ours.expression, theirs });
    }
  }
}

/** What a broker holds as the subscription of a group to a topic. */
interface BrokerSubscription {
  readonly expression: string;
  readonly tags: ReadonlySet<string>;
  readonly expressionType: string;
}

/** The subscription that a broker holds for a group and a topic. Matches a part of Apache's ConsumerConnection. */
function subscriptionOf(response: RemotingCommand, topic: string): BrokerSubscription | undefined {
  const body = parseJsonDialect(response.body) as { subscriptionTable?: Record<string, unknown> } | null;
  const entry = body?.subscriptionTable?.[topic] as
    | { subString?: unknown; tagsSet?: unknown; expressionType?: unknown }
    | undefined;
  if (entry === undefined || entry === null) return undefined;
  const tags = Array.isArray(entry.tagsSet) ? entry.tagsSet.filter((tag) => typeof tag === 'string') : [];
  const { expressionType } = entry;
  return {
    expression: String(entry.subString),
    tags: new Set(tags),
    expressionType: typeof expressionType === 'string' ? expressionType : 'TAG',
  };
}

/** Tags in any order; an SQL expression to the letter. */
function same(theirs: BrokerSubscription | undefined, ours: TopicSubscription): boolean {
  if (theirs === undefined || theirs.expressionType !== ours.expressionType) return false;
  if (ours.expressionType === 'SQL92') return theirs.expression === ours.expression;
  return theirs.tags.size === ours.tags.size && [...theirs.tags].every((tag) => ours.tags.has(tag));
}
