import { expect, test } from 'vitest';
import { connect, json, type ReceivedMessage, topic } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

const MiB = 1024 * 1024;

test.each(['json', 'rocketmq'] as const)(
  'batches with %s headers come back whole and in order',
  async (headerEncoding) => {
    // A commit log of small files: batches have to begin new ones.
    const cluster = embedded({ dir: tempDir(), store: { mappedFileSizeCommitLog: MiB } });
    const mq = closeAfterTest(await connect({ cluster, headerEncoding }));
    const lines = topic('lines', json<{ line: number; text: string }>());
    const producer = await mq.producer({ group: 'importer', maxMessageSizeBytes: 200_000, timeoutMs: 60_000 });
    const values = Array.from({ length: 3_000 }, (_, line) => ({ line, text: 'x'.repeat((line * 7) % 900) }));
    const results = await producer.sendBatch(
      values.map((value) => ({
        topic: lines,
        value,
        tag: value.line % 2 === 0 ? 'even' : 'odd',
        keys: [`line-${value.line}`],
        properties: { grüße: `🚀 ${value.line}` },
      })),
    );
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual(values.map(({ line }) => line));
    expect(new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size).toBe(values.length);

    const all: ReceivedMessage<{ line: number; text: string }>[] = [];
    const even: number[] = [];
    const everything = await mq.consumer({ group: 'all', subscribe: [[lines, '*']], from: 'first', concurrency: 1 });
    const half = await mq.consumer({ group: 'even', subscribe: [[lines, 'even']], from: 'first', concurrency: 1 });
    await everything.run((message) => void all.push(message));
    await half.run((message) => void even.push(message.value.line));
    await waitFor(() => all.length === values.length && even.length === values.length / 2, {
      what: 'all lines',
    });
    expect(all.map(({ value }) => value)).toEqual(values);
    expect(even).toEqual(values.map(({ line }) => line).filter((line) => line % 2 === 0));
    const [some] = all.slice(1_234, 1_235);
    expect(some).toMatchObject({
      msgId: results[1_234]?.msgId,
      offsetMsgId: results[1_234]?.offsetMsgId,
      queueOffset: 1_234,
      tag: 'even',
      keys: ['line-1234'],
      properties: { grüße: '🚀 1234', WAIT: 'true', CLUSTER: 'DefaultCluster' },
    });
  },
);

test('a batch is there after a restart, and a larger message goes between the parts', async () => {
  const dir = tempDir();
  const first = await connect({ cluster: embedded({ dir }) });
  const producer = await first.producer({ group: 'g', maxMessageSizeBytes: 5_000, timeoutMs: 60_000 });
  const bodies = ['a', 'b'.repeat(4_990), 'c', 'd'];
  await producer.sendBatch(bodies.map((body) => ({ topic: 'kept', body })));
  await first.close();
  const second = closeAfterTest(await connect({ cluster: embedded({ dir }) }));
  const received: string[] = [];
  const consumer = await second.consumer({ group: 'reader', subscribe: { kept: '*' }, from: 'first', concurrency: 1 });
  await consumer.run((message) => void received.push(message.body.toString()));
  await waitFor(() => received.length === bodies.length, { what: 'all messages' });
  expect(received).toEqual(bodies);
});

test('what the server refuses of a batch is said with its own words', async () => {
  const mq = closeAfterTest(await connect({ cluster: embedded({ dir: tempDir() }) }));
  const producer = await mq.producer({ group: 'g', maxMessageSizeBytes: 6 * MiB, timeoutMs: 60_000 });
  const large = Array.from({ length: 5 }, () => ({ topic: 'T', body: Buffer.alloc(MiB) }));
  const error = await producer.sendBatch(large).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'RMQ_BATCH_INCOMPLETE',
    results: [],
    failedCount: 5,
    sent: 'no',
    cause: { code: 'RMQ_BROKER_ERROR', responseCode: 13 },
  });
});

test('a producer that gathers sends by itself delivers each message once, with its own place', async () => {
  const mq = closeAfterTest(await connect({ cluster: embedded({ dir: tempDir() }) }));
  const producer = await mq.producer({ group: 'g', autoBatch: { lingerMs: 2 }, timeoutMs: 60_000 });
  const numbers = Array.from({ length: 1_000 }, (_, number) => number);
  const results = await Promise.all(
    numbers.map((number) =>
      producer.send({ topic: 'many', body: String(number), tag: number % 3 === 0 ? 'three' : 'other' }),
    ),
  );
  const places = results.map(({ queue, queueOffset }) => `${queue.queueId}/${queueOffset}`);
  expect(new Set(places).size).toBe(numbers.length);
  const received = new Map<string, string>();
  const consumer = await mq.consumer({ group: 'reader', subscribe: { many: '*' }, from: 'first' });
  await consumer.run((message) => {
    received.set(message.body.toString(), `${message.queueId}/${message.queueOffset} ${message.msgId}`);
  });
  await waitFor(() => received.size === numbers.length, { what: 'all numbers' });
  expect(numbers.map((number) => received.get(String(number)))).toEqual(
    results.map(({ msgId }, number) => `${places[number]} ${msgId}`),
  );
});
