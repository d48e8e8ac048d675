import { Injectable } from '@nestjs/common';
import {
  type ConsumedMessage,
  type ConsumerOptions,
  type DecodableTopic,
  type Expression,
  type HandlerContext,
  type HandlerPolicies,
  rocketMQError,
} from '../../core/index.js';
import { DEFAULT_CLIENT } from './tokens.js';

/** Of a consumer class; what it subscribes to stands at its methods. */
export interface RocketMQConsumerOptions extends Omit<ConsumerOptions, 'subscribe'> {
  /** The client's name in `forRoot`. Default: the client without a name. */
  readonly client?: string;
}

/** A method and the topic whose messages it handles. */
export interface SubscribedMethod {
  readonly method: string | symbol;
  readonly topic: string | DecodableTopic;
  readonly expression: Expression;
  readonly policies: HandlerPolicies;
}

export interface ConsumerMetadata {
  readonly client: string;
  readonly options: Omit<ConsumerOptions, 'subscribe'>;
}

/** Two copies of this package agree on where it is written. */
const CONSUMER = Symbol.for('multistage.nestjs.consumer');
const SUBSCRIBED = Symbol.for('multistage.nestjs.subscribed');

/** A method that a message can be given to. */
type Handles<T> = (message: ConsumedMessage<T>, context: HandlerContext) => unknown;
type HandlerDecorator<T> = <M extends Handles<T>>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Makes a provider a push consumer of a group: its `@Subscribe` methods get the messages. It starts when the application has
 * started and is drained when that shuts down.
 * @example
 * @RocketMQConsumer({ group: 'billing' })
 * export class BillingConsumer {
 *   @Subscribe(orders, 'created || paid')
 *   async bill(message: ConsumedMessage<Order>) { … } // throwing has it come again
 * }
 */
export function RocketMQConsumer({ client = DEFAULT_CLIENT, ...options }: RocketMQConsumerOptions): ClassDecorator {
  return (target) => {
    const metadata: ConsumerMetadata = { client, options };
    Object.defineProperty(target, CONSUMER, { value: metadata });
    Injectable()(target);
  };
}

/**
 * Gives the messages of a topic to a method of a consumer class.
 * @param expression tags joined by `||`, or `sql('…')`; default `*`
 * @param policies what becomes of messages that fail, as with `on`; default the consumer's
 * @throws RMQ_OPTIONS_INVALID for a topic that another method of the class has
 */
export function Subscribe<T>(
  topic: DecodableTopic<T>,
  expression?: Expression,
  policies?: HandlerPolicies,
): HandlerDecorator<T>;
export function Subscribe(
  topic: string,
  expression?: Expression,
  policies?: HandlerPolicies,
): HandlerDecorator<unknown>;
export function Subscribe(
  topic: string | DecodableTopic,
  expression: Expression = '*',
  policies: HandlerPolicies = {},
): HandlerDecorator<unknown> {
  return (target, method) => {
    const before = subscribedMethods(target);
    const taken = before.find((one) => nameOf(one.topic) === nameOf(topic) && one.method !== method);
    if (taken !== undefined) {
      const words = `@Subscribe: ${target.constructor.name}.${String(taken.method)} has topic ${nameOf(topic)} already`;
      throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'topic' });
    }
    Object.defineProperty(target, SUBSCRIBED, {
      value: [...before, { method, topic, expression, policies }],
      configurable: true,
    });
  };
}

/** What `@RocketMQConsumer` said of a class; undefined for all others. */
export function consumerMetadata(type: unknown): ConsumerMetadata | undefined {
  return typeof type === 'function' ? (type as { readonly [CONSUMER]?: ConsumerMetadata })[CONSUMER] : undefined;
}

/** The `@Subscribe` methods of an instance, or of a class's prototype; those of classes above it too. */
export function subscribedMethods(instance: object): readonly SubscribedMethod[] {
  return (instance as { readonly [SUBSCRIBED]?: readonly SubscribedMethod[] })[SUBSCRIBED] ?? [];
}

function nameOf(topic: string | DecodableTopic): string {
  return typeof topic === 'string' ? topic : topic.name;
}
