import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import { integerMember, objectOf, stringMember } from './body-fields.js';
import { type DialectObject, mapEntries } from './json-dialect.js';

/** A queue as Java writes it, in lists and as the key of maps: members in this order. */
export function messageQueueValue({ brokerName, queueId, topic }: MessageQueue): object {
  return { brokerName, queueId, topic };
}

/** @throws RMQ_BODY_INVALID */
export function readMessageQueue(value: unknown, name: string): MessageQueue {
  const queue = objectOf(value, name);
  return {
    topic: stringMember(queue, 'topic', name),
    brokerName: stringMember(queue, 'brokerName', name),
    queueId: integerMember(queue, 'queueId', name),
  };
}

/** A map with queues as keys, to be written with the queues as objects: 5.5.0 reads no other form. */
export function queueMapValue<T>(
  map: Iterable<readonly [MessageQueue, T]>,
  write: (value: T) => unknown,
): Map<object, unknown> {
  const written = new Map<object, unknown>();
  for (const [queue, value] of map) written.set(messageQueueValue(queue), write(value));
  return written;
}

/**
 * Reads a map with queues as keys; each queue is an object of its own, so look-ups go by its members, not by the map.
 * @throws RMQ_BODY_INVALID
 */
export function readQueueMap<T>(
  object: DialectObject,
  member: string,
  within: string,
  read: (value: unknown, name: string) => T,
): Map<MessageQueue, T> {
  const map = new Map<MessageQueue, T>();
  const name = `${within}.${member}`;
  const written = object[member] ?? undefined;
  if (written !== undefined && (typeof written !== 'object' || Array.isArray(written))) {
    throw rocketMQError('RMQ_BODY_INVALID', `${name} has to be a map with queues as keys`, {});
  }
  for (const [queue, value] of mapEntries(written)) map.set(readMessageQueue(queue, name), read(value, name));
  return map;
}
