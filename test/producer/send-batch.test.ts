import { expect, test } from 'vitest';
import { decodeBatchBody } from '../../core/message/batch-body.js';
import type { OutgoingMessage } from '../../core/message/message.js';
import { decodeProperties } from '../../core/message/properties.js';
import { topic } from '../../core/message/typed-topic.js';
import type { AttemptContext, CreatedContext, EncodedContext } from '../../core/pipeline/context.js';
import { eachMessage } from '../../core/pipeline/each-message.js';
import type { StageEvent } from '../../core/pipeline/events.js';
import type { SendHandler } from '../../core/pipeline/interceptor.js';
import type { RawMessage } from '../../core/producer/producer.js';
import { nextTurn } from '../kit/wait-for.js';
import { answerNothing, type KitOptions, pipelineKit, rejection, type SeenRequest } from '../pipeline/pipeline-kit.js';

const messages = (count: number, size = 5): RawMessage[] =>
  Array.from({ length: count }, (_, index) => ({ topic: 'orders', body: String(index).padEnd(size, '.') }));

/** Answers each batch as a broker does: an id for each message, and offsets that go on. */
function batchBroker(): (request: SeenRequest) => void {
  let offset = 100;
  return (request) =>
    queueMicrotask(() => {
      const count = request.code === 320 ? decodeBatchBody(request.body).length : 1;
      const msgId = Array.from({ length: count }, (_, index) => `ID${offset + index}`).join(',');
      request.answer(0, { msgId, queueOffset: String(offset) });
      offset += count;
    });
}

const batchKit = (kit: KitOptions = {}) => pipelineKit({ script: batchBroker(), ...kit });

const bodiesOf = (request: SeenRequest): string[] =>
  request.code === 320 ? decodeBatchBody(request.body).map(({ body }) => body.toString()) : [request.body.toString()];

test('a batch is one request, with each message as it would have been sent alone', async () => {
  const kit = await batchKit();
  const results = await kit.producer.sendBatch([
    { topic: 'orders', body: 'one', tag: 'A', keys: ['k1', 'k2'], flag: 3, properties: { colour: 'blau' } },
    { topic: 'orders', body: Buffer.from('two') },
  ]);
  expect(kit.requests).toHaveLength(1);
  const [request] = kit.requests as [SeenRequest];
  expect(request).toMatchObject({ code: 320, ext: { b: 'orders', f: 0, h: 0, i: 'WAIT\u0001true', m: true } });
  const items = decodeBatchBody(request.body);
  expect(items.map(({ flag, body }) => [flag, body.toString()])).toEqual([
    [3, 'one'],
    [0, 'two'],
  ]);
  const [first, second] = items.map(({ properties }) => ({ ...decodeProperties(properties) }));
  const { msgId } = results[0]!;
  expect(first).toEqual({ UNIQ_KEY: msgId, WAIT: 'true', TAGS: 'A', KEYS: 'k1 k2', colour: 'blau' });
  expect(second).toEqual({ UNIQ_KEY: results[1]?.msgId, WAIT: 'true' });
});

test('each message gets a result of its own', async () => {
  const kit = await batchKit();
  const results = await kit.producer.sendBatch(messages(3));
  expect(results.map(({ status, offsetMsgId, queueOffset }) => [status, offsetMsgId, queueOffset])).toEqual([
    ['SEND_OK', 'ID100', 100],
    ['SEND_OK', 'ID101', 101],
    ['SEND_OK', 'ID102', 102],
  ]);
  expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(3);
  expect(new Set(results.map(({ queue }) => queue.queueId)).size).toBe(1);
});

test('a batch of one is a batch', async () => {
  const kit = await batchKit();
  const results = await kit.producer.sendBatch([{ topic: 'orders', body: 'x', waitStored: false }]);
  expect(kit.requests).toMatchObject([{ code: 320, ext: { i: 'WAIT\u0001false' } }]);
  expect(results).toMatchObject([{ offsetMsgId: 'ID100', queueOffset: 100 }]);
});

test('one id for a whole batch, as queues of type BatchCQ answer, is the id of each message', async () => {
  const kit = await pipelineKit();
  const results = await kit.producer.sendBatch(messages(2));
  expect(results.map(({ offsetMsgId, queueOffset }) => [offsetMsgId, queueOffset])).toEqual([
    ['0A0000010000277D0000000000000040', 7],
    ['0A0000010000277D0000000000000040', 8],
  ]);
});

