import { formatBody, integerMember, objectOf, parseBody, stringMember } from './body-fields.js';

/** How a group gets a topic's messages: it pulls from queues of its own, or pops what the broker hands out. */
export type MessageRequestMode = 'PULL' | 'POP';

/** The body of SET_MESSAGE_REQUEST_MODE. Matches Apache's SetMessageRequestModeRequestBody (5.x). */
export interface MessageRequestModeSetting {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly mode: MessageRequestMode;
  /** With how many others a client shares its queues; 0 or less: all share all. */
  readonly popShareQueueNum: number;
}

const NAME = 'SetMessageRequestModeRequestBody';

export function encodeMessageRequestMode(setting: MessageRequestModeSetting): Buffer {
  return formatBody(setting);
}

/** @throws RMQ_BODY_INVALID */
export function decodeMessageRequestMode(body: Buffer): MessageRequestModeSetting {
  return readMessageRequestMode(parseBody(body, NAME), NAME);
}

/** A mode that nobody wrote is PULL, as in Java. @throws RMQ_BODY_INVALID */
export function readMessageRequestMode(value: unknown, name: string): MessageRequestModeSetting {
  const setting = objectOf(value, name);
  return {
    topic: stringMember(setting, 'topic', name),
    consumerGroup: stringMember(setting, 'consumerGroup', name),
    mode: stringMember(setting, 'mode', name) === 'POP' ? 'POP' : 'PULL',
    popShareQueueNum: integerMember(setting, 'popShareQueueNum', name),
  };
}
