import { TOPIC_LENGTH_MAX } from '../../../message/message-rules.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { Refusal } from '../refusal.js';

const LEGAL = /^[%|a-zA-Z0-9_-]+$/;

/** What a 4.9 broker answers to a name that is none, characters before length; undefined for a good one. Matches Apache's TopicValidator. */
export function refuseTopicName(topic: string): Refusal | undefined {
  if (LEGAL.test(topic)) {
    return topic.length > TOPIC_LENGTH_MAX ? refuse('The specified topic is longer than topic max length.') : undefined;
  }
  return topic.trim() === ''
    ? refuse('The specified topic is blank.')
    : refuse('The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$');
}

function refuse(remark: string): Refusal {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