test('values of typed topics are encoded, also by codecs that take their time', async () => {
  const kit = await batchKit();
  const numbers = topic('orders', {
    encode: async (value: number) => Buffer.from(`number ${value}`),
    decode: (bytes: Buffer) => Number(bytes.toString().slice(7)),
  });
  await kit.producer.sendBatch([
    { topic: numbers, value: 1 },
    { topic: 'orders', body: 'raw' },
    { topic: numbers, value: 2 },
  ]);
  expect(kit.requests.map(bodiesOf)).toEqual([['number 1', 'raw', 'number 2']]);
});

test('is never compressed', async () => {
  const kit = await batchKit();
  await kit.producer.sendBatch(messages(3, 10_000));
  expect(kit.requests).toMatchObject([{ ext: { f: 0 } }]);
  expect(bodiesOf(kit.requests[0]!)[0]).toHaveLength(10_000);
});

test.each<[string, unknown[], Record<string, unknown>]>([
  ['no messages', [], { field: 'messages' }],
  ['a message that is missing', [messages(1)[0], undefined], { field: 'message', index: 1 }],
  ['an empty body', [...messages(2), { topic: 'orders', body: '' }], { field: 'body', index: 2, topic: 'orders' }],
  ['two topics', [...messages(1), { topic: 'other', body: 'x' }], { field: 'topic', index: 1 }],
  ['a delay', [{ topic: 'orders', body: 'x', delay: '10s' }], { field: 'delay', index: 0 }],
  ['a delay level', [{ topic: 'orders', body: 'x', delayLevel: 3 }], { field: 'delayLevel' }],
  ['an instant', [{ topic: 'orders', body: 'x', deliverAt: 1 }], { field: 'deliverAt' }],
  ['a retry topic', [{ topic: '%RETRY%g', body: 'x' }], { field: 'topic' }],
  [
    'different waitStored',
    [...messages(1), { ...messages(1)[0], waitStored: false }],
    { field: 'waitStored', index: 1 },
  ],
  [
    'a half message',
    [{ topic: 'orders', body: 'x', systemProperties: { TRAN_MSG: 'true' } }],
    { field: 'systemProperties.TRAN_MSG' },
  ],
  ['different sharding keys', [{ ...messages(1)[0], shardingKey: 'a' }, ...messages(1)], { field: 'shardingKey' }],
])('with %s nothing is sent, and the error says where', async (_, given, fields) => {
  const kit = await batchKit();
  const error = await rejection(kit.producer.sendBatch(given as RawMessage[]));
  expect(error).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', ...fields });
  if (fields.index !== undefined) expect(error.message).toContain(`Message ${fields.index} of the batch`);
  expect(kit.requests).toEqual([]);
});

test('a value that its codec refuses is named too', async () => {
  const kit = await batchKit();
  const strict = topic('orders', {
    encode: (value: number) => {
      if (value < 0) throw new Error('negative');
      return Buffer.from(String(value));
    },
    decode: (bytes: Buffer) => Number(bytes),
  });
  const error = await rejection(kit.producer.sendBatch([1, -1].map((value) => ({ topic: strict, value }))));
  expect(error).toMatchObject({ code: 'RMQ_VALUE_INVALID', index: 1, topic: 'orders' });
  expect(kit.requests).toEqual([]);
});

test('a producer that does not run refuses a batch, and so does a wrong option', async () => {
  const idle = await batchKit({ start: false });
  expect(await rejection(idle.producer.sendBatch(messages(1)))).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  const kit = await batchKit();
  expect(await rejection(kit.producer.sendBatch(messages(1), { timeoutMs: -1 }))).toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'timeoutMs',
  });
  await kit.producer.close();
});

test('what is too large for one batch goes in parts, one after another, to one queue', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const sending = kit.producer.sendBatch(messages(10, 200));
  await nextTurn();
  for (let part = 0; part < 4; part++) {
    expect(kit.requests).toHaveLength(part + 1);
    expect(kit.requests[part]!.body.length).toBeLessThanOrEqual(1_000);
    kit.requests[part]!.answer(0, { msgId: 'A,B,C', queueOffset: String(part * 3) });
    await nextTurn();
  }
  const results = await sending;
  expect(kit.requests.flatMap(bodiesOf).map(Number.parseFloat)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(new Set(kit.requests.map(({ address, ext }) => `${address} ${ext.e}`)).size).toBe(1);
});

