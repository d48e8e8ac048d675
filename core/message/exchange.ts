import { rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingMessage, Properties, ReceivedMessage } from './message.js';
import { PropertyName } from './property-names.js';
import { replyTopicOf } from './system-topics.js';

/** Which half of a request and its reply a message is. */
export type Exchange = 'request' | 'reply';

/** What MSG_TYPE says of a reply. */
const REPLY_TYPE = 'reply';

/** Whether a message asks for a reply, or is one; undefined for all others, which is told at the price of one field. */
export function exchangeOf({ systemProperties }: OutgoingMessage): Exchange | undefined {
  if (systemProperties === undefined) return undefined;
  if (systemProperties[PropertyName.MSG_TYPE] === REPLY_TYPE) return 'reply';
  const { CORRELATION_ID, REPLY_TO_CLIENT } = PropertyName;
  return systemProperties[CORRELATION_ID] !== undefined && systemProperties[REPLY_TO_CLIENT] !== undefined
    ? 'request'
    : undefined;
}

/** The properties that make a message a request. Matches Apache's DefaultMQProducerImpl.prepareSendRequest. */
export function requestProperties(correlationId: string, clientId: string, ttlMs: number): Properties {
  return {
    [PropertyName.CORRELATION_ID]: correlationId,
    [PropertyName.REPLY_TO_CLIENT]: clientId,
    [PropertyName.TTL]: String(Math.min(Math.ceil(ttlMs), Number.MAX_SAFE_INTEGER)),
  };
}

/**
 * Where the reply to a request goes, a name on the wire, and what makes it one. Matches Apache's
 * MessageUtil.createReplyMessage.
 * @throws RMQ_MESSAGE_ILLEGAL for a message that is no request
 */
export function replyTo(request: Pick<ReceivedMessage, 'properties' | 'topic' | 'msgId'>): {
  readonly topic: string;
  readonly systemProperties: Properties;
} {
  const { CORRELATION_ID, REPLY_TO_CLIENT, TTL, MSG_TYPE, CLUSTER } = PropertyName;
  const needed = (name: string): string => {
    const value = request.properties[name];
    if (value !== undefined) return value;
    const message = `Message ${request.msgId} of topic ${request.topic} is no request: it has no property ${name}`;
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field: name, topic: request.topic });
  };
  const ttl = request.properties[TTL];
  return {
    topic: replyTopicOf(needed(CLUSTER)),
    systemProperties: {
      [MSG_TYPE]: REPLY_TYPE,
      [CORRELATION_ID]: needed(CORRELATION_ID),
      [REPLY_TO_CLIENT]: needed(REPLY_TO_CLIENT),
      ...(ttl !== undefined && { [TTL]: ttl }),
    },
  };
}
