import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { Random } from '../../fault/random.js';

const QUEUE = { topic: 'fuzz', brokerName: 'broker-a', queueId: 0 };
const SUBSCRIPTION = {
  ...{ topic: 'fuzz', subString: 'a || b', tagsSet: ['a', 'b'], codeSet: [97, 98], subVersion: 1 },
  ...{ expressionType: 'TAG', classFilterMode: false },
};
const GROUP = {
  ...{ groupName: 'FUZZ', consumeEnable: true, retryQueueNums: 1, retryMaxTimes: 16, brokerId: 0 },
  ...{ consumeBroadcastEnable: true, whichBrokerWhenConsumeSlowly: 1, notifyConsumerIdsChangedEnable: true },
};
const TOPIC = { topicName: 'fuzz', readQueueNums: 2, writeQueueNums: 2, perm: 6, topicFilterType: 'SINGLE_TAG' };
const ACK = { b: 'AQ==', c: 'FUZZ', it: 60_000, pt: 1_700_000_000_000, q: 0, r: '0', rq: 0, so: 0, t: 'fuzz' };
const VERSION = { timestamp: 1_700_000_000_000, counter: 1 };
const REGISTRATION = {
  topicConfigSerializeWrapper: { topicConfigTable: { fuzz: TOPIC }, dataVersion: VERSION },
  filterServerList: [],
};

