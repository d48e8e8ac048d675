import { formatBody, listMember, optionalStringMember, parseBody, stringOf } from './body-fields.js';

/** Names of topics, and of what else is listed like topics. Matches Apache's TopicList. */
export interface TopicList {
  readonly topicList: readonly string[];
  /** Some broker's address, where the answer has one. */
  readonly brokerAddr?: string;
}

export function encodeTopicList(list: TopicList): Buffer {
  return formatBody(list);
}

/** @throws RMQ_BODY_INVALID */
export function decodeTopicList(body: Buffer): TopicList {
  const list = parseBody(body, 'TopicList');
  const brokerAddr = optionalStringMember(list, 'brokerAddr', 'TopicList');
  return {
    topicList: listMember(list, 'topicList', 'TopicList', stringOf),
    ...(brokerAddr === undefined ? {} : { brokerAddr }),
  };
}
