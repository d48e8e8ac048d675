import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { Target } from '../kit/target.js';

/** What same-answers.test.ts asks Apache's servers and ours. */
export const TOPIC = 'same_answers';
const GROUP = 'same_answers_group';

/** Makes the group's only member known. */
export const HEARTBEAT = {
  clientID: '127.0.0.1@same-answers',
  producerDataSet: [],
  consumerDataSet: [
    {
      groupName: GROUP,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      unitMode: false,
      subscriptionDataSet: [
        {
          topic: TOPIC,
          subString: '*',
          tagsSet: [],
          codeSet: [],
          subVersion: 1,
          expressionType: 'TAG',
          classFilterMode: false,
        },
      ],
    },
  ],
};

/** The header of a send. */
export function send(change: ExtInput = {}): ExtInput {
  return {
    producerGroup: 'same_answers_producer',
    topic: TOPIC,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    flag: 0,
    properties: '',
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    ...change,
  };
}

/** The header of a question by key. */
function query(change: ExtInput = {}): ExtInput {
  return { topic: TOPIC, key: 'a', maxNum: 5, beginTimestamp: 0, endTimestamp: 4_000_000_000_000, ...change };
}

/** The header of a pull. */
function pull(change: ExtInput = {}): ExtInput {
  return {
    consumerGroup: GROUP,
    topic: TOPIC,
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: 0,
    commitOffset: 0,
    suspendTimeoutMillis: 1_000,
    subVersion: 1,
    ...change,
  };
}

/** One request to one of the two servers of a cluster. */
export interface Question {
  readonly to: 'nameServer' | 'brokerAddress';
  readonly code: number;
  readonly ext?: (target: Target) => ExtInput;
  readonly body?: string;
}

const nameServer = (code: number, ext: (target: Target) => ExtInput = () => ({})): Question => ({
  to: 'nameServer',
  code,
  ext,
});
const broker = (code: number, ext: ExtInput = {}, body = 'x'): Question => ({
  to: 'brokerAddress',
  code,
  ext: () => ext,
  body,
});
const queue = { topic: TOPIC, queueId: 0 };
const stored = { consumerGroup: GROUP, ...queue };

