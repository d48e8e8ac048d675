import { rocketMQError } from '../../errors/rocketmq-error.js';
import { RETRY_TOPIC_PREFIX } from '../../message/system-topics.js';
import { javaStringHash } from '../../message/tag-hash.js';
import { tagsOf } from '../../remoting/protocol/subscription-data.js';
import { isSqlExpression } from './sql.js';
import type { DecodableTopic, Subscribe, SubscribedTopic } from './subscribe.js';

/** One topic of a consumer, as it was asked for. */
export interface TopicSubscription {
  /** As the application writes it. */
  readonly topic: string;
  /** As the application writes it, blanks included; `*` for everything. */
  readonly expression: string;
  /** Empty for everything. */
  readonly tags: ReadonlySet<string>;
  /** Java's hashes of the tags, by which brokers filter. */
  readonly tagCodes: readonly number[];
  /** By whom and how it is read: tags, or an expression that the broker evaluates. */
  readonly expressionType: 'TAG' | 'SQL92';
  /** Milliseconds since 1970, raised with each change; brokers keep the newest. */
  readonly subVersion: number;
  /** Whether these are messages that come again: the group's own retry topic. */
  readonly retried: boolean;
  /** How bodies become values; undefined where the topic is not typed. */
  readonly decodable: DecodableTopic | undefined;
}

/**
 * Reads every form of `subscribe`.
 * @throws RMQ_OPTIONS_INVALID when it is none, RMQ_SUBSCRIPTION_INVALID when a topic or an expression cannot be understood
 */
export function parseSubscribe(subscribe: Subscribe, subVersion: number): readonly TopicSubscription[] {
  const subscriptions = new Map<string, TopicSubscription>();
  for (const [topic, expression] of entriesOf(subscribe)) {
    const subscription = parseSubscription(topic, expression, subVersion);
    if (subscriptions.has(subscription.topic)) {
      throw invalid(
        subscription.topic,
        subscription.expression,
        'it is subscribed to twice; join the tags in one expression',
      );
    }
    subscriptions.set(subscription.topic, subscription);
  }
  if (subscriptions.size === 0) throw noSubscription(subscribe);
  return [...subscriptions.values()];
}

/**
 * One topic with its expression. Matches Apache's FilterAPI: nothing or `*` is everything, `||` joins tags. Stricter than
 * parseTagExpression, with which a broker takes what others send: blanks, a `*` among tags and a single bar are most
 * likely slips of the application.
 */
export function parseSubscription(topic: SubscribedTopic, expression: unknown, subVersion: number): TopicSubscription {
  const decodable = typeof topic === 'object' && topic !== null ? topic : undefined;
  const name = decodable === undefined ? topic : decodable.name;
  if (typeof name !== 'string' || name === '') {
    throw invalid(String(name), String(expression), 'a topic is a non-empty name or what topic() returned');
  }
  const plain = { topic: name, tags: new Set<string>(), tagCodes: [], expressionType: 'TAG', subVersion } as const;
  if (isSqlExpression(expression)) {
    if (expression.expression.trim() === '')
      throw invalid(name, expression.expression, 'the SQL92 expression is empty');
    return { ...plain, expression: expression.expression, expressionType: 'SQL92', retried: false, decodable };
  }
  if (typeof expression !== 'string') {
    throw invalid(name, String(expression), "an expression is a string: '*', or tags joined by '||'; or sql('…')");
  }
  if (expression === '' || expression.trim() === '*') {
    return { ...plain, expression: '*', retried: false, decodable };
  }
  const tags = tagsOf(expression);
  if (tags.length === 0) throw invalid(name, expression, "there is no tag in it; use '*' for everything");
  const unlikely = tags.find((tag) => tag === '*' || tag.includes('|'));
  if (unlikely !== undefined) {
    throw invalid(
      name,
      expression,
      `'${unlikely}' is no tag: '*' stands alone for everything, and tags are joined by '||'`,
    );
  }
  return {
    ...plain,
    expression,
    tags: new Set(tags),
    tagCodes: tags.map(javaStringHash),
    retried: false,
    decodable,
  };
}

/** What brokers sent back of a group, all of it. */
export function retrySubscription(group: string, subVersion: number): TopicSubscription {
  return {
    topic: `${RETRY_TOPIC_PREFIX}${group}`,
    expression: '*',
    tags: new Set(),
    tagCodes: [],
    expressionType: 'TAG',
    subVersion,
    retried: true,
    decodable: undefined,
  };
}

function entriesOf(subscribe: Subscribe): Iterable<readonly [SubscribedTopic, unknown]> {
  if (typeof subscribe !== 'object' || subscribe === null) throw noSubscription(subscribe);
  if (Symbol.iterator in subscribe) {
    return [...(subscribe as Iterable<SubscribedTopic | readonly [SubscribedTopic, string]>)].map((entry) =>
      Array.isArray(entry)
        ? (entry as unknown as readonly [SubscribedTopic, unknown])
        : ([entry as SubscribedTopic, '*'] as const),
    );
  }
  return Object.entries(subscribe);
}

function noSubscription(given: unknown) {
  return rocketMQError(
    'RMQ_OPTIONS_INVALID',
    `consumer option subscribe must name at least one topic, such as { orders: '*' }, not ${
      typeof given === 'object' && given !== null ? 'nothing' : String(given)
    }`,
    { option: 'subscribe' },
  );
}

function invalid(topic: string, expression: string, why: string) {
  return rocketMQError('RMQ_SUBSCRIPTION_INVALID', `subscription of topic ${topic} to '${expression}': ${why}`, {
    topic,
    expression,
  });
}
