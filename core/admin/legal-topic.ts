import { rocketMQError } from '../errors/rocketmq-error.js';
import { validateTopic } from '../message/message-rules.js';
import { isSystemTopic } from '../message/system-topics.js';

/** A topic that an application may make and delete. @throws RMQ_MESSAGE_ILLEGAL for another */
export function legalTopic(topic: string, what: 'created' | 'deleted'): string {
  validateTopic(topic);
  if (!isSystemTopic(topic)) return topic;
  const message = `The topic ${topic} belongs to RocketMQ itself and cannot be ${what}`;
  throw rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field: 'topic', topic });
}
