import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';

/** For a queue that somebody else reads, or nobody. */
export function notMine({ topic, brokerName, queueId }: MessageQueue) {
  return rocketMQError(
    'RMQ_QUEUE_NOT_FOUND',
    `queue ${queueId} of topic ${topic} at ${brokerName} is not read by this consumer`,
    { topic, broker: brokerName, queueId },
    { hint: 'Use a queue of consumer.assignment().' },
  );
}

/** For a queue whose position is its broker's. */
export function hasNoPosition({ topic, brokerName }: MessageQueue) {
  return rocketMQError(
    'RMQ_OPTIONS_INVALID',
    `consumer: seek of topic ${topic} at ${brokerName} cannot be: it is popped, so where it goes on is known to its broker`,
    { option: 'seek' },
    { hint: "Reset the group's offset at the broker (mqadmin resetOffsetByTime), or pull." },
  );
}
