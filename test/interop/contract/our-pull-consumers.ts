import { describe, expect, onTestFinished, test } from 'vitest';
import { type Client, connect, type MessageQueue, type ReceivedMessage, type SendResult } from '../../../core/index.js';
import { ANSWERED, PATIENCE_MS, PATIENT } from '../kit/patience.js';
import { canBePulled, queuesOf } from '../kit/settled.js';
import type { Target } from '../kit/target.js';

const QUEUES = 4;

/** Our pull consumers on Apache's broker; towards one of 5.x lite pulls have a code of their own. */
export function ourPullConsumersContract(target: () => Target): void {
  /** As many messages in each queue. */
  async function setup(topic: string, count: number): Promise<Client> {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
    onTestFinished(() => mq.close());
    const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
    await mq.admin.createTopic(topic, { queueNum: QUEUES, ...ANSWERED });
    const queues = await queuesOf(mq, topic);
    const sent: SendResult[] = [];
    for (let index = 0; index < count; index++) {
      const queue = queues[index % QUEUES];
      sent.push(await producer.send({ topic, body: `${index}`, tag: 't' }, queue && { queue }));
    }
    await canBePulled(mq, sent);
    return mq;
  }

  /** Polls until so many came, or none for a while. */
  async function pollAll(
    consumer: { poll(options: { timeoutMs: number }): Promise<readonly ReceivedMessage[]> },
    count: number,
    timeoutMs = PATIENCE_MS,
  ): Promise<string[]> {
    const got: string[] = [];
    while (got.length < count) {
      const messages = await consumer.poll({ timeoutMs });
      if (messages.length === 0) break;
      got.push(...messages.map(({ body }) => body.toString()));
    }
    return got.sort((a, b) => Number(a) - Number(b));
  }

  const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

  describe('our pull consumers on Apache', () => {
    test('poll what they share or are assigned, seek, commit, and go on where they stopped', async () => {
      const topic = 'ours_polled';
      const mq = await setup(topic, 20);
      const options = { group: `${topic}_group`, subscribe: { [topic]: 't' }, from: 'first' } as const;
      const consumer = await mq.litePullConsumer(options);
      expect(await pollAll(consumer, 20)).toEqual(upTo(20));
      await consumer.commit();
      const [queue] = consumer.assignment() as readonly MessageQueue[];
      expect(await consumer.committed(queue!)).toBe(5);
      await consumer.close();
      const again = await mq.litePullConsumer(options);
      expect(await pollAll(again, 1, 300)).toEqual([]);
      await again.close();
      const chosen = await mq.litePullConsumer({ group: `${topic}_chosen`, autoCommit: false });
      await chosen.assign([queue!]);
      expect(await chosen.seek(queue!, 3)).toBe(3);
      expect(await pollAll(chosen, 2)).toHaveLength(2);
      await expect(chosen.seek(queue!, 6)).rejects.toMatchObject({ code: 'RMQ_OFFSET_ILLEGAL', maxOffset: 5 });
    });

    test('pull once, at the end and beyond it, and wait for what comes', async () => {
      const topic = 'ours_pulled';
      const mq = await setup(topic, 8);
      const consumer = await mq.pullConsumer({ group: `${topic}_group` });
      const [queue] = await consumer.fetchMessageQueues(topic);
      const found = await consumer.pull(queue!, '*', 0, { maxMessages: 1 });
      expect(found).toMatchObject({ status: 'FOUND', nextBeginOffset: 1, minOffset: 0, maxOffset: 2 });
      expect(await consumer.pull(queue!, 'u', 0)).toMatchObject({ status: 'NO_MATCHED_MSG', nextBeginOffset: 2 });
      expect(await consumer.pull(queue!, '*', 2)).toMatchObject({ status: 'NO_NEW_MSG' });
      expect(await consumer.pull(queue!, '*', 9)).toMatchObject({ status: 'OFFSET_ILLEGAL', nextBeginOffset: 2 });
      const waiting = consumer.pullBlockIfNotFound(queue!, '*', 2);
      const producer = await mq.producer({ group: `${topic}_later`, ...ANSWERED });
      await producer.send({ topic, body: 'later' }, { queue: queue! });
      expect((await waiting).messages.map(({ body }) => body.toString())).toEqual(['later']);
      consumer.updateConsumeOffset(queue!, 3);
      await consumer.persistConsumeOffsets();
      expect(await consumer.fetchConsumeOffset(queue!, { fromStore: true })).toBe(3);
    });
  });
}
