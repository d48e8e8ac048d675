import { rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import { messagesOf } from '../message/outgoing-batch.js';
import { javaStringHash } from '../message/tag-hash.js';
import type { SendTarget } from './context.js';

/**
 * The queue that the caller asks for among a topic's queues; undefined when it is not among them.
 * @throws RMQ_MESSAGE_ILLEGAL for a queue of another topic, RMQ_OPTIONS_INVALID for a selector that throws or returns something else
 */
export function targetQueue(
  target: SendTarget,
  queues: readonly MessageQueue[],
  message: OutgoingMessage,
): MessageQueue | undefined {
  if ('queue' in target) return findQueue(target.queue, queues, message.topic);
  if ('selector' in target) return selectedQueue(target.selector, queues, message);
  return queues[shardOf(target.shardingKey, queues.length)];
}

/** One key, one queue, as long as the topic has that many: Java's hash of the key, modulo, never negative. */
export function shardOf(shardingKey: string, queueCount: number): number {
  const remainder = javaStringHash(shardingKey) % queueCount;
  return remainder < 0 ? remainder + queueCount : Math.abs(remainder);
}

/** RMQ_QUEUE_NOT_FOUND for a target that was not among the queues. */
export function queueNotFound(topic: string, target: SendTarget): Error {
  if (!('queue' in target)) {
    const message = `The selector returned no queue of topic ${topic}`;
    return rocketMQError('RMQ_QUEUE_NOT_FOUND', message, { topic });
  }
  const { brokerName, queueId } = target.queue;
  const message = `Topic ${topic} has no queue ${queueId} on broker ${brokerName} that can be written`;
  return rocketMQError('RMQ_QUEUE_NOT_FOUND', message, { topic, broker: brokerName, queueId });
}

function findQueue(wanted: MessageQueue, queues: readonly MessageQueue[], topic: string): MessageQueue | undefined {
  if (wanted.topic !== topic) {
    const message = `The queue belongs to topic ${wanted.topic}, the message to topic ${topic}`;
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field: 'queue', topic });
  }
  return queues.find((queue) => queue.queueId === wanted.queueId && queue.brokerName === wanted.brokerName);
}

function selectedQueue(
  selector: (queues: readonly MessageQueue[], message: OutgoingMessage) => MessageQueue,
  queues: readonly MessageQueue[],
  message: OutgoingMessage,
): MessageQueue | undefined {
  let chosen: MessageQueue | undefined;
  try {
    // A selector knows messages: of a batch it is shown the first.
    chosen = selector(queues, messagesOf(message)?.[0] ?? message);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw rocketMQError(
      'RMQ_OPTIONS_INVALID',
      `The queue selector threw: ${words}`,
      { option: 'selector' },
      { cause: error },
    );
  }
  if (chosen === undefined || chosen === null) return undefined;
  if (typeof chosen.topic === 'string') return findQueue(chosen, queues, message.topic);
  // What it rejects with would be an unhandled rejection.
  Promise.resolve(chosen).catch(() => undefined);
  const text = 'The queue selector has to return one of the queues that it is given, at once and not by promise';
  throw rocketMQError('RMQ_OPTIONS_INVALID', text, { option: 'selector' });
}
