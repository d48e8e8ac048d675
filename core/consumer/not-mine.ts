import { rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue } from '../message/message.js';

/** For a queue that somebody else reads, or nobody. */
export function notMine({ topic, brokerName, queueId }: MessageQueue) {
  return rocketMQError(
    'RMQ_QUEUE_NOT_FOUND',
    `queue ${queueId} of topic ${topic} at ${brokerName} is not read by this consumer`,
    { topic, broker: brokerName, queueId },
    { hint: 'Use a queue of consumer.assignment().' },
  );
}
