import { firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Client, connect, type Producer, type ReceivedMessage } from '../../../core/index.js';
import { collect } from '../kit/collect.js';
import { drive, type HeaderEncoding } from '../kit/java.js';
import { type JavaReceived, readReceived, readSent, writeOutgoing } from '../kit/message-lines.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import { type Specimen, specimens } from '../kit/specimens.js';
import type { Target } from '../kit/target.js';

/** What a broker and the Java client add to the properties of a message. */
const ADDED_PROPERTIES: ReadonlySet<string> = new Set([
  'CLUSTER',
  'CONSUME_START_TIME',
  'KEYS',
  'MAX_OFFSET',
  'MIN_OFFSET',
  'MSG_REGION',
  'TAGS',
  'TRACE_ON',
  'UNIQ_KEY',
  'WAIT',
]);

function expectSame(
  message: ReceivedMessage | undefined,
  { name, body, keys, tag, flag = 0, properties = {} }: Specimen,
) {
  expect(message, name).toMatchObject({ flag, tag, keys: keys ?? [] });
  expect(message?.body.equals(body), `body of ${name}`).toBe(true);
  const own = Object.entries(message?.properties ?? {}).filter(([property]) => !ADDED_PROPERTIES.has(property));
  expect(new Map(own), `properties of ${name}`).toEqual(new Map(Object.entries(properties)));
}

