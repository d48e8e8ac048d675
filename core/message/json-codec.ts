import { rocketMQError } from '../errors/rocketmq-error.js';
import type { TopicCodec } from './topic-codec.js';

/**
 * Bodies as JSON in UTF-8. The type is a promise of the application's; nothing is checked. Give a schema instead where
 * values come from others.
 * @example const orders = topic('orders', json<Order>());
 */
export function json<T>(): TopicCodec<T> {
  return { encode: encodeJson, decode: (body, topic) => decodeJson(body, topic) as T };
}

/** @throws RMQ_VALUE_INVALID for a value that JSON cannot hold: undefined, a function, a cycle, a bigint */
export function encodeJson(value: unknown, topic: string): Buffer {
  const text = stringify(value, topic);
  if (text === undefined) {
    throw invalid(topic, `A value of type ${typeof value} cannot be written as JSON`);
  }
  return Buffer.from(text, 'utf8');
}

/** @throws RMQ_VALUE_INVALID when the body is no JSON */
export function decodeJson(body: Uint8Array, topic: string): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    throw invalid(topic, `The body of a message of topic ${topic} is no JSON: ${(error as Error).message}`, error);
  }
}

function stringify(value: unknown, topic: string): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw invalid(topic, `The value cannot be written as JSON: ${(error as Error).message}`, error);
  }
}

function invalid(topic: string, message: string, cause?: unknown) {
  return rocketMQError('RMQ_VALUE_INVALID', message, { topic, issues: [{ message }] }, { cause });
}