test('a message that leaves no room for a batch around it goes alone, in its turn', async () => {
  const kit = await batchKit({ options: { maxMessageSizeBytes: 1_000, compressThresholdBytes: 5_000 } });
  const all = [...messages(2), { topic: 'orders', body: 'x'.repeat(1_000) }, ...messages(1)];
  const results = await kit.producer.sendBatch(all);
  expect(kit.requests.map(({ code }) => code)).toEqual([320, 310, 320]);
  expect(kit.requests[1]!.ext.i).toContain(`UNIQ_KEY\u0001${results[2]?.msgId}`);
  expect(kit.requests.flatMap(bodiesOf)).toEqual(all.map(({ body }) => body));
  expect(results.map(({ queueOffset }) => queueOffset)).toEqual([100, 101, 102, 103]);
});

test('when a part fails, the error has the results in front of it and the messages without one', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const all = messages(10, 200);
  const sending = rejection(kit.producer.sendBatch(all));
  await nextTurn();
  kit.requests[0]!.answer(0, { msgId: 'A,B,C', queueOffset: '5' });
  await nextTurn();
  kit.requests[1]!.answer(13, {}, 'no more');
  const error = await sending;
  expect(error).toMatchObject({ code: 'RMQ_BATCH_INCOMPLETE', topic: 'orders', failedCount: 3, sent: 'no' });
  expect(error.cause).toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 13 });
  expect(error.retryable).toBe(false);
  expect(error.message).toContain('3 of the 10 messages to topic orders were sent, part 2 of 4 failed');
  expect((error.results as { queueOffset: number }[]).map(({ queueOffset }) => queueOffset)).toEqual([5, 6, 7]);
  expect(error.unsent).toEqual(all.slice(3));
  expect((error.unsent as unknown[])[0]).toBe(all[3]);
  expect(kit.requests).toHaveLength(2);
});

test('the first part is tried again on another broker, the others stay where they have to', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const sending = rejection(kit.producer.sendBatch(messages(6, 200)));
  await nextTurn();
  kit.requests[0]!.fail('RMQ_CONNECT_FAILED');
  await nextTurn();
  expect(kit.requests[1]!.address).not.toBe(kit.requests[0]!.address);
  expect(kit.requests[1]!.body).toEqual(kit.requests[0]!.body);
  kit.requests[1]!.answer(0, { msgId: 'A,B,C' });
  await nextTurn();
  kit.requests[2]!.fail('RMQ_CONNECTION_LOST');
  const error = await sending;
  expect(error).toMatchObject({ code: 'RMQ_BATCH_INCOMPLETE', failedCount: 3, sent: 'maybe', retryable: true });
  expect(error.cause).toMatchObject({ code: 'RMQ_SEND_FAILED' });
  expect(kit.requests).toHaveLength(3);
});

test('the deadline is that of the whole batch', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const sending = rejection(kit.producer.sendBatch(messages(6, 200), { timeoutMs: 1_000 }));
  await nextTurn();
  await kit.clock.advance(700);
  kit.requests[0]!.answer(0, { msgId: 'A,B,C' });
  await nextTurn();
  expect(kit.requests[1]!.timeoutMs).toBe(300);
  await kit.clock.advance(300);
  const error = await sending;
  expect(error).toMatchObject({ code: 'RMQ_BATCH_INCOMPLETE', failedCount: 3, sent: 'maybe' });
  expect(error.cause).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', timeoutMs: 1_000, stage: 'send' });
});

test('a signal ends it: what is stored stays said', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const controller = new AbortController();
  const sending = rejection(kit.producer.sendBatch(messages(6, 200), { signal: controller.signal }));
  await nextTurn();
  kit.requests[0]!.answer(0, { msgId: 'A,B,C' });
  await nextTurn();
  controller.abort();
  const error = await sending;
  expect(error.cause).toMatchObject({ code: 'RMQ_SEND_ABORTED' });
  expect(error.results).toHaveLength(3);
  expect(kit.requests[1]!.cancelled).toBe(true);
});

