import type { ReceivedMessage } from '../message/message.js';
import type { Logger } from '../runtime/logger.js';
import type { Undecodable } from './consumer-options.js';
import { ACK, type MessageOutcome } from './delivery.js';

/** What becomes of a message whose body is no value of its topic, by the consumer's option. */
export function undecodablePolicy(
  policy: Undecodable,
  group: string,
  logger: Logger,
): (message: ReceivedMessage, error: unknown) => MessageOutcome {
  return ({ topic, brokerName, queueId, queueOffset, msgId }, error) => {
    if (policy === 'retry') return { kind: 'retry', error };
    if (policy === 'deadLetter') {
      return { kind: 'deadLetter', reason: 'the body is no value of the topic', error };
    }
    logger.warn('a message whose body is no value of its topic is skipped', {
      group,
      topic,
      brokerName,
      queueId,
      queueOffset,
      msgId,
      error,
    });
    return ACK;
  };
}
