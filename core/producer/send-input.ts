import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingMessage } from '../message/message.js';
import { requireMessage, requireNoBody } from '../message/message-rules.js';
import { isTypedTopic } from '../message/typed-topic.js';
import type { SendTarget } from '../pipeline/context.js';
import type { AnyMessage, RawMessage, SendOptions, TypedMessage } from './producer.js';
import { invalid } from './resolve-options.js';

/** Whether a message is of a typed topic. @throws RMQ_MESSAGE_ILLEGAL for what is no message at all */
export function isTyped(message: AnyMessage): message is TypedMessage<unknown> {
  requireMessage(message);
  if (typeof message.topic === 'string' || !isTypedTopic(message.topic)) return false;
  return true;
}

/** The bytes of a typed message. @throws RMQ_MESSAGE_ILLEGAL when it has a body; RMQ_VALUE_INVALID, also by promise */
export function encodeTyped(message: TypedMessage<unknown>): RawMessage | Promise<RawMessage> {
  const { topic, value, ...rest } = message;
  requireNoBody(rest, topic.name);
  const toRaw = (body: unknown): RawMessage => {
    if (!ArrayBuffer.isView(body)) throw valueInvalid(topic.name, new TypeError('The codec did not write bytes'));
    return { ...rest, topic: topic.name, body: body as Uint8Array };
  };
  try {
    const body = topic.encode(value);
    if (!(body instanceof Promise)) return toRaw(body);
    return body.then(toRaw).catch((error: unknown) => {
      throw valueInvalid(topic.name, error);
    });
  } catch (error) {
    throw valueInvalid(topic.name, error);
  }
}

/** The queue that the caller fixes, if any. @throws RMQ_OPTIONS_INVALID for more than one way to fix it */
export function targetOf(message: RawMessage, options: SendOptions | undefined): SendTarget | undefined {
  const shardingKey = options?.shardingKey ?? message.shardingKey;
  const queue = options?.queue;
  const selector = options?.selector;
  if (shardingKey === undefined && queue === undefined && selector === undefined) return undefined;
  if (Number(shardingKey !== undefined) + Number(queue !== undefined) + Number(selector !== undefined) > 1) {
    throw invalid('queue', 'can be fixed in one way only: queue, selector or shardingKey');
  }
  if (queue !== undefined) {
    if (typeof queue === 'object' && queue !== null && Number.isInteger(queue.queueId)) return { queue };
    throw invalid('queue', 'has to be one that fetchPublishMessageQueues returned');
  }
  if (selector !== undefined) {
    if (typeof selector === 'function') return { selector };
    throw invalid('selector', 'has to be a function', selector);
  }
  if (typeof shardingKey === 'string' && shardingKey !== '') return { shardingKey };
  throw invalid('shardingKey', 'has to be a text that is not empty', shardingKey);
}

/** What the budget counts for a message; what is no body is refused later, by stage 1. */
export function bodySize(message: OutgoingMessage): number {
  const { body } = message;
  if (typeof body === 'string') return Buffer.byteLength(body);
  return ArrayBuffer.isView(body) ? body.byteLength : 0;
}

/** What a send that never began ends with. Beside our own errors only reading the message can throw: a getter of it, a proxy. */
export function sendFailure(error: unknown): RocketMQError {
  if (isRocketMQError(error)) return error;
  const words = error instanceof Error ? error.message : String(error);
  return rocketMQError(
    'RMQ_MESSAGE_ILLEGAL',
    `The message cannot be read: ${words}`,
    { field: 'message' },
    { cause: error },
  );
}

function valueInvalid(topic: string, error: unknown): Error {
  if (isRocketMQError(error, 'RMQ_VALUE_INVALID')) return error;
  const words = error instanceof Error ? error.message : String(error);
  const message = `The value cannot be written for topic ${topic}: ${words}`;
  return rocketMQError('RMQ_VALUE_INVALID', message, { topic, issues: [{ message: words }] }, { cause: error });
}
