import type { ReceivedMessage } from '../core/index.js';

/** A message as the commands print it: what its readers get. */
export function messageFields(message: ReceivedMessage) {
  return {
    topic: message.topic,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    msgId: message.msgId,
    tag: message.tag,
    keys: message.keys,
    properties: message.properties,
    body: message.body.toString('utf8'),
  };
}

/** The same with where it lies and when it came, for whoever looks for it. */
export function placedMessageFields(message: ReceivedMessage) {
  const { body, ...fields } = messageFields(message);
  return {
    ...fields,
    brokerName: message.brokerName,
    offsetMsgId: message.offsetMsgId,
    bornHost: message.bornHost,
    bornAt: new Date(message.bornTimestamp).toISOString(),
    storedAt: new Date(message.storeTimestamp).toISOString(),
    reconsumeTimes: message.reconsumeTimes,
    body,
  };
}