/** Our producer and consumer on Apache's broker, with Apache's Java client at the other end. */
export function ourClientContract(target: () => Target): void {
  async function readWithJava(topic: string, count: number): Promise<JavaReceived[]> {
    const args = [topic, `java_reads_${topic}`, String(count)];
    const outcome = await drive(inject('java'), target().nameServer, 'consume', args);
    expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
    return readReceived(outcome.stdout);
  }

  // Most of it is waiting: side by side.
  const encodings = describe.concurrent.each<'json' | 'rocketmq'>(['json', 'rocketmq']);
  encodings('our client with %s headers:', (headerEncoding) => {
    let mq: Client;
    let producer: Producer;

    beforeAll(async () => {
      mq = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding });
      // Loaded machines answer late; what is lost still fails.
      producer = await mq.producer({ group: `ours_on_apache_${headerEncoding}`, ...ANSWERED });
    });

    afterAll(() => mq.close());

    describe('what our producer sends, a Java consumer reads byte for byte:', () => {
      test('every kind of message', async () => {
        const topic = `ours_to_java_${headerEncoding}`;
        const { brokerName } = target();
        const sent = specimens();
        const results = [];
        for (const { name: _, ...message } of sent) results.push(await producer.send({ topic, ...message }));
        expect(results.map(({ status }) => status)).toEqual(sent.map(() => 'SEND_OK'));

        const received = new Map((await readWithJava(topic, sent.length)).map((message) => [message.msgId, message]));
        expect(received.size).toBe(sent.length);
        for (const [index, { name, body, keys, tag, flag = 0, properties = {} }] of sent.entries()) {
          const result = results[index];
          const message = received.get(result?.msgId ?? '');
          expect(message, name).toMatchObject({ topic, brokerName, flag, tag, keys: keys?.join(' ') });
          expect({ queueId: message?.queueId, queueOffset: message?.queueOffset }, `position of ${name}`).toEqual({
            queueId: result?.queue.queueId,
            queueOffset: result?.queueOffset,
          });
          expect(message?.body.equals(body), `body of ${name}`).toBe(true);
          const own = [...(message?.properties ?? [])].filter(([property]) => !ADDED_PROPERTIES.has(property));
          expect(new Map(own), `properties of ${name}`).toEqual(new Map(Object.entries(properties)));
        }
      });

      test('a body from 4,096 bytes on is stored compressed, one below is not', async () => {
        const topic = `ours_compressed_${headerEncoding}`;
        const bodies = [Buffer.alloc(4_095, 'a'), Buffer.alloc(4_096, 'a'), Buffer.alloc(500_000, 'abc')];
        for (const body of bodies) await producer.send({ topic, body });
        const received = await readWithJava(topic, bodies.length);
        received.sort((one, other) => one.body.length - other.body.length);
        expect(received.map(({ body }) => body)).toEqual(bodies);
        expect(received.map(({ storeSize }) => storeSize < 4_000)).toEqual([false, true, true]);
      });

      test('sends of every face: oneway, to a queue, by selector, by sharding key, many at once, as streams', async () => {
        const topic = `ours_faces_${headerEncoding}`;
        await producer.send({ topic, body: 'first' });
        await producer.sendOneway({ topic, body: 'oneway' });
        const [, second, third] = await producer.fetchPublishMessageQueues(topic);
        const toQueue = await producer.send({ topic, body: 'queue' }, { queue: second });
        expect(toQueue.queue).toEqual(second);
        const selected = await producer.send({ topic, body: 'selector' }, { selector: (queues) => queues[2] });
        expect(selected.queue).toEqual(third);
        const sharded = [];
        for (let index = 0; index < 5; index++) {
          sharded.push(await producer.send({ topic, body: `sharded ${index}`, shardingKey: 'customer-7' }));
        }
        expect(new Set(sharded.map(({ queue }) => queue.queueId)).size).toBe(1);
        await firstValueFrom(producer.send$({ topic, body: 'send$' }));
        await lastValueFrom(producer.pipeline.run({ topic, body: 'run' }));
        const many = Array.from({ length: 300 }, (_, index) => ({ topic, body: `many ${index}` }));
        const failed = [];
        for await (const { error } of producer.sendAll(many, { concurrency: 64 }))
          if (error !== undefined) failed.push(error);
        expect(failed).toEqual([]);
        const streamed = Array.from({ length: 20 }, (_, index) => ({ topic, body: `streamed ${index}` }));
        const reports = await lastValueFrom(
          from(streamed).pipe(producer.pipeline.operator({ concurrency: 4 }), toArray()),
        );
        expect(reports.map(({ result }) => result?.status)).toEqual(streamed.map(() => 'SEND_OK'));

        const expected = [
          ...['first', 'oneway', 'queue', 'selector', 'send$', 'run'],
          ...sharded.map((_, index) => `sharded ${index}`),
          ...[...many, ...streamed].map(({ body }) => body),
        ];
        const received = await readWithJava(topic, expected.length);
        expect(received.map(({ body }) => body.toString()).sort()).toEqual(expected.sort());
        const inShard = received.filter(({ body }) => body.toString().startsWith('sharded'));
        inShard.sort((one, other) => one.queueOffset - other.queueOffset);
        expect(inShard.map(({ body }) => body.toString())).toEqual(sharded.map((_, index) => `sharded ${index}`));
      });
    });

    describe('what is on the broker, our consumer reads byte for byte:', () => {
      test.each<HeaderEncoding>(['JSON', 'ROCKETMQ'])('sent by Java with %s headers', async (encoding) => {
        const topic = `java_to_ours_${encoding}_${headerEncoding}`;
        const { nameServer, brokerName, brokerAddress } = target();
        const sent = specimens();
        const modes = ['sync', 'async'] as const;
        const input = sent
          .map(({ keys, ...rest }, index) =>
            writeOutgoing({ topic, keys: keys?.join(' '), mode: modes[index % 2], ...rest }),
          )
          .join('\n');
        const produced = await drive(inject('java'), nameServer, 'produce', [], { encoding, input });
        expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
        const positions = readSent(produced.stdout);
        const received = new Map(
          (await collect({ nameServers: nameServer, headerEncoding }, topic, sent.length)).map((message) => [
            message.msgId,
            message,
          ]),
        );
        expect(received.size).toBe(sent.length);
        for (const [index, specimen] of sent.entries()) {
          const { msgId = '', queueId, queueOffset } = positions[index] ?? {};
          const message = received.get(msgId);
          expectSame(message, specimen);
          expect(message).toMatchObject({
            topic,
            brokerName,
            queueId,
            queueOffset,
            storeHost: brokerAddress,
            reconsumeTimes: 0,
          });
          expect(message?.bornHost).toMatch(/^127\.0\.0\.1:\d+$/);
        }
      });

      test('sent by ourselves', async () => {
        const topic = `ours_to_ours_${headerEncoding}`;
        const sent = specimens();
        const ids = [];
        for (const { name: _, ...message } of sent) ids.push((await producer.send({ topic, ...message })).msgId);
        const messages = await collect({ nameServers: target().nameServer, headerEncoding }, topic, sent.length);
        const received = new Map(messages.map((message) => [message.msgId, message]));
        for (const [index, specimen] of sent.entries()) expectSame(received.get(ids[index] ?? ''), specimen);
      });

      test('by tag, and from where the group stopped', async () => {
        const topic = `ours_tags_${headerEncoding}`;
        for (let index = 0; index < 30; index++) {
          await producer.send({ topic, body: String(index), tag: ['red', 'green', 'blue'][index % 3] });
        }
        const seen: string[] = [];
        const readOn = async (count: number) => {
          const client = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding });
          const consumer = await client.consumer({
            group: `group_${topic}`,
            subscribe: { [topic]: 'red || blue' },
            from: 'first',
          });
          await new Promise<void>((resolve, reject) => {
            const starting = consumer.run(({ body }: ReceivedMessage) => {
              seen.push(body.toString());
              if (seen.length >= count) resolve();
            });
            starting.catch(reject);
          });
          await client.close();
        };
        await readOn(20);
        const redAndBlue = Array.from({ length: 30 }, (_, index) => index).filter((index) => index % 3 !== 1);
        expect(seen.map(Number).sort((one, other) => one - other)).toEqual(redAndBlue);
        await producer.send({ topic, body: '30', tag: 'red' });
        await readOn(21);
        expect(seen).toHaveLength(21);
        expect(seen.at(-1)).toBe('30');
      });
    });
  });
}
