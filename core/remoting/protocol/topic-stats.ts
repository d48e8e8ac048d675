import type { MessageQueue } from '../../message/message.js';
import { formatBody, integerMember, objectOf, parseBody } from './body-fields.js';
import { queueMapValue, readQueueMap } from './message-queue-body.js';

/** Matches Apache's TopicOffset. */
export interface TopicOffset {
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Milliseconds since 1970, 0 for a queue without messages. */
  readonly lastUpdateTimestamp: number;
}

/** The answer to GET_TOPIC_STATS_INFO: each queue's offsets. Matches Apache's TopicStatsTable. */
export type TopicStatsTable = ReadonlyMap<MessageQueue, TopicOffset>;

export function encodeTopicStatsTable(table: TopicStatsTable): Buffer {
  return formatBody({ offsetTable: queueMapValue(table, (offset) => offset) });
}

/** @throws RMQ_BODY_INVALID */
export function decodeTopicStatsTable(body: Buffer): TopicStatsTable {
  return readQueueMap(parseBody(body, 'TopicStatsTable'), 'offsetTable', 'TopicStatsTable', readTopicOffset);
}

function readTopicOffset(value: unknown, name: string): TopicOffset {
  const offset = objectOf(value, name);
  return {
    minOffset: integerMember(offset, 'minOffset', name),
    maxOffset: integerMember(offset, 'maxOffset', name),
    lastUpdateTimestamp: integerMember(offset, 'lastUpdateTimestamp', name),
  };
}
