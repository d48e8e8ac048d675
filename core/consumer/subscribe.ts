import type { ConsumedMessage } from './consumed-message.js';

/** A typed topic as a consumer needs it: its name, and how a body becomes a value. */
export interface DecodableTopic<T = unknown> {
  readonly name: string;
  /** @throws RMQ_VALUE_INVALID, also by its promise */
  decode(body: Buffer): T | Promise<T>;
}

/** A topic by its name, or a typed one whose messages carry a decoded `value`. */
export type SubscribedTopic = string | DecodableTopic;

/**
 * What a consumer reads. An expression is `*` for everything, or tags joined by `||`.
 * - an object from topic name to expression: `{ orders: 'created || paid' }`
 * - an array of topics, or of pairs of a topic and its expression: `[orders, [payments, 'paid']]`
 * - a Map from topic to expression
 */
export type Subscribe =
  | { readonly [topic: string]: string }
  | readonly (SubscribedTopic | readonly [SubscribedTopic, string])[]
  | ReadonlyMap<SubscribedTopic, string>;

type ValueOfTopic<T> = T extends DecodableTopic<infer V> ? V : unknown;
type TopicOfEntry<E> = E extends readonly [infer T, string] ? T : E;

/** What `message.value` is for these subscriptions: the union over the typed topics, unknown when one is not typed. */
export type SubscribedValue<S> =
  S extends ReadonlyMap<infer T, string>
    ? ValueOfTopic<T>
    : S extends readonly (infer E)[]
      ? ValueOfTopic<TopicOfEntry<E>>
      : unknown;

/** A message as the handler of these subscriptions gets it. */
export type SubscribedMessage<S> = ConsumedMessage<SubscribedValue<S>>;
