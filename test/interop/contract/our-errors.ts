import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Client, connect, isRocketMQError } from '../../../core/index.js';
import { mqadmin } from '../kit/java.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { DEAF_PORT } from '../kit/ports.js';
import type { Target } from '../kit/target.js';

/** What goes wrong on a real cluster comes back as our typed errors. */
export function ourErrorsContract(target: () => Target, { illegalQueueCode }: { illegalQueueCode: 1 | 29 }): void {
  describe.concurrent('our client tells', () => {
    let mq: Client;

    beforeAll(async () => {
      // The routes stay as they are: a test changes a topic behind the client's back.
      mq = await connect({ ...PATIENT, nameServers: target().nameServer, pollNameServerIntervalMs: 600_000 });
    });

    afterAll(() => mq.close());

    test('a topic that does not exist and that no broker may create is not found', async () => {
      const producer = await mq.producer({
        group: 'errors_no_topic',
        ...ANSWERED,
        createTopicKey: 'no_such_default_topic',
      });
      const error = await errorOf(producer.send({ topic: 'errors_never_created', body: 'x' }));
      expect(error).toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND', topic: 'errors_never_created', retryable: false });
    });

    test('a queue that does not exist is named before anything is sent', async () => {
      const { brokerName } = target();
      const producer = await mq.producer({ group: 'errors_no_queue', ...ANSWERED });
      const topic = 'errors_queue';
      await producer.send({ topic, body: 'creates it' });
      const error = await errorOf(producer.send({ topic, body: 'x' }, { queue: { topic, brokerName, queueId: 99 } }));
      expect(error).toMatchObject({ code: 'RMQ_QUEUE_NOT_FOUND', topic, broker: brokerName, queueId: 99 });
    });

    test("what the broker itself refuses carries the broker's code and words", async () => {
      const producer = await mq.producer({ group: 'errors_too_large', maxMessageSizeBytes: 8 * 1024 * 1024 });
      const body = Buffer.alloc(5 * 1024 * 1024, 'x');
      const large = await mq.producer({
        group: 'errors_too_large_uncompressed',
        maxMessageSizeBytes: 8 * 1024 * 1024,
        compressThresholdBytes: Number.POSITIVE_INFINITY,
        ...ANSWERED,
      });
      const error = await errorOf(large.send({ topic: 'errors_large', body }));
      expect(error).toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 13, retryable: false });
      expect((error as { remark?: string }).remark).toMatch(/message/i);
      const compressed = await producer.send({ topic: 'errors_large', body }, ANSWERED);
      expect(compressed.status).toBe('SEND_OK');
    });

    test('a queue that went behind the back of the client is refused by the broker, in its own words', async () => {
      const { nameServer, brokerName, clusterName } = target();
      const topic = 'errors_shrunk';
      const setQueues = async (count: string) => {
        const change = ['-c', clusterName, '-t', topic, '-r', count, '-w', count];
        const { stdout } = await mqadmin(inject('java'), nameServer, 'updateTopic', change);
        expect(stdout).toContain('create topic to 127.0.0.1');
      };
      await setQueues('8');
      const producer = await mq.producer({ group: topic, ...ANSWERED });
      expect(await producer.fetchPublishMessageQueues(topic)).toHaveLength(8);
      await setQueues('2');
      const error = await errorOf(producer.send({ topic, body: 'x' }, { queue: { topic, brokerName, queueId: 7 } }));
      const refusal = {
        code: 'RMQ_BROKER_ERROR',
        responseCode: illegalQueueCode,
        remark: expect.stringContaining('queueId[7] is illegal'),
      };
      // 1 says "some error", which another attempt may cure; a queue that the caller chose gets one attempt all the same.
      const attempts = [{ attempt: 1, broker: brokerName, queueId: 7, error: refusal }];
      expect(error).toMatchObject(illegalQueueCode === 1 ? { code: 'RMQ_SEND_FAILED', topic, attempts } : refusal);
    });

    test('a name server that is away is told apart from a topic that is unknown', async () => {
      const address = `127.0.0.1:${DEAF_PORT}`;
      const away = await connect({ ...PATIENT, nameServers: address });
      try {
        const producer = await away.producer({ group: 'errors_away' });
        const error = await errorOf(producer.send({ topic: 'errors_away', body: 'x' }));
        expect(isRocketMQError(error, 'RMQ_NAME_SERVER_UNREACHABLE') && error.failures).toMatchObject([{ address }]);
      } finally {
        await away.close();
      }
    });

    test('one name server of two that is away changes nothing', async () => {
      const half = await connect({ ...PATIENT, nameServers: [`127.0.0.1:${DEAF_PORT}`, target().nameServer] });
      try {
        const producer = await half.producer({ group: 'errors_half', ...ANSWERED });
        const { status } = await producer.send({ topic: 'errors_half', body: 'x' });
        expect(status).toBe('SEND_OK');
      } finally {
        await half.close();
      }
    });

    test('an illegal message is refused without asking anybody', async () => {
      const producer = await mq.producer({ group: 'errors_illegal', ...ANSWERED });
      const topic = 'errors_illegal';
      const fields = [];
      for (const message of [
        { topic: 'not a topic', body: 'x' },
        { topic, body: '' },
        { topic, body: Buffer.alloc(4 * 1024 * 1024 + 1) },
        { topic, body: 'x', properties: { a: 'one\u0001two' } },
      ]) {
        const error = await errorOf(producer.send(message));
        expect(isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL'), String(error)).toBe(true);
        if (isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL')) fields.push(error.field);
      }
      expect(fields).toHaveLength(4);
      await expect(producer.fetchPublishMessageQueues(topic)).resolves.not.toHaveLength(0);
    });
  });
}

/** The error that a promise ends in. */
function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}