export const QUESTIONS: Record<string, Question> = {
  'the route of a topic': nameServer(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => ({ topic: TOPIC })),
  'the route of an unknown topic': nameServer(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => ({ topic: 'nowhere' })),
  'the route of the topic that others are made from': nameServer(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => ({
    topic: 'TBW102',
  })),
  'the brokers of the cluster': nameServer(RequestCode.GET_BROKER_CLUSTER_INFO),
  'the topics of an unknown cluster': nameServer(RequestCode.GET_TOPICS_BY_CLUSTER, () => ({ cluster: 'nowhere' })),
  'a key that is not configured': nameServer(RequestCode.GET_KV_CONFIG, () => ({ namespace: 'none', key: 'none' })),
  'the keys of an unknown namespace': nameServer(RequestCode.GET_KVLIST_BY_NAMESPACE, () => ({ namespace: 'none' })),
  'a code that the broker does not know': broker(31_999),
  'the end of a queue': broker(RequestCode.GET_MAX_OFFSET, queue),
  'the end of a queue of an unknown topic': broker(RequestCode.GET_MAX_OFFSET, { topic: 'nowhere', queueId: 0 }),
  'the end of a queue that does not exist': broker(RequestCode.GET_MAX_OFFSET, { topic: TOPIC, queueId: 77 }),
  'the begin of a queue': broker(RequestCode.GET_MIN_OFFSET, queue),
  'the begin of a queue of an unknown topic': broker(RequestCode.GET_MIN_OFFSET, { topic: 'nowhere', queueId: 0 }),
  'the offset at the begin of time': broker(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, { ...queue, timestamp: 0 }),
  'the offset in the far future': broker(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, {
    ...queue,
    timestamp: 4_000_000_000_000,
  }),
  'the offset at a time of an empty queue': broker(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, {
    topic: TOPIC,
    queueId: 3,
    timestamp: 0,
  }),
  'the first store time of an empty queue': broker(RequestCode.GET_EARLIEST_MSG_STORETIME, {
    topic: TOPIC,
    queueId: 3,
  }),
  'messages of a key': broker(RequestCode.QUERY_MESSAGE, query()),
  'messages of a key that nothing has': broker(RequestCode.QUERY_MESSAGE, query({ key: 'none' })),
  'messages of a key of an unknown topic': broker(RequestCode.QUERY_MESSAGE, query({ topic: 'nowhere' })),
  'messages of a key before its time': broker(RequestCode.QUERY_MESSAGE, query({ beginTimestamp: 0, endTimestamp: 1 })),
  'one message of a key': broker(RequestCode.QUERY_MESSAGE, query({ maxNum: 1 })),
  'a message of a unique key': broker(
    RequestCode.QUERY_MESSAGE,
    query({ key: 'unique-a', maxNum: 1, _UNIQUE_KEY_QUERY: true }),
  ),
  'a record that is not there': broker(RequestCode.VIEW_MESSAGE_BY_ID, { offset: 999_999_999 }),
  'the members of a group': broker(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: GROUP }),
  'the members of an unknown group': broker(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: 'nobody' }),
  'an offset that was never stored': broker(RequestCode.QUERY_CONSUMER_OFFSET, stored),
  'an offset of a queue without messages': broker(RequestCode.QUERY_CONSUMER_OFFSET, { ...stored, queueId: 3 }),
  'an offset of an unknown topic': broker(RequestCode.QUERY_CONSUMER_OFFSET, { ...stored, topic: 'nowhere' }),
  'storing an offset': broker(RequestCode.UPDATE_CONSUMER_OFFSET, { ...stored, queueId: 2, commitOffset: 5 }),
  'the offset that was stored': broker(RequestCode.QUERY_CONSUMER_OFFSET, { ...stored, queueId: 2 }),
  'the offsets of a topic': broker(RequestCode.GET_TOPIC_STATS_INFO, { topic: TOPIC }),
  'the offsets of an unknown topic': broker(RequestCode.GET_TOPIC_STATS_INFO, { topic: 'nowhere' }),
  'a pull from the begin': broker(RequestCode.PULL_MESSAGE, pull()),
  'a pull of one message': broker(RequestCode.PULL_MESSAGE, pull({ maxMsgNums: 1 })),
  'a pull by a tag in the request': broker(
    RequestCode.PULL_MESSAGE,
    pull({ sysFlag: 4, subscription: 'b', expressionType: 'TAG' }),
  ),
  'a pull by a tag that nothing has': broker(
    RequestCode.PULL_MESSAGE,
    pull({ sysFlag: 4, subscription: 'none', expressionType: 'TAG' }),
  ),
  'a pull at the end': broker(RequestCode.PULL_MESSAGE, pull({ queueOffset: 3 })),
  'a pull beyond the end': broker(RequestCode.PULL_MESSAGE, pull({ queueOffset: 30 })),
  'a pull before the begin': broker(RequestCode.PULL_MESSAGE, pull({ queueOffset: -1 })),
  'a pull of an empty queue': broker(RequestCode.PULL_MESSAGE, pull({ queueId: 3 })),
  'a pull beyond the end of an empty queue': broker(RequestCode.PULL_MESSAGE, pull({ queueId: 3, queueOffset: 9 })),
  'a pull of a queue that does not exist': broker(RequestCode.PULL_MESSAGE, pull({ queueId: 77 })),
  'a pull of an unknown topic': broker(RequestCode.PULL_MESSAGE, pull({ topic: 'nowhere' })),
  'a pull of a topic not subscribed': broker(RequestCode.PULL_MESSAGE, pull({ topic: 'TBW102' })),
  'a pull of a group that is not online': broker(RequestCode.PULL_MESSAGE, pull({ consumerGroup: 'nobody' })),
  'a pull with a newer subscription': broker(RequestCode.PULL_MESSAGE, pull({ subVersion: 99 })),
  'a pull that waits in vain': broker(RequestCode.PULL_MESSAGE, pull({ sysFlag: 2, queueOffset: 3 })),
  'a send': broker(RequestCode.SEND_MESSAGE, send({ queueId: 1 })),
  'a send in short names': broker(RequestCode.SEND_MESSAGE_V2, {
    ...{ a: 'same_answers_producer', b: TOPIC, c: 'TBW102', d: 4, e: 1, f: 0, g: 1_700_000_000_000, h: 0 },
    ...{ i: '', j: 0, k: false, m: false },
  }),
  'a send to an illegal topic': broker(RequestCode.SEND_MESSAGE, send({ topic: 'not a topic' })),
  'a send to a system topic': broker(RequestCode.SEND_MESSAGE, send({ topic: 'SCHEDULE_TOPIC_XXXX' })),
  'a send to a topic that is too long': broker(RequestCode.SEND_MESSAGE, send({ topic: 'x'.repeat(128) })),
  'a send to a queue that does not exist': broker(RequestCode.SEND_MESSAGE, send({ queueId: 77 })),
  'a send to a topic that no topic is made from': broker(
    RequestCode.SEND_MESSAGE,
    send({ topic: 'fresh', defaultTopic: 'nowhere' }),
  ),
  'a send without a body': broker(RequestCode.SEND_MESSAGE, send({ queueId: 1 }), ''),
  'a send of a body that is too large': broker(RequestCode.SEND_MESSAGE, send(), 'x'.repeat(4_194_305)),
  'a send of properties that are too long': broker(
    RequestCode.SEND_MESSAGE,
    send({ properties: `a\u0001${'x'.repeat(33_000)}` }),
  ),
  'leaving a group': broker(RequestCode.UNREGISTER_CLIENT, {
    clientID: '127.0.0.1@same-answers',
    consumerGroup: GROUP,
  }),
};
