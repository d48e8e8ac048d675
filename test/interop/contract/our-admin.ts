import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type MessageQueue, type SendResult } from '../../../core/index.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import type { Target } from '../kit/target.js';

const TOPIC = 'our_admin';

/** `mq.admin` on Apache's servers, as test/admin has it on ours. */
export function ourAdminContract(target: () => Target, { search }: { readonly search: 'nearest' | 'lower' }): void {
  describe.each<'json' | 'rocketmq'>(['json', 'rocketmq'])('our admin with %s headers', (headerEncoding) => {
    const topic = `${TOPIC}_${headerEncoding}`;
    const sent: SendResult[] = [];
    let mq: Client;
    let queue: MessageQueue;
    let before: number;

    beforeAll(async () => {
      mq = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding });
      await mq.admin.createTopic(topic, { queueNum: 2, ...ANSWERED });
      queue = { topic, brokerName: target().brokerName, queueId: 1 };
      const producer = await mq.producer({ group: `${topic}_producer`, compression: 'zlib', ...ANSWERED });
      before = Date.now();
      for (const key of ['one', 'two', 'two']) {
        const body = `of key ${key} `.repeat(2_000);
        sent.push(await producer.send({ topic, body, tag: 'T', keys: [key, 'shared'] }, { queue }));
      }
      // Apache makes queue entries and index a moment after it acknowledged a message.
      await waitFor('the index', async () => (await mq.admin.queryMessage(topic, 'shared')).messages.length === 3);
    });

    afterAll(() => mq.close());

    test('creates topics with their queues', async () => {
      const queues = [0, 1].map((queueId) => ({ ...queue, queueId }));
      expect(await mq.admin.fetchPublishMessageQueues(topic)).toEqual(queues);
      expect(await mq.admin.fetchSubscribeMessageQueues(topic)).toEqual(queues);
    });

    test('is told what the broker objects to', async () => {
      await expect(mq.admin.createTopic(target().clusterName)).rejects.toMatchObject({
        code: 'RMQ_BROKER_ERROR',
        remark: expect.stringContaining('conflict with system topic'),
      });
      await expect(mq.admin.fetchPublishMessageQueues('never_created')).rejects.toMatchObject({
        code: 'RMQ_ROUTE_NOT_FOUND',
      });
    });

    test('knows where a queue begins and ends, by offset and by time', async () => {
      const { admin } = mq;
      expect([await admin.minOffset(queue), await admin.maxOffset(queue)]).toEqual([0, 3]);
      const earliest = await admin.earliestMsgStoreTime(queue);
      expect(earliest).toBeGreaterThanOrEqual(before - 5_000);
      expect(await admin.searchOffset(queue, earliest! - 3_600_000)).toBe(0);
      expect(await admin.searchOffset(queue, Date.now() + 3_600_000)).toBe(search === 'nearest' ? 2 : 3);
      if (search === 'nearest') return;
      expect(await admin.searchOffset(queue, Date.now() + 3_600_000, { boundary: 'upper' })).toBe(2);
    });

    test('views a message by either of its ids', async () => {
      const [first] = sent as [SendResult];
      const message = await mq.admin.viewMessage(first.offsetMsgId ?? '');
      expect(message).toMatchObject({ ...queue, msgId: first.msgId, keys: ['one', 'shared'] });
      expect(message.body.toString()).toBe('of key one '.repeat(2_000));
      expect(await mq.admin.viewMessage(topic, first.msgId)).toEqual(message);
      expect(await mq.admin.viewMessage(topic, first.offsetMsgId ?? '')).toEqual(message);
      const nowhere = `${first.msgId.slice(0, -4)}FFFF`;
      await expect(mq.admin.viewMessage(topic, nowhere)).rejects.toMatchObject({ code: 'RMQ_MESSAGE_NOT_FOUND' });
    });

    test('deletes topics: made again they begin empty', async () => {
      const { admin } = mq;
      const gone = `${topic}_gone`;
      const first = { topic: gone, brokerName: target().brokerName, queueId: 0 };
      const producer = await mq.producer({ group: `${topic}_deleter`, ...ANSWERED });
      await admin.createTopic(gone, { queueNum: 1, ...ANSWERED });
      await producer.send({ topic: gone, body: 'x' });
      await waitFor('the queue', async () => (await admin.maxOffset(first)) === 1);
      await admin.deleteTopic(gone, ANSWERED);
      await expect(admin.fetchSubscribeMessageQueues(gone)).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
      await admin.createTopic(gone, { queueNum: 1, ...ANSWERED });
      expect(await admin.maxOffset(first)).toBe(0);
      expect(await producer.send({ topic: gone, body: 'y' })).toMatchObject({ queueOffset: 0 });
      await admin.deleteSubscriptionGroup('never_created', { removeOffset: true });
    });

    test('finds messages by key and time', async () => {
      const found = async (...args: Parameters<typeof mq.admin.queryMessage>) =>
        (await mq.admin.queryMessage(...args)).messages.map(({ msgId }) => msgId);
      const ids = sent.map(({ msgId }) => msgId);
      expect(await found(topic, 'shared')).toEqual(ids);
      expect(await found(topic, 'two')).toEqual(ids.slice(1));
      expect(await found(topic, 'shared', { maxNum: 1 })).toEqual(ids.slice(2));
      expect(await found(topic, 'three')).toEqual([]);
      const [first] = (await mq.admin.queryMessage(topic, 'one')).messages;
      const at = first!.storeTimestamp;
      expect(await found(topic, 'one', { begin: at, end: at })).toEqual(ids.slice(0, 1));
      expect(await found(topic, 'one', { begin: at + 1 })).toEqual([]);
      expect(await found(topic, 'one', { begin: before - 7_200_000, end: before - 3_600_000 })).toEqual([]);
    });
  });
}
