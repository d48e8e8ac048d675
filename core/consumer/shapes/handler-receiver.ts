import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { DeliveryEnd } from '../delivery/delivery-chain.js';
import {
  type AnyBatchHandler,
  type AnyHandler,
  batchEnd,
  handlerEnd,
  type TopicValues,
} from '../delivery/handler-end.js';
import { checkPolicies, type HandlerPolicies } from '../delivery/handler-policies.js';
import type { Receiver } from '../delivery/receiver.js';
import type { TopicHandler } from './topic-handler.js';

/** Handlers by topic: those that `run` was given, and those that come with topics subscribed to later. */
export class Handlers {
  readonly #byTopic: Map<string, TopicHandler>;
  readonly #forAll: AnyHandler | undefined;

  private constructor(forAll: AnyHandler | undefined, byTopic: ReadonlyMap<string, TopicHandler>) {
    this.#forAll = forAll;
    this.#byTopic = new Map(byTopic);
  }

  /**
   * One handler for all topics, or one for each.
   * @throws RMQ_OPTIONS_INVALID when a topic has none or two, or a handler has no topic
   */
  static of(given: AnyHandler | readonly TopicHandler[], topics: readonly string[]): Handlers {
    if (typeof given === 'function') return new Handlers(given, new Map());
    if (!Array.isArray(given)) {
      throw invalid(`run needs a handler function, or a list of on(topic, handler), not ${typeof given}`);
    }
    const byTopic = new Map<string, TopicHandler>();
    for (const one of given as readonly TopicHandler[]) {
      const { topic, handler, policies = {} } = one;
      if (typeof handler !== 'function')
        throw invalid(`topic ${topic} needs a handler function, not ${typeof handler}`);
      if (byTopic.has(topic)) throw invalid(`topic ${topic} has two handlers`);
      if (!topics.includes(topic)) throw invalid(`there is a handler for topic ${topic}, which is not subscribed to`);
      checkPolicies(topic, policies);
      byTopic.set(topic, one);
    }
    const missing = topics.find((topic) => !byTopic.has(topic));
    if (missing !== undefined) throw invalid(`topic ${missing} has no handler`);
    return new Handlers(undefined, byTopic);
  }

  /** Undefined where a topic has none. */
  of(topic: string): AnyHandler | undefined {
    return this.#byTopic.get(topic)?.handler ?? this.#forAll;
  }

  /** What the topic's handler was given of its own. */
  policiesOf(topic: string): HandlerPolicies | undefined {
    return this.#byTopic.get(topic)?.policies;
  }

  /** Another handler has none of the policies of the one before. */
  set(topic: string, handler: AnyHandler, policies: HandlerPolicies): void {
    this.#byTopic.set(topic, { topic, handler, policies });
  }

  delete(topic: string): void {
    this.#byTopic.delete(topic);
  }
}

/** What `run` makes of its handlers. */
export function handlerReceiver(handlers: Handlers): Receiver {
  return {
    ...UNBOUNDED,
    kind: 'handler',
    batchSize: 1,
    end: (values: TopicValues): DeliveryEnd => handlerEnd((topic) => handlers.of(topic), values),
    policiesOf: (topic) => handlers.policiesOf(topic),
  };
}

/** What `runBatch` makes of its handler. @throws RMQ_OPTIONS_INVALID */
export function batchReceiver(handler: AnyBatchHandler, batchSize: number): Receiver {
  if (typeof handler !== 'function') throw invalid(`runBatch needs a handler function, not ${typeof handler}`);
  return {
    ...UNBOUNDED,
    kind: 'batch handler',
    batchSize,
    end: (values: TopicValues): DeliveryEnd => batchEnd(handler, values),
  };
}

/** A handler ends its deliveries itself, and takes as many as the consumer's concurrency allows. */
const UNBOUNDED = {
  endsByItself: true,
  wants: () => true,
  abandon: () => undefined,
  stop: () => undefined,
} as const;

function invalid(message: string) {
  return rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'handler' });
}
