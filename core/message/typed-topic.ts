import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { decodeJson, encodeJson } from './json-codec.js';
import { isStandardSchema, type StandardIssue, type StandardSchema } from './standard-schema.js';
import type { TopicCodec } from './topic-codec.js';

/**
 * A topic whose bodies are values of one type: give it to `send` with `value`, and to a consumer's `subscribe`. What is
 * sent (`Input`) and what is received (`T`) differ only where a schema transforms.
 */
export interface TypedTopic<T, Input = T> {
  readonly name: string;
  encode(value: Input): Uint8Array | Promise<Uint8Array>;
  decode(body: Uint8Array): T | Promise<T>;
}

/** The type of the values that a typed topic delivers. */
export type ValueOf<Topic> = Topic extends TypedTopic<infer T, never> ? T : never;

/**
 * Gives a topic a type. With a codec (`json()`) values are written and read as they are. With a Standard Schema they are
 * JSON: a value is validated before it is sent as given, and what the schema makes of a received one is delivered.
 * @throws RMQ_OPTIONS_INVALID
 * @example const orders = topic('orders', json<Order>());
 * @example const orders = topic('orders', v.object({ id: v.string() }));
 */
export function topic<T, Input = T>(name: string, codec: TopicCodec<T, Input>): TypedTopic<T, Input>;
export function topic<Input, Output>(name: string, schema: StandardSchema<Input, Output>): TypedTopic<Output, Input>;
export function topic<T, Input>(
  name: string,
  codec: TopicCodec<T, Input> | StandardSchema<Input, T>,
): TypedTopic<T, Input> {
  if (typeof name !== 'string' || name === '') {
    throw rocketMQError('RMQ_OPTIONS_INVALID', 'topic() needs the name of a topic', { option: 'topic' });
  }
  if (isStandardSchema(codec)) return schemaTopic(name, codec as StandardSchema<Input, T>);
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    const message = `topic('${name}', codec) needs a codec with encode and decode, such as json(), or a Standard Schema`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'codec' });
  }
  return {
    name,
    encode: (value) => codec.encode(value, name),
    decode: (body) => codec.decode(body, name),
  };
}

/** How bodies become values: a codec, such as `json()`, or a Standard Schema that they are JSON of. */
export type ReadsBodies<T> = Pick<TopicCodec<T>, 'decode'> | StandardSchema<unknown, T>;

/** Reads one body. @throws RMQ_VALUE_INVALID, also by its promise */
export type BodyReader<T> = (body: Uint8Array, topic: string) => T | Promise<T>;

/** A reader of bodies that stand for themselves, without a topic of that type. @throws RMQ_OPTIONS_INVALID naming `option` */
export function bodyReader<T>(reads: ReadsBodies<T>, option: string): BodyReader<T> {
  if (isStandardSchema(reads)) {
    return (body, name) => validate(reads as StandardSchema<unknown, T>, decodeJson(body, name), name);
  }
  if (typeof reads?.decode !== 'function') {
    const message = `${option} has to be a codec with decode, such as json(), or a Standard Schema`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
  }
  return async (body, name) => {
    try {
      return await reads.decode(body, name);
    } catch (error) {
      if (isRocketMQError(error, 'RMQ_VALUE_INVALID')) throw error;
      const words = error instanceof Error ? error.message : String(error);
      const message = `The body of a message of topic ${name} cannot be read: ${words}`;
      throw rocketMQError(
        'RMQ_VALUE_INVALID',
        message,
        { topic: name, issues: [{ message: words }] },
        { cause: error },
      );
    }
  };
}

/** How values become bodies: a codec, such as `json()`, or a Standard Schema that they satisfy, as JSON. */
export type WritesBodies<T> = Pick<TopicCodec<never, T>, 'encode'> | StandardSchema<T, unknown>;

/** Writes one body of a topic. @throws RMQ_OPTIONS_INVALID naming `option`; RMQ_VALUE_INVALID by its promise */
export async function writeBody<T>(
  writes: WritesBodies<T>,
  option: string,
  value: T,
  name: string,
): Promise<Uint8Array> {
  if (isStandardSchema(writes)) {
    await validate(writes as StandardSchema<T, unknown>, value, name);
    return encodeJson(value, name);
  }
  if (typeof writes?.encode !== 'function') {
    const message = `${option} has to be a codec with encode, such as json(), or a Standard Schema`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
  }
  try {
    return await writes.encode(value, name);
  } catch (error) {
    throw valueInvalid(name, 'A value cannot be written', error);
  }
}

/** Whether something is a typed topic, of whichever copy of the package. */
export function isTypedTopic(candidate: unknown): candidate is TypedTopic<unknown> {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const { name, encode, decode } = candidate as Partial<TypedTopic<unknown>>;
  return typeof name === 'string' && typeof encode === 'function' && typeof decode === 'function';
}

function schemaTopic<T, Input>(name: string, schema: StandardSchema<Input, T>): TypedTopic<T, Input> {
  return {
    name,
    encode: (value) => {
      const checked = validate(schema, value, name);
      return checked instanceof Promise ? checked.then(() => encodeJson(value, name)) : encodeJson(value, name);
    },
    decode: (body) => validate(schema, decodeJson(body, name), name),
  };
}

function validate<Input, T>(schema: StandardSchema<Input, T>, value: unknown, name: string): T | Promise<T> {
  const result = schema['~standard'].validate(value);
  const accept = (settled: Awaited<typeof result>): T => {
    if (settled.issues) throw refusal(name, settled.issues);
    return settled.value;
  };
  return result instanceof Promise ? result.then(accept) : accept(result);
}

function refusal(topicName: string, issues: readonly StandardIssue[]) {
  const plain = issues.map((issue) => ({
    message: issue.message,
    ...(issue.path && { path: issue.path.map((step) => (typeof step === 'object' ? step.key : step)) }),
  }));
  const words = plain.map((issue) =>
    issue.path ? `${issue.path.map(String).join('.')}: ${issue.message}` : issue.message,
  );
  return rocketMQError('RMQ_VALUE_INVALID', `The value does not fit topic ${topicName}: ${words.join('; ')}`, {
    topic: topicName,
    issues: plain,
  });
}

/** What a codec threw, as ours. */
function valueInvalid(topicName: string, what: string, error: unknown): Error {
  if (isRocketMQError(error, 'RMQ_VALUE_INVALID')) return error;
  const words = error instanceof Error ? error.message : String(error);
  const fields = { topic: topicName, issues: [{ message: words }] };
  return rocketMQError('RMQ_VALUE_INVALID', `${what} (topic ${topicName}): ${words}`, fields, { cause: error });
}
