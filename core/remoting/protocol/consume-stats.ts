import type { MessageQueue } from '../../message/message.js';
import { formatBody, integerMember, listMember, objectOf, parseBody, stringOf } from './body-fields.js';
import { queueMapValue, readQueueMap } from './message-queue-body.js';

/** How far a group is in one queue. Matches Apache's OffsetWrapper. */
export interface QueueProgress {
  /** Offset that the queue's next message will get. */
  readonly brokerOffset: number;
  /** Offset that the group has committed; 0 without one. */
  readonly consumerOffset: number;
  /** Store time of the last message consumed, milliseconds since 1970; 0 when there is none. */
  readonly lastTimestamp: number;
}

/** The answer to GET_CONSUME_STATS. Matches Apache's ConsumeStats. */
export interface ConsumeStats {
  /** Messages a second that the group gets. */
  readonly consumeTps: number;
  readonly offsetTable: ReadonlyMap<MessageQueue, QueueProgress>;
}

/** Lags of all groups of a broker: the answer to GET_BROKER_CONSUME_STATS. Matches Apache's ConsumeStatsList. */
export interface BrokerConsumeStats {
  readonly brokerAddr: string;
  /** By group, one entry for each of its topics. */
  readonly groups: ReadonlyMap<string, readonly ConsumeStats[]>;
}

export function encodeConsumeStats(stats: ConsumeStats): Buffer {
  return formatBody(consumeStatsValue(stats));
}

/** @throws RMQ_BODY_INVALID */
export function decodeConsumeStats(body: Buffer): ConsumeStats {
  const stats = parseBody(body, 'ConsumeStats');
  return {
    consumeTps: typeof stats.consumeTps === 'number' ? stats.consumeTps : 0,
    offsetTable: readQueueMap(stats, 'offsetTable', 'ConsumeStats', readProgress),
  };
}

export function encodeBrokerConsumeStats({ brokerAddr, groups }: BrokerConsumeStats): Buffer {
  const consumeStatsList = [...groups].map(([group, stats]) => new Map([[group, stats.map(consumeStatsValue)]]));
  return formatBody({ brokerAddr, consumeStatsList, totalDiff: 0 });
}

/** The answer to QUERY_TOPIC_CONSUME_BY_WHO. Matches Apache's GroupList. */
export function encodeGroupList(groupList: readonly string[]): Buffer {
  return formatBody({ groupList });
}

/** @throws RMQ_BODY_INVALID */
export function decodeGroupList(body: Buffer): readonly string[] {
  return listMember(parseBody(body, 'GroupList'), 'groupList', 'GroupList', stringOf);
}

function consumeStatsValue({ consumeTps, offsetTable }: ConsumeStats): object {
  return { consumeTps, offsetTable: queueMapValue(offsetTable, (progress) => progress) };
}

function readProgress(value: unknown, name: string): QueueProgress {
  const progress = objectOf(value, name);
  return {
    brokerOffset: integerMember(progress, 'brokerOffset', name),
    consumerOffset: integerMember(progress, 'consumerOffset', name),
    lastTimestamp: integerMember(progress, 'lastTimestamp', name),
  };
}
