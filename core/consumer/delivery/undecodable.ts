import type { ReceivedMessage } from '../../message/message.js';
import type { Logger } from '../../runtime/logger.js';
import type { Undecodable } from '../options/consumer-options.js';
import { ACK, type MessageOutcome } from './delivery.js';

/** Which message it is; one whose body cannot be read has no id here. */
export type UndecodableMessage = Pick<ReceivedMessage, 'topic' | 'brokerName' | 'queueId' | 'queueOffset'> & {
  readonly msgId: string | undefined;
};

/** What becomes of a message whose body cannot be read or is no value of its topic, by the policy of its topic. */
export function undecodablePolicy(
  policyOf: (topic: string) => Undecodable,
  group: string,
  logger: Logger,
): (message: UndecodableMessage, error: unknown, what: string) => MessageOutcome {
  return ({ topic, brokerName, queueId, queueOffset, msgId }, error, what) => {
    const policy = policyOf(topic);
    if (policy === 'retry') return { kind: 'retry', error };
    if (policy === 'deadLetter') return { kind: 'deadLetter', reason: what, error };
    logger.warn(`a message is skipped: ${what}`, { group, topic, brokerName, queueId, queueOffset, msgId, error });
    return ACK;
  };
}
