import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { parseJsonDialect } from '../../core/remoting/protocol/json-dialect.js';
import { type ExtInput, type RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { HEARTBEAT, QUESTIONS, type Question, send, TOPIC } from './contract/questions.js';
import { startOurServer } from './kit/our-server.js';
import { ANSWERED } from './kit/patience.js';
import { waitFor } from './kit/ports.js';
import type { Target } from './kit/target.js';

/**
 * The same requests to Apache's servers and to ours, one by one, and the answers side by side: code, words, header
 * fields and body. Names, addresses and times are replaced. Left out: requests without a field that they need, and codes
 * that the name server does not know; Apache answers those by accident (a NullPointerException in words) or never.
 */
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
        send({ properties: `TAGS\u0001${tag}\u0002KEYS\u0001${tag}\u0002UNIQ_KEY\u0001unique-${tag}` }),
      );
      expect(response.code, response.remark).toBe(0);
    }
    await queueHolds(target, 3);
    await isIndexed(target);
    await isRouted(target);
  }
});

afterAll(async () => {
  await remoting.close();
  await ours.close();
});

function invoke(address: string, code: number, ext: ExtInput, body = ''): Promise<RemotingCommand> {
  return remoting.invoke(address, { code, ext, body: Buffer.from(body) }, ANSWERED);
}

/** Apache makes the queue's entry of a message a moment after it answered the send. */
async function queueHolds({ brokerAddress }: Target, count: number): Promise<void> {
  await waitFor(`${count} messages in the queue`, async () => {
    const { ext } = await invoke(brokerAddress, RequestCode.GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 });
    return ext.offset === String(count);
  });
}

/** Its index is a moment behind, too. */
async function isIndexed({ brokerAddress }: Target): Promise<void> {
  const ext = { topic: TOPIC, key: 'a', maxNum: 5, beginTimestamp: 0, endTimestamp: 4_000_000_000_000 };
  await waitFor('the messages of a key', async () => {
    const { body } = await invoke(brokerAddress, RequestCode.QUERY_MESSAGE, ext);
    return body.length > 0 && readRecords(Buffer.from(body)).length === 2;
  });
}

/** Of a topic that a send has made it tells its name server without waiting for an answer. */
async function isRouted({ nameServer }: Target): Promise<void> {
  await waitFor('the route', async () => {
    const { code } = await invoke(nameServer, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: TOPIC });
    return code === 0;
  });
}

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
  // Apache's broker tells of the group's topic without waiting, too.
  await waitFor("the group's topic", async () =>
    (await topicsOf(inject('apache'))).includes('%RETRY%same_answers_group'),
  );
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
      .replaceAll(/\/?127\.0\.0\.1:\d+/g, '<client>');
  return {
    code: response.code,
    remark: response.remark === undefined ? undefined : neutral(response.remark),
    ext: Object.fromEntries(Object.entries(response.ext).map(comparableField)),
    body: bodyOf(response, neutral),
  };
}

/** An offsetMsgId names host and position: only its shape can agree. How far an index is depends on who else sends. */
function comparableField([name, value]: [string, string]): [string, string] {
  if (name.startsWith('indexLastUpdate')) return [name, value === '0' ? value : '<somewhere>'];
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