test('closing waits for all parts', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { maxMessageSizeBytes: 1_000 } });
  const sending = kit.producer.sendBatch(messages(6, 200));
  await nextTurn();
  let closed = false;
  const closing = kit.producer.close().then(() => {
    closed = true;
  });
  for (const part of [0, 1]) {
    kit.requests[part]!.answer(0, { msgId: 'A,B,C' });
    await nextTurn();
    expect(closed).toBe(part === 1);
  }
  expect(await sending).toHaveLength(6);
  await closing;
  expect(kit.membership.left).toEqual(['test-group']);
});

test('the queue can be fixed: by name, by key, by a selector that is shown the first message', async () => {
  const kit = await batchKit();
  const { queues } = kit.publishInfo('orders');
  await kit.producer.sendBatch(messages(2), { queue: queues[3]! });
  await kit.producer.sendBatch(messages(2).map((message) => ({ ...message, shardingKey: 'k' })));
  await kit.producer.send({ ...messages(1)[0]!, shardingKey: 'k' });
  const shown: OutgoingMessage[] = [];
  const all = messages(2);
  await kit.producer.sendBatch(all, {
    selector: (choices, message) => {
      shown.push(message);
      return choices[1]!;
    },
  });
  const places = kit.requests.map(({ ext }) => `${ext.n}/${ext.e}`);
  expect(places[0]).toBe(`${queues[3]?.brokerName}/${queues[3]?.queueId}`);
  expect(places[1]).toBe(places[2]);
  expect(places[3]).toBe(`${queues[1]?.brokerName}/${queues[1]?.queueId}`);
  expect(shown).toEqual([all[0]]);
});

test('a namespace stands with every message, for brokers that forget the header of a batch', async () => {
  const names = { topicToWire: (name: string) => `ns%${name}`, properties: { INSTANCE_ID: 'ns' } };
  const { plainResourceNames } = await import('../../core/message/resource-names.js');
  const kit = await batchKit({ names: { ...plainResourceNames, ...names } as typeof plainResourceNames });
  await kit.producer.sendBatch(messages(2));
  expect(kit.requests[0]!.ext.b).toBe('ns%orders');
  const properties = decodeBatchBody(kit.requests[0]!.body).map((item) => decodeProperties(item.properties));
  expect(properties.map(({ INSTANCE_ID }) => INSTANCE_ID)).toEqual(['ns', 'ns']);
});

test('interceptors and events see each part as one send that says so', async () => {
  const seen: unknown[] = [];
  const all = messages(4, 200);
  const kit = await batchKit({
    options: { maxMessageSizeBytes: 1_000 },
    plugins: [
      {
        plugin: 'watcher',
        before: 'send',
        create: () => (context: EncodedContext, next: SendHandler<EncodedContext>) => {
          seen.push(
            context.batch,
            context.send.batch,
            context.send.msgId.split(',').length,
            context.payload.body.length,
          );
          return next(context);
        },
      },
    ],
  });
  const events: StageEvent[] = [];
  kit.producer.pipeline.events$.subscribe((event) => events.push(event));
  await kit.producer.sendBatch(all);
  await kit.producer.send(all[0]!);
  const [first, second] = [all.slice(0, 3), all.slice(3)];
  const sizes = kit.requests.map(({ body }) => body.length);
  expect(seen).toEqual([first, first, 3, sizes[0], second, second, 1, sizes[1], undefined, undefined, 1, 200]);
  const done = events.filter(({ type }) => type === 'done');
  expect(done.map(({ batch }) => batch)).toEqual([first, second, undefined]);
  expect(events.every(({ batch, msgId }) => msgId.split(',').length === (batch?.length ?? 1))).toBe(true);
});

test('an interceptor can change the messages of a batch', async () => {
  const all = messages(2);
  const kit = await batchKit({
    plugins: [
      {
        plugin: 'cipher',
        before: 'compress',
        create: () => (context: AttemptContext, next: SendHandler<AttemptContext>) => {
          const { batch } = context;
          if (batch === undefined) return next(context);
          const changed = batch.map((message) => ({ ...message, body: `<${message.body}>`, properties: { enc: '1' } }));
          return next(context.with({ batch: changed }));
        },
      },
    ],
  });
  const results = await kit.producer.sendBatch(all);
  expect(bodiesOf(kit.requests[0]!)).toEqual(['<0....>', '<1....>']);
  const properties = decodeBatchBody(kit.requests[0]!.body).map((item) => decodeProperties(item.properties));
  expect(properties).toMatchObject(results.map(({ msgId }) => ({ UNIQ_KEY: msgId, enc: '1' })));
  expect(all).toEqual(messages(2));
});

