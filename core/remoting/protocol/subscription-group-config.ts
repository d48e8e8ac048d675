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

/** A consumer group on one broker. Matches Apache's SubscriptionGroupConfig; 5.x has more members, which stay as they are. */
export interface SubscriptionGroupConfig {
  readonly groupName: string;
  readonly consumeEnable: boolean;
  readonly consumeFromMinEnable: boolean;
  readonly consumeBroadcastEnable: boolean;
  readonly retryQueueNums: number;
  readonly retryMaxTimes: number;
  readonly brokerId: number;
  readonly whichBrokerWhenConsumeSlowly: number;
  readonly notifyConsumerIdsChangedEnable: boolean;
}

/** Reads a SubscriptionGroupConfig; what is missing has Java's default. @throws RMQ_BODY_INVALID */
export function readSubscriptionGroupConfig(value: unknown, name = 'SubscriptionGroupConfig'): SubscriptionGroupConfig {
  const config = objectOf(value, name);
  return {
    ...config,
    groupName: stringMember(config, 'groupName', name),
    consumeEnable: booleanMember(config, 'consumeEnable', name, true),
    consumeFromMinEnable: booleanMember(config, 'consumeFromMinEnable', name, true),
    consumeBroadcastEnable: booleanMember(config, 'consumeBroadcastEnable', name, true),
    retryQueueNums: integerMember(config, 'retryQueueNums', name, 1),
    retryMaxTimes: integerMember(config, 'retryMaxTimes', name, 16),
    brokerId: integerMember(config, 'brokerId', name, 0),
    whichBrokerWhenConsumeSlowly: integerMember(config, 'whichBrokerWhenConsumeSlowly', name, 1),
    notifyConsumerIdsChangedEnable: booleanMember(config, 'notifyConsumerIdsChangedEnable', name, true),
  };
}

/** The body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP. */
export function encodeSubscriptionGroupConfig(config: SubscriptionGroupConfig): Buffer {
  return formatBody(config);
}

/** The body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. Matches Apache's SubscriptionGroupList. @throws RMQ_BODY_INVALID */
export function decodeSubscriptionGroupList(body: Buffer): readonly SubscriptionGroupConfig[] {
  return listMember(
    parseBody(body, 'SubscriptionGroupList'),
    'groupConfigList',
    'SubscriptionGroupList',
    readSubscriptionGroupConfig,
  );
}

/** @throws RMQ_BODY_INVALID */
export function decodeSubscriptionGroupConfig(body: Buffer): SubscriptionGroupConfig {
  return readSubscriptionGroupConfig(parseBody(body, 'SubscriptionGroupConfig'));
}

/** A broker's groups with their version: the answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG. Matches Apache's SubscriptionGroupWrapper. */
export interface SubscriptionGroupTable {
  readonly subscriptionGroupTable: ReadonlyMap<string, SubscriptionGroupConfig>;
  readonly dataVersion: DataVersion;
}

export function encodeSubscriptionGroupTable(table: SubscriptionGroupTable): Buffer {
  return formatBody(table);
}

/** @throws RMQ_BODY_INVALID */
export function decodeSubscriptionGroupTable(body: Buffer | string): SubscriptionGroupTable {
  const table = parseBody(body, 'SubscriptionGroupWrapper');
  return {
    subscriptionGroupTable: tableMember(
      table,
      'subscriptionGroupTable',
      'SubscriptionGroupWrapper',
      readSubscriptionGroupConfig,
    ),
    dataVersion: readDataVersion(table.dataVersion, 'SubscriptionGroupWrapper.dataVersion'),
  };
}
