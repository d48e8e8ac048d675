import type { SqlExpression } from './sql.js';

/** A typed topic as a consumer needs it: its name, and how a body becomes a value. */
export interface DecodableTopic<T = unknown> {
  readonly name: string;
  /** @throws RMQ_VALUE_INVALID, also by its promise */
  decode(body: Buffer): T | Promise<T>;
}

/** A topic by its name, or a typed one whose messages carry a decoded `value`. */
export type SubscribedTopic = string | DecodableTopic;

/** Which messages of a topic: `*` for all, tags joined by `||`, or `sql('…')`. */
export type Expression = string | SqlExpression;

/**
 * What a consumer reads.
 * - an object from topic name to expression: `{ orders: 'created || paid' }`
 * - an array of topics, or of pairs of a topic and its expression: `[orders, [payments, 'paid']]`
 * - a Map from topic to expression
 */
export type Subscribe =
  | { readonly [topic: string]: Expression }
  | readonly (SubscribedTopic | readonly [SubscribedTopic, Expression])[]
  | ReadonlyMap<SubscribedTopic, Expression>;

type ValueOfTopic<T> = T extends DecodableTopic<infer V> ? V : unknown;
type TopicOfEntry<E> = E extends readonly [infer T, Expression] ? T : E;

/** What `message.value` is for these subscriptions: the union over the typed topics, unknown when one is not typed. */
export type SubscribedValue<S> =
  S extends ReadonlyMap<infer T, Expression>
    ? ValueOfTopic<T>
    : S extends readonly (infer E)[]
      ? ValueOfTopic<TopicOfEntry<E>>
      : unknown;
