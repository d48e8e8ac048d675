import {
  booleanMember,
  formatBody,
  integerMember,
  listMember,
  objectOf,
  parseBody,
  stringMember,
  tableMember,
} from './body-fields.js';
import { type DataVersion, readDataVersion } from './data-version.js';
import { Permission } from './flags.js';

/** A topic on one broker. Matches Apache's TopicConfig. */
export interface TopicConfig {
  readonly topicName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits of Permission. */
  readonly perm: number;
  /** `SINGLE_TAG` or `MULTI_TAG`. */
  readonly topicFilterType: string;
  /** Bits of TopicSysFlag. */
  readonly topicSysFlag: number;
  readonly order: boolean;
  /** 5.x only: `message.type`, `cleanup.policy`, `queue.type`, … */
  readonly attributes?: Readonly<Record<string, string>>;
}

const QUEUE_NUMS_DEFAULT = 16;

/**
 * Reads a TopicConfig; what is missing has Java's default, and members that we do not know stay as they are.
 * @throws RMQ_BODY_INVALID
 */
export function readTopicConfig(value: unknown, name = 'topicConfig'): TopicConfig {
  const config = objectOf(value, name);
  return {
    ...config,
    topicName: stringMember(config, 'topicName', name),
    readQueueNums: integerMember(config, 'readQueueNums', name, QUEUE_NUMS_DEFAULT),
    writeQueueNums: integerMember(config, 'writeQueueNums', name, QUEUE_NUMS_DEFAULT),
    perm: integerMember(config, 'perm', name, Permission.READ | Permission.WRITE),
    topicFilterType: stringMember(config, 'topicFilterType', name) || 'SINGLE_TAG',
    topicSysFlag: integerMember(config, 'topicSysFlag', name),
    order: booleanMember(config, 'order', name),
  };
}

/**
 * A broker's topics with their version: the answer to GET_ALL_TOPIC_CONFIG, a part of registrations, and topics.json.
 * Matches Apache's TopicConfigSerializeWrapper.
 */
export interface TopicConfigTable {
  readonly topicConfigTable: ReadonlyMap<string, TopicConfig>;
  readonly dataVersion: DataVersion;
}

/** The answer to GET_TOPIC_CONFIG. Matches Apache's TopicConfigAndQueueMapping of a topic without a mapping. */
export function encodeTopicConfig(config: TopicConfig): Buffer {
  return formatBody(config);
}

/** The body of UPDATE_AND_CREATE_TOPIC_LIST. Matches Apache's CreateTopicListRequestBody. @throws RMQ_BODY_INVALID */
export function decodeTopicConfigList(body: Buffer): readonly TopicConfig[] {
  const name = 'CreateTopicListRequestBody';
  return listMember(parseBody(body, name), 'topicConfigList', name, readTopicConfig);
}

export function encodeTopicConfigTable(table: TopicConfigTable): Buffer {
  return formatBody(table);
}

/** @throws RMQ_BODY_INVALID */
export function decodeTopicConfigTable(body: Buffer | string): TopicConfigTable {
  return readTopicConfigTable(parseBody(body, 'TopicConfigSerializeWrapper'), 'TopicConfigSerializeWrapper');
}

/** @throws RMQ_BODY_INVALID */
export function readTopicConfigTable(value: unknown, name: string): TopicConfigTable {
  const table = objectOf(value, name);
  return {
    topicConfigTable: tableMember(table, 'topicConfigTable', name, readTopicConfig),
    dataVersion: readDataVersion(table.dataVersion, `${name}.dataVersion`),
  };
}
