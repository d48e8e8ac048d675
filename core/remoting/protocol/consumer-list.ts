import { formatBody, listMember, parseBody, stringOf } from './body-fields.js';

/** The answer to GET_CONSUMER_LIST_BY_GROUP. Matches Apache's GetConsumerListByGroupResponseBody. */
export function encodeConsumerList(consumerIdList: readonly string[]): Buffer {
  return formatBody({ consumerIdList });
}

/** The client ids of a group. @throws RMQ_BODY_INVALID */
export function decodeConsumerList(body: Buffer): readonly string[] {
  return listMember(parseBody(body, 'ConsumerList'), 'consumerIdList', 'ConsumerList', stringOf);
}