/** Good bodies of requests that have one of a form. */
export const GOOD_BODIES: Readonly<Record<number, object>> = {
  [RequestCode.HEART_BEAT]: {
    clientID: 'fuzzer',
    producerDataSet: [{ groupName: 'PG' }],
    consumerDataSet: [
      {
        ...{ groupName: 'FUZZ', consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING', unitMode: false },
        ...{ consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET', subscriptionDataSet: [SUBSCRIPTION] },
      },
    ],
  },
  [RequestCode.CHECK_CLIENT_CONFIG]: { clientId: 'fuzzer', group: 'FUZZ', subscriptionData: SUBSCRIPTION },
  [RequestCode.LOCK_BATCH_MQ]: { consumerGroup: 'FUZZ', clientId: 'fuzzer', mqSet: [QUEUE] },
  [RequestCode.UNLOCK_BATCH_MQ]: { consumerGroup: 'FUZZ', clientId: 'fuzzer', mqSet: [QUEUE] },
  [RequestCode.QUERY_ASSIGNMENT]: {
    ...{ topic: 'fuzz', consumerGroup: 'FUZZ', clientId: 'fuzzer', strategyName: 'AVG', messageModel: 'CLUSTERING' },
  },
  [RequestCode.SET_MESSAGE_REQUEST_MODE]: { topic: 'fuzz', consumerGroup: 'FUZZ', mode: 'POP', popShareQueueNum: 1 },
  [RequestCode.BATCH_ACK_MESSAGE]: { brokerName: 'broker-a', acks: [ACK] },
  [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP]: GROUP,
  [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST]: { groupConfigList: [GROUP] },
  [RequestCode.UPDATE_AND_CREATE_TOPIC_LIST]: { topicConfigList: [TOPIC] },
  [RequestCode.QUERY_DATA_VERSION]: VERSION,
  [RequestCode.REGISTER_BROKER]: REGISTRATION,
};

/** Every field that some request has, with a value that is good in it: each takes what it knows. */
export const GOOD_FIELDS: Readonly<Record<string, string>> = {
  ...{ topic: 'fuzz', queueId: '0', offset: '0', consumerGroup: 'FUZZ', group: 'FUZZ', groupName: 'FUZZ' },
  ...{ queueOffset: '0', maxMsgNums: '8', sysFlag: '4', commitOffset: '0', suspendTimeoutMillis: '0' },
  ...{ subscription: '*', subVersion: '0', expressionType: 'TAG', timestamp: '1700000000000', isForce: 'true' },
  ...{ extraInfo: '0 1700000000000 60000 0 0 broker-a 0 0', invisibleTime: '60000', pollTime: '0', bornTime: '0' },
  ...{ initMode: '0', exp: '*', expType: 'TAG', order: 'false', clientID: 'fuzzer', clientId: 'nobody' },
  ...{ clientAddr: 'nobody', producerGroup: 'PG', msgId: '7F00000100002A9F0000000000000000', isOrder: 'false' },
  ...{ tranStateTableOffset: '0', commitLogOffset: '0', commitOrRollback: '8', srcGroup: 'FUZZ', destGroup: 'OTHER' },
  ...{ compareGroup: 'OTHER', filterGroups: 'A,B', key: 'k', maxNum: '8', beginTimestamp: '0', boundaryType: 'lower' },
  ...{
    endTimestamp: '9007199254740991',
    index: '0',
    count: '8',
    delayLevel: '0',
    originMsgId: 'x',
    originTopic: 'fuzz',
  },
  ...{ maxReconsumeTimes: '16', unitMode: 'false', recallHandle: 'eHh4', readQueueNums: '2', writeQueueNums: '2' },
  ...{ perm: '6', topicFilterType: 'SINGLE_TAG', defaultTopic: 'TBW102', topicSysFlag: '0', removeOffset: 'true' },
  ...{ namespace: 'N', value: 'v', cluster: 'DefaultCluster', clusterName: 'Fuzzed', brokerName: 'broker-f' },
  ...{ brokerAddr: '127.0.0.1:1', brokerId: '0', haServerAddr: '127.0.0.1:2', compressed: 'false', bodyCrc32: '0' },
  ...{ defaultTopicQueueNums: '4', bornTimestamp: '1700000000000', flag: '0', properties: 'KEYS\u0001k\u0002' },
  ...{
    reconsumeTimes: '0',
    batch: 'false',
    a: 'PG',
    b: 'fuzz',
    c: 'TBW102',
    d: '4',
    e: '0',
    f: '0',
    g: '1700000000000',
  },
  ...{ h: '0', i: 'KEYS\u0001k\u0002TAGS\u0001a', j: '0', k: 'false', l: '16', m: 'false' },
};

/** What stands in a header field that somebody else wrote. */
const VALUES: readonly string[] = [
  ...['', ' ', '0', '-1', '1', '2147483647', '2147483648', '-2147483648', '4294967296', '65536'],
  ...['9007199254740993', '9223372036854775807', '-9223372036854775808', '99999999999999999999', '-0', '+7'],
  ...[
    '1.5',
    '1e9',
    'NaN',
    'Infinity',
    '0x10',
    'true',
    'null',
    'abc',
    '{}',
    '[1',
    '%RETRY%',
    '%DLQ%x',
    'a@b',
    '../../up',
  ],
  ...[
    'rmq_sys_wheel_timer',
    'SCHEDULE_TOPIC_XXXX',
    'TBW102',
    '__proto__',
    'constructor',
    'gr\u00fc\u00dfe \u{1f600}',
    '\ud800',
  ],
  ...[
    '\0'.repeat(1_500),
    'x'.repeat(300),
    'y'.repeat(40_000),
    `KEYS\u0001${'\0'.repeat(1_500)}\u0002`,
    '\u0001\u0002\u0001',
  ],
  ...['DELAY\u00013', 'DELAY\u000199999999999', 'TIMER_DELAY_SEC\u0001-5', 'TIMER_DELIVER_MS\u00019223372036854775807'],
  ...[
    'TRAN_MSG\u0001true\u0002PGROUP\u0001PG',
    '('.repeat(5_000),
    "a = 'x' AND ".repeat(3_000),
    '0 0 9223372036854775807 0 0 b 0',
  ],
];

/** What stands in the place of a value of a body. */
const MEMBERS: readonly string[] = [
  ...[
    '-1',
    '0',
    '2147483647',
    '-2147483648',
    '9223372036854775807',
    '-9223372036854775808',
    '1.5',
    '1e300',
    'null',
    '"7"',
    '[]',
  ],
];

/** Header fields, a few of which are not what they should be, or are not there. */
export function mutantOf(
  ext: Readonly<Record<string, string>>,
  names: readonly string[],
  random: Random,
): Record<string, string> {
  const mutant: Record<string, string> = { ...ext };
  for (let left = random.between(1, 3); left > 0; left--) {
    const name = random.of(names);
    if (random.chance(0.2)) delete mutant[name];
    else mutant[name] = random.of(VALUES);
  }
  return mutant;
}

/** A body that was cut, spoiled or filled with other numbers. */
export function mutantBodyOf(body: string, random: Random): Buffer {
  const bytes = Buffer.from(body);
  switch (random.between(0, 4)) {
    case 0:
      return bytes.subarray(0, random.between(0, bytes.length));
    case 1:
      return Buffer.from(`${'['.repeat(random.between(1, 50_000))}`);
    case 2:
      for (let left = random.between(1, 8); left > 0 && bytes.length > 0; left--) {
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      }
      return bytes;
    case 3:
      return Buffer.from(body.replace(/"[^"]*"(?!:)/g, (text) => (random.chance(0.3) ? random.of(MEMBERS) : text)));
    default:
      return Buffer.from(body.replace(/-?\d+/g, (text) => (random.chance(0.4) ? random.of(MEMBERS) : text)));
  }
}