test('eachMessage changes the message of a send, and each of a batch', async () => {
  const stamp = (message: OutgoingMessage) => ({ ...message, properties: { ...message.properties, sentBy: 'audit' } });
  const kit = await batchKit({
    plugins: [
      {
        plugin: 'audit',
        before: 'check',
        create: () => (context: CreatedContext, next: SendHandler<CreatedContext>) =>
          next(context.with(eachMessage(context, stamp))),
      },
    ],
  });
  const [one, two] = messages(2);
  await kit.producer.sendBatch([one!, two!]);
  await kit.producer.send(one!);
  const batch = decodeBatchBody(kit.requests[0]!.body).map((item) => decodeProperties(item.properties).sentBy);
  expect(batch).toEqual(['audit', 'audit']);
  expect(kit.requests[1]!.ext.i).toContain('sentBy\u0001audit');
  expect([one, two]).toEqual(messages(2));
});

test('an interceptor can send a batch to another topic', async () => {
  const kit = await batchKit({
    plugins: [
      {
        plugin: 'router',
        before: 'route',
        create: () => (context: CreatedContext, next: SendHandler<CreatedContext>) =>
          next(context.with({ topic: `${context.topic}-eu` })),
      },
    ],
    options: { maxMessageSizeBytes: 1_000 },
  });
  const results = await kit.producer.sendBatch(messages(4, 200));
  expect(kit.requests.map(({ ext }) => ext.b)).toEqual(['orders-eu', 'orders-eu']);
  expect(new Set(results.map(({ queue }) => queue.topic))).toEqual(new Set(['orders-eu']));
});

type Change = Parameters<CreatedContext['with']>[0];

test.each<[string, (context: CreatedContext) => Change, Record<string, unknown>]>([
  [
    'the body of all',
    ({ message }) => ({ message: { ...message, body: 'secret' } }),
    {
      code: 'RMQ_PIPELINE_MISUSE',
      rule: 'with() changes the messages of a batch by `batch`, not by `message`; eachMessage(context, change) does either',
    },
  ],
  [
    'properties of all',
    ({ message }) => ({ message: { ...message, properties: { a: 'b' } } }),
    { code: 'RMQ_PIPELINE_MISUSE' },
  ],
  [
    'their number',
    ({ batch = [] }) => ({ batch: batch.slice(1) }),
    { code: 'RMQ_PIPELINE_MISUSE', rule: 'with() keeps a batch of 2 messages at their number' },
  ],
  [
    'one into an illegal one',
    ({ batch = [] }) => ({ batch: [batch[0]!, { ...batch[1]!, body: '' }] }),
    { code: 'RMQ_MESSAGE_ILLEGAL', field: 'body', index: 1 },
  ],
  [
    'all into too many bytes',
    ({ batch = [] }) => ({ batch: batch.map((message) => ({ ...message, body: 'x'.repeat(900) })) }),
    { code: 'RMQ_MESSAGE_ILLEGAL', field: 'body' },
  ],
])('an interceptor that changes %s ends the batch with an error that says so', async (_, change, fields) => {
  const kit = await batchKit({
    options: { maxMessageSizeBytes: 1_000 },
    plugins: [
      {
        plugin: 'meddler',
        before: 'check',
        create: () => (context: CreatedContext, next: SendHandler<CreatedContext>) =>
          next(context.with(change(context))),
      },
    ],
  });
  const error = await rejection(kit.producer.sendBatch(messages(2)));
  expect(error).toMatchObject({ code: 'RMQ_BATCH_INCOMPLETE', sent: 'no' });
  expect(error.cause).toMatchObject(fields);
  expect(kit.requests).toEqual([]);
});

test('a single send cannot become a batch on its way', async () => {
  const kit = await batchKit({
    plugins: [
      {
        plugin: 'meddler',
        before: 'check',
        create: () => (context: CreatedContext, next: SendHandler<CreatedContext>) =>
          next(context.with({ batch: messages(2) })),
      },
    ],
  });
  expect(await rejection(kit.producer.send(messages(1)[0]!))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE' });
});
