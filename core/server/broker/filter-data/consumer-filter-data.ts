import {
  integerMember,
  objectOf,
  parseBody,
  stringMember,
  tableMember,
} from '../../../remoting/protocol/body-fields.js';
import { type BloomBits, bloomBitsOf } from './bloom-bits.js';

/** A group's expression over the properties of a topic's messages. Matches Apache's ConsumerFilterData. */
export interface ConsumerFilterData {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly expression: string;
  /** `SQL92` */
  readonly expressionType: string;
  /** Milliseconds since 1970. */
  readonly bornTime: number;
  /** When the group was seen no more; 0 while it is there. */
  readonly deadTime: number;
  /** The subscription's subVersion. */
  readonly clientVersion: number;
  readonly bloomFilterData: BloomBits;
}

/** By topic, then by group: what consumerFilter.json holds. */
export type FilterTable = ReadonlyMap<string, ReadonlyMap<string, ConsumerFilterData>>;

export function isDead({ deadTime, bornTime }: ConsumerFilterData): boolean {
  return deadTime >= bornTime;
}

/** As a group that subscribes brings it. */
export function bornFilter(
  of: Pick<ConsumerFilterData, 'topic' | 'consumerGroup' | 'expression' | 'expressionType' | 'clientVersion'>,
  nowMs: number,
): ConsumerFilterData {
  const bloomFilterData = bloomBitsOf(`${of.consumerGroup}#${of.topic}`);
  return { ...of, bornTime: nowMs, deadTime: 0, bloomFilterData };
}

/** `{"filterDataByTopic":{T:{"groupFilterData":{G:{…,"dead":false}},"topic":T}}}`, as Apache writes it. */
export function filterFileOf(table: FilterTable): object {
  const topics = [...table].map(([topic, groups]) => {
    const groupFilterData = new Map(
      [...groups].map(([group, filter]) => {
        const { bloomFilterData, bornTime, clientVersion, consumerGroup, deadTime, ...rest } = filter;
        const dead = isDead(filter);
        return [group, { bloomFilterData, bornTime, clientVersion, consumerGroup, dead, deadTime, ...rest }] as const;
      }),
    );
    return [topic, { groupFilterData, topic }] as const;
  });
  return { filterDataByTopic: new Map(topics) };
}

/** @throws RMQ_BODY_INVALID */
export function decodeFilterFile(text: string): FilterTable {
  const file = parseBody(text, FILE);
  return tableMember(file, 'filterDataByTopic', FILE, (entry, topic) =>
    tableMember(objectOf(entry, topic), 'groupFilterData', topic, (filter, group) => {
      const data = objectOf(filter, group);
      const known = {
        topic: stringMember(data, 'topic', group),
        consumerGroup: stringMember(data, 'consumerGroup', group),
        expression: stringMember(data, 'expression', group),
        expressionType: stringMember(data, 'expressionType', group),
        clientVersion: integerMember(data, 'clientVersion', group),
      };
      const deadTime = integerMember(data, 'deadTime', group);
      return { ...bornFilter(known, integerMember(data, 'bornTime', group)), deadTime };
    }),
  );
}

const FILE = 'consumerFilter.json';
