import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type Producer } from '../../../core/index.js';
import { decodeProperties } from '../../../core/message/properties.js';
import { createRemotingClient } from '../../../core/remoting/client.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { collect } from '../kit/collect.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import type { Target } from '../kit/target.js';
import { send } from './questions.js';

const TOPIC = 'apache_5_differences';
/** Where the properties of a v1 record with IPv4 hosts begin, less the lengths of body and topic. */
const PROPERTIES_OFFSET = 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 8 + 8 + 8 + 8 + 4 + 8 + 4 + 1 + 2;

/** What docs/reference/compatibility.md says of Apache's brokers 5.x, and that our client gets along with it. */
export function apache5Differences(target: () => Target): void {
  describe('a broker 5.x', () => {
    let remoting: RemotingClient;
    let mq: Client;
    let producer: Producer;

    const ask = (code: number, ext: ExtInput, body = ''): Promise<RemotingCommand> =>
      remoting.invoke(target().brokerAddress, { code, ext, body: Buffer.from(body) }, ANSWERED);

    /** The last record of queue 0. */
    const lastRecord = async (): Promise<Buffer> => {
      const end = Number((await ask(RequestCode.GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 })).ext.offset);
      const pull = await ask(RequestCode.PULL_MESSAGE, {
        ...{ consumerGroup: 'TOOLS_CONSUMER', topic: TOPIC, queueId: 0, queueOffset: end - 1, maxMsgNums: 1 },
        ...{ sysFlag: 4, commitOffset: 0, suspendTimeoutMillis: 0, subVersion: 0, subscription: '*' },
        expressionType: 'TAG',
      });
      // The broker makes the queue's entry a moment after it answered the send.
      return pull.code === 0 ? pull.body : Buffer.alloc(0);
    };
    const propertiesOf = (record: Buffer, body: string): Buffer =>
      record.subarray(PROPERTIES_OFFSET + body.length + TOPIC.length);

    beforeAll(async () => {
      remoting = createRemotingClient({ transport: tcpTransport });
      mq = await connect({ ...PATIENT, nameServers: target().nameServer });
      producer = await mq.producer({ group: 'apache_5_producer', ...ANSWERED });
      await producer.send({ topic: TOPIC, body: 'creates the topic' });
    });

    afterAll(async () => {
      await mq.close();
      await remoting.close();
    });

    test('refuses an illegal topic and an illegal queue with code 29', async () => {
      const illegal = await ask(RequestCode.SEND_MESSAGE, send({ topic: 'not a topic' }), 'x');
      const away = await ask(RequestCode.SEND_MESSAGE, send({ topic: TOPIC, queueId: 77 }), 'x');
      expect([illegal.code, away.code]).toEqual([29, 29]);
    });

    test('makes a UNIQ_KEY where the sender gave none, and ends properties with 0x02', async () => {
      const sent = await ask(RequestCode.SEND_MESSAGE, send({ topic: TOPIC, properties: 'a\u0001b' }), 'x');
      expect(sent.code, sent.remark).toBe(0);
      await waitFor('the queue entry', async () => (await lastRecord()).includes(Buffer.from('a\u0001b')));
      const properties = propertiesOf(await lastRecord(), 'x');
      expect(properties.at(-1)).toBe(2);
      expect(decodeProperties(properties)).toMatchObject({
        a: 'b',
        UNIQ_KEY: expect.stringMatching(/^([0-9A-F]{32}|[0-9A-F]{56})$/),
      });
    });

    test('stores MSG_REGION and TRACE_ON with a message of ours, and its place reads back', async () => {
      const [queue] = await producer.fetchPublishMessageQueues(TOPIC);
      const { msgId } = await producer.send({ topic: TOPIC, body: 'regional' }, { queue });
      const messages = await collect({ nameServers: target().nameServer }, TOPIC, 3);
      const message = messages.find((candidate) => candidate.msgId === msgId);
      expect(message?.body.toString()).toBe('regional');
      expect(message?.properties).toMatchObject({ MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' });
    });

    test('answers the offset of a group that has none on an empty queue with code 22, and our consumer begins there', async () => {
      const topic = 'apache_5_empty';
      const [queue] = await producer
        .send({ topic, body: 'creates the topic' })
        .then(({ queue: used }) =>
          producer.fetchPublishMessageQueues(topic).then((all) => all.filter((one) => one.queueId !== used.queueId)),
        );
      const group = `${topic}_group`;
      const offset = await ask(RequestCode.QUERY_CONSUMER_OFFSET, {
        topic,
        queueId: queue?.queueId,
        consumerGroup: group,
      });
      expect(offset.code).toBe(22);
      const reading = collect({ nameServers: target().nameServer }, topic, 2, { group });
      await producer.send({ topic, body: 'the first of its queue' }, { queue });
      expect((await reading).map(({ body }) => body.toString()).sort()).toEqual([
        'creates the topic',
        'the first of its queue',
      ]);
    });

    test('searches by time for the first message that is not older', async () => {
      const topic = 'apache_5_times';
      await producer.send({ topic, body: 'creates the topic' });
      const [queue] = await producer.fetchPublishMessageQueues(topic);
      for (const body of ['one', 'two']) await producer.send({ topic, body }, { queue });
      const stored = (await collect({ nameServers: target().nameServer }, topic, 3))
        .filter((message) => message.queueId === queue?.queueId)
        .map(({ storeTimestamp, queueOffset }) => ({ storeTimestamp, queueOffset }))
        .sort((first, second) => first.queueOffset - second.queueOffset);
      const search = async (timestamp: number) =>
        Number(
          (await ask(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, { topic, queueId: queue?.queueId, timestamp })).ext.offset,
        );
      const last = stored.at(-1);
      expect(await search((last?.storeTimestamp ?? 0) + 1)).toBe((last?.queueOffset ?? 0) + 1);
      for (const { storeTimestamp } of stored) {
        const first = stored.find((message) => message.storeTimestamp >= storeTimestamp);
        expect(await search(storeTimestamp)).toBe(first?.queueOffset);
      }
    });
  });
}
