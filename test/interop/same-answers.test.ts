import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createRemotingClient } from '../../core/remoting/client.js';
import { parseJsonDialect } from '../../core/remoting/protocol/json-dialect.js';
import { type ExtInput, type RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { startOurServer } from './kit/our-server.js';
import { waitFor } from './kit/ports.js';
import type { Target } from './kit/target.js';

/**
 * The same requests to Apache's servers and to ours, one by one, and the answers side by side: code, words, header
 * fields and body. Names, addresses and times are replaced. Left out: requests without a field that they need, and codes
 * that the name server does not know; Apache answers those by accident (a NullPointerException in words) or never.
 */
const TOPIC = 'same_answers';
const GROUP = 'same_answers_group';
const SERIALIZE_TYPES = { json: SerializeType.JSON, rocketmq: SerializeType.ROCKETMQ };

let ours: Awaited<ReturnType<typeof startOurServer>>;
let remoting: RemotingClient;

beforeAll(async () => {
  ours = await startOurServer();
  remoting = createRemotingClient({ transport: tcpTransport });
  for (const target of [inject('apache'), ours]) {
    for (const tag of ['a', 'b', 'a']) {
      const response = await invoke(
        target.brokerAddress,
        RequestCode.SEND_MESSAGE,
        send({ properties: `TAGS\u0001${tag}` }),
      );
      expect(response.code, response.remark).toBe(0);
    }
    await queueHolds(target, 3);
  }
});

afterAll(async () => {
  await remoting.close();
  await ours.close();
});

/** Makes the group's only member known. */
const HEARTBEAT = {
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

function invoke(address: string, code: number, ext: ExtInput, body = ''): Promise<RemotingCommand> {
  return remoting.invoke(address, { code, ext, body: Buffer.from(body) }, { timeoutMs: 10_000 });
}

/** Apache makes the queue's entry of a message a moment after it answered the send. */
async function queueHolds({ brokerAddress }: Target, count: number): Promise<void> {
  await waitFor(`${count} messages in the queue`, async () => {
    const { ext } = await invoke(brokerAddress, RequestCode.GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 });
    return ext.offset === String(count);
  });
}

function send(change: ExtInput = {}): ExtInput {
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

interface Question {
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

const QUESTIONS: Record<string, Question> = {
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

describe.each<'json' | 'rocketmq'>(['json', 'rocketmq'])(
  'asked with %s headers, Apache and we answer the same to',
  (headerEncoding) => {
    beforeAll(async () => {
      await remoting.close();
      remoting = createRemotingClient({ transport: tcpTransport, headerEncoding });
      for (const { brokerAddress } of [inject('apache'), ours]) {
        const { code } = await invoke(brokerAddress, RequestCode.HEART_BEAT, {}, JSON.stringify(HEARTBEAT));
        expect(code).toBe(0);
      }
    });

    test.each(Object.entries(QUESTIONS))('%s', async (_, question) => {
      const [expected, actual] = await Promise.all(
        [inject('apache'), ours].map((target) => ask(target, headerEncoding, question)),
      );
      expect(actual).toEqual(expected);
    });
  },
);

test("our cluster has the topics that Apache's makes by itself, and those in use", async () => {
  const topicsOf = async ({ nameServer, clusterName, brokerName }: Target) => {
    const { body } = await invoke(nameServer, RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: clusterName });
    const { topicList } = parseJsonDialect(body.toString('utf8')) as { topicList: string[] };
    return topicList.map((topic) => topic.replace(clusterName, '<cluster>').replace(brokerName, '<broker>')).sort();
  };
  const expected = [
    ...['%RETRY%same_answers_group', '<broker>', '<cluster>', '<cluster>_REPLY_TOPIC', 'BenchmarkTest'],
    ...['OFFSET_MOVED_EVENT', 'SCHEDULE_TOPIC_XXXX', 'SELF_TEST_TOPIC', 'TBW102', 'same_answers'],
  ];
  // Other files use Apache's cluster too.
  expect(await topicsOf(inject('apache'))).toEqual(expect.arrayContaining(expected));
  expect(await topicsOf(ours)).toEqual(expected);
});

async function ask(target: Target, headerEncoding: 'json' | 'rocketmq', { to, code, ext, body }: Question) {
  const response = await invoke(target[to], code, ext?.(target) ?? {}, body);
  // Apache writes the answer to a held pull as JSON whatever the request was.
  if (target === ours) expect(response.serializeType).toBe(SERIALIZE_TYPES[headerEncoding]);
  const neutral = (text: string) =>
    text
      .replaceAll(target.brokerAddress, '<broker address>')
      .replaceAll(target.brokerName, '<broker>')
      .replaceAll(target.clusterName, '<cluster>')
      .replaceAll(/\/?127\.0\.0\.1:\d+/g, '<client>')
      // Apache makes a queue by looking for it; ours gets files with its first message. Clients look at the code.
      .replace('NO_MATCHED_LOGIC_QUEUE', 'NO_MESSAGE_IN_QUEUE');
  return {
    code: response.code,
    remark: response.remark === undefined ? undefined : neutral(response.remark),
    ext: Object.fromEntries(Object.entries(response.ext).map(comparableField)),
    body: bodyOf(response, neutral),
  };
}

/** An offsetMsgId names host and position: only its shape can agree. */
function comparableField([name, value]: [string, string]): [string, string] {
  return name === 'msgId' ? [name, value.replace(/^[0-9A-F]{32}$/, '<offsetMsgId>')] : [name, value];
}

/** JSON as its value, without the order of hash tables and without the time of day; records as their number of bytes. */
function bodyOf({ body }: RemotingCommand, neutral: (text: string) => string): unknown {
  if (body[0] !== 0x7b) return body.length;
  return sorted(parseJsonDialect(neutral(body.toString('utf8'))));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort(byText);
  if (value instanceof Map) return [...value].map(sorted).sort(byText);
  if (typeof value === 'number' && value > 1_600_000_000_000) return '<time>';
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, sorted(entry)]));
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
