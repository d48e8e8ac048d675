import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Client, connect, type SendResult } from '../../../core/index.js';
import { drive } from '../kit/java.js';
import { type JavaReceived, readReceived } from '../kit/message-lines.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import { type Specimen, specimens } from '../kit/specimens.js';
import type { Target } from '../kit/target.js';

/** What our producer sends as batches, Apache's Java client reads from a broker. */
export function ourBatchesContract(target: () => Target): void {
  async function readWithJava(topic: string, count: number): Promise<Map<string, JavaReceived>> {
    const args = [topic, `java_reads_${topic}`, String(count)];
    const outcome = await drive(inject('java'), target().nameServer, 'consume', args);
    expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
    const received = readReceived(outcome.stdout);
    expect(received).toHaveLength(count);
    return new Map(received.map((message) => [message.msgId, message]));
  }

  function expectArrived(
    received: ReadonlyMap<string, JavaReceived>,
    { msgId, queue, queueOffset }: SendResult,
    { name, body, keys, tag, flag = 0, properties = {} }: Specimen,
  ): void {
    const message = received.get(msgId);
    const { queueId } = queue;
    expect(message, name).toMatchObject({ queueId, queueOffset, flag, tag, keys: keys?.join(' ') });
    expect(message?.body.equals(body), `body of ${name}`).toBe(true);
    for (const [property, value] of Object.entries(properties)) {
      expect(message?.properties.get(property), `a property of ${name}`).toBe(value);
    }
  }

  describe.each<'json' | 'rocketmq'>(['json', 'rocketmq'])('our batches with %s headers', (headerEncoding) => {
    let mq: Client;

    beforeAll(async () => {
      mq = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding });
    });

    afterAll(() => mq.close());

    test('a batch of every kind of message arrives byte for byte, in order, in one queue', async () => {
      const topic = `our_batch_${headerEncoding}`;
      const producer = await mq.producer({ group: `our_batches_${headerEncoding}`, ...ANSWERED });
      const sent = specimens();
      const results = await producer.sendBatch(sent.map(({ name: _, ...message }) => ({ topic, ...message })));
      expect(new Set(results.map(({ queue }) => queue.queueId)).size).toBe(1);
      const first = results[0]?.queueOffset ?? 0;
      expect(results.map(({ queueOffset }) => queueOffset)).toEqual(sent.map((_, index) => first + index));
      expect(new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size).toBe(sent.length);

      const received = await readWithJava(topic, sent.length);
      for (const [index, specimen] of sent.entries()) expectArrived(received, results[index]!, specimen);
    });

    test('sends that are gathered by themselves arrive, each at its own place', async () => {
      const topic = `our_gathered_${headerEncoding}`;
      const options = { group: `our_gathered_${headerEncoding}`, ...ANSWERED, autoBatch: true };
      const producer = await mq.producer(options);
      const sent = specimens().filter(({ body }) => body.length < 100_000);
      const results = await Promise.all(sent.map(({ name: _, ...message }) => producer.send({ topic, ...message })));
      const received = await readWithJava(topic, sent.length);
      for (const [index, specimen] of sent.entries()) expectArrived(received, results[index]!, specimen);
    });
  });
}
