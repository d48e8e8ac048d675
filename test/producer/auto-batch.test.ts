import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { decodeBatchBody } from '../../core/message/batch-body.js';
import { decodeProperties } from '../../core/message/properties.js';
import type { AutoBatchOptions, ProducerOptions } from '../../core/producer/options.js';
import type { RawMessage, SendOptions } from '../../core/producer/producer.js';
import { resolveProducerOptions } from '../../core/producer/resolve-options.js';
import { nextTurn } from '../kit/wait-for.js';
import { answerNothing, type KitOptions, pipelineKit, rejection, type SeenRequest } from '../pipeline/pipeline-kit.js';

function batchKit(autoBatch: boolean | AutoBatchOptions = true, kit: KitOptions = {}) {
  let offset = 0;
  const script = (request: SeenRequest) =>
    queueMicrotask(() => {
      const count = bodiesOf(request).length;
      const ids = Array.from({ length: count }, (_, index) => `ID${offset + index}`);
      request.answer(0, { msgId: ids.join(','), queueOffset: String(offset) });
      offset += count;
    });
  return pipelineKit({ script, ...kit, options: { autoBatch, ...kit.options } });
}

const message = (body: string, change: Partial<RawMessage> = {}): RawMessage => ({ topic: 'orders', body, ...change });

const bodiesOf = (request: SeenRequest): string[] =>
  request.code === 320 ? decodeBatchBody(request.body).map(({ body }) => body.toString()) : [request.body.toString()];

test('messages that are sent within the linger time go together, each with its own result', async () => {
  const kit = await batchKit();
  const sending = [0, 1, 2].map((n) => kit.producer.send(message(String(n))));
  await kit.clock.advance(9);
  expect(kit.requests).toEqual([]);
  await kit.clock.advance(1);
  const results = await Promise.all(sending);
  expect(kit.requests.map(bodiesOf)).toEqual([['0', '1', '2']]);
  expect(kit.requests).toMatchObject([{ code: 320, ext: { m: true } }]);
  expect(results.map(({ offsetMsgId, queueOffset }) => [offsetMsgId, queueOffset])).toEqual([
    ['ID0', 0],
    ['ID1', 1],
    ['ID2', 2],
  ]);
  const ids = decodeBatchBody(kit.requests[0]!.body).map((item) => decodeProperties(item.properties).UNIQ_KEY);
  expect(results.map(({ msgId }) => msgId)).toEqual(ids);
});

test('a message that nobody joined goes as a plain one, after the linger time', async () => {
  const kit = await batchKit({ lingerMs: 50 });
  const sending = kit.producer.send(message('alone'));
  await kit.clock.advance(50);
  const { msgId } = await sending;
  expect(kit.requests).toMatchObject([{ code: 310, ext: { m: false } }]);
  expect(kit.requests[0]!.ext.i).toContain(msgId);
  expect(kit.requests[0]!.timeoutMs).toBe(2_950);
});

test('what fits no more begins the next batch, and the full one goes at once', async () => {
  const kit = await batchKit({ sizeBytesMax: 1_000 });
  const sending = Array.from({ length: 7 }, (_, n) => kit.producer.send(message(String(n).padEnd(250, '.'))));
  expect(kit.requests.map(({ body }) => body.length <= 1_000)).toEqual([true, true]);
  await kit.clock.advance(10);
  await Promise.all(sending);
  expect(kit.requests.map((request) => bodiesOf(request).map(Number.parseFloat))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
});

test('a batch that is full to the byte does not wait', async () => {
  const first = await batchKit();
  await Promise.all([first.producer.send(message('a')), first.producer.send(message('b')), first.clock.advance(10)]);
  const sizeBytesMax = first.requests[0]!.body.length;
  const kit = await batchKit({ sizeBytesMax });
  await Promise.all([kit.producer.send(message('a')), kit.producer.send(message('b'))]);
  expect(kit.requests.map(({ code }) => code)).toEqual([320]);
});

test.each<[string, RawMessage, RawMessage, SendOptions?]>([
  ['topics', message('a'), message('b', { topic: 'other' })],
  ['tags', message('a', { tag: 'A' }), message('b', { tag: 'B' })],
  ['a tag and none', message('a', { tag: 'A' }), message('b')],
  ['waitStored', message('a'), message('b', { waitStored: false })],
  ['sharding keys', message('a', { shardingKey: 'x' }), message('b', { shardingKey: 'y' })],
  ['limits of an attempt', message('a'), message('b'), { attemptTimeoutMs: 100 }],
])('messages with different %s do not go together', async (_, one, other, options) => {
  const kit = await batchKit();
  const sending = [kit.producer.send(one), kit.producer.send(one), kit.producer.send(other, options)];
  await kit.clock.advance(10);
  await Promise.all(sending);
  expect(kit.requests.map(bodiesOf)).toEqual([['a', 'a'], ['b']]);
});

test('messages for one queue go together there', async () => {
  const kit = await batchKit();
  const [, second, third] = kit.publishInfo('orders').queues;
  const sending = [second, second, third].map((queue) => kit.producer.send(message('x'), { queue: queue! }));
  await kit.clock.advance(10);
  const results = await Promise.all(sending);
  expect(results.map(({ queue }) => queue)).toEqual([second, second, third]);
  expect(kit.requests.map(({ code }) => code)).toEqual([320, 310]);
});

test.each<[string, RawMessage, SendOptions?]>([
  ['delayed', message('x', { delayLevel: 3 })],
  ['for a retry topic', message('x', { topic: '%RETRY%g' })],
  ['half of a transaction', message('x', { systemProperties: { TRAN_MSG: 'true', PGROUP: 'g' } })],
  ['of a producer group', message('x', { systemProperties: { PGROUP: 'g' } })],
  ['for a queue that a selector chooses', message('x'), { selector: ([queue]) => queue! }],
  ['as large as a batch', message('x'.repeat(32_768))],
])('a message that is %s goes by itself, at once', async (_, one, options) => {
  const kit = await batchKit();
  await kit.producer.send(one, options);
  expect(kit.requests.map(({ code }) => code)).toEqual([310]);
});

test('oneway sends and pipeline.run go by themselves', async () => {
  const kit = await batchKit();
  await kit.producer.sendOneway(message('x'));
  const types: string[] = [];
  await new Promise<void>((resolve) => {
    kit.producer.pipeline.run(message('y')).subscribe({ next: ({ type }) => types.push(type), complete: resolve });
  });
  expect(types.at(-1)).toBe('done');
  expect(kit.requests.map(({ code }) => code)).toEqual([310, 310]);
});

test('sends of a stream are gathered', async () => {
  const kit = await batchKit();
  const bodies: unknown[] = [];
  const reading = (async () => {
    for await (const report of kit.producer.sendAll(['a', 'b', 'c'].map((body) => message(body)))) {
      bodies.push(report.message.body, report.result?.queueOffset);
    }
  })();
  await nextTurn();
  await kit.clock.advance(10);
  await reading;
  expect(kit.requests.map(bodiesOf)).toEqual([['a', 'b', 'c']]);
  expect(bodies).toEqual(['a', 0, 'b', 1, 'c', 2]);
});

test('while too many bytes wait, messages go by themselves', async () => {
  const kit = await batchKit({ totalBytesMax: 1_000 });
  const sending = Array.from({ length: 4 }, (_, n) => kit.producer.send(message(String(n).padEnd(300, '.'))));
  await nextTurn();
  expect(kit.requests.map((request) => bodiesOf(request).map(Number.parseFloat))).toEqual([[2], [3]]);
  await kit.clock.advance(10);
  await Promise.all(sending);
  expect(kit.requests.map(({ code }) => code)).toEqual([310, 310, 320]);
  // What was sent waits no longer: there is room again.
  const later = [kit.producer.send(message('a')), kit.producer.send(message('b'))];
  await kit.clock.advance(10);
  await Promise.all(later);
  expect(bodiesOf(kit.requests[3]!)).toEqual(['a', 'b']);
});

test('an illegal message fails at once and harms nobody', async () => {
  const kit = await batchKit();
  const fine = kit.producer.send(message('fine'));
  expect(await rejection(kit.producer.send(message('')))).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'body' });
  await kit.clock.advance(10);
  expect(await fine).toMatchObject({ status: 'SEND_OK' });
});

test('a producer that does not run takes nothing', async () => {
  const kit = await batchKit(true, { start: false });
  expect(await rejection(kit.producer.send(message('x')))).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});

test('a message that is cancelled while it waits is left out', async () => {
  const kit = await batchKit();
  const controller = new AbortController();
  const sending = [
    kit.producer.send(message('a')),
    rejection(kit.producer.send(message('b'), { signal: controller.signal })),
    kit.producer.send(message('c')),
  ];
  controller.abort();
  expect(await sending[1]).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  await kit.clock.advance(10);
  expect(await sending[2]).toMatchObject({ queueOffset: 1 });
  expect(kit.requests.map(bodiesOf)).toEqual([['a', 'c']]);
});

test('a batch that everybody left is not sent, and nothing waits for it', async () => {
  const kit = await batchKit();
  const subscription = kit.producer.send$(message('a')).subscribe();
  subscription.unsubscribe();
  const aborted = rejection(kit.producer.send(message('b'), { signal: AbortSignal.abort() }));
  expect(await aborted).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  await kit.clock.advance(100);
  expect(kit.requests).toEqual([]);
  expect(kit.deadlines.size).toBe(0);
  await kit.producer.close();
});

test('a message that is cancelled on its way may be stored; the others go on', async () => {
  const kit = await batchKit(true, { script: answerNothing });
  const controller = new AbortController();
  const cancelled = rejection(kit.producer.send(message('a'), { signal: controller.signal }));
  const other = kit.producer.send(message('b'));
  await kit.clock.advance(10);
  controller.abort();
  expect(await cancelled).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe' });
  expect(kit.requests[0]!.cancelled).toBe(false);
  kit.requests[0]!.answer(0, { msgId: 'A,B', queueOffset: '4' });
  expect(await other).toMatchObject({ offsetMsgId: 'B', queueOffset: 5 });
});

test('when all are cancelled on their way, so is the request', async () => {
  const kit = await batchKit(true, { script: answerNothing });
  const controller = new AbortController();
  const { signal } = controller;
  const sending = ['a', 'b'].map((body) => rejection(kit.producer.send(message(body), { signal })));
  await kit.clock.advance(10);
  controller.abort();
  expect((await Promise.all(sending)).map(({ code }) => code)).toEqual(['RMQ_SEND_ABORTED', 'RMQ_SEND_ABORTED']);
  expect(kit.requests[0]!.cancelled).toBe(true);
});

test('each message has its own deadline, waiting or on its way', async () => {
  const kit = await batchKit({ lingerMs: 50 }, { script: answerNothing });
  const waiting = rejection(kit.producer.send(message('a'), { timeoutMs: 20 }));
  const short = rejection(kit.producer.send(message('b'), { timeoutMs: 500 }));
  const long = rejection(kit.producer.send(message('c'), { timeoutMs: 1_000 }));
  await kit.clock.advance(20);
  expect(await waiting).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', timeoutMs: 20, stage: 'autoBatch', sent: 'no' });
  await kit.clock.advance(480);
  expect(await short).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', timeoutMs: 500, stage: 'send', sent: 'maybe' });
  expect(kit.faults).toEqual([]);
  expect(kit.requests[0]!.cancelled).toBe(false);
  await kit.clock.advance(500);
  expect(await long).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', timeoutMs: 1_000, stage: 'send', sent: 'maybe' });
  // The broker is blamed once, for the batch.
  expect(kit.faults).toMatchObject([{ failure: 'timeout' }]);
  expect(bodiesOf(kit.requests[0]!)).toEqual(['b', 'c']);
});

test('when a batch fails every message of it fails with what happened', async () => {
  const kit = await batchKit(true, { script: (request) => queueMicrotask(() => request.answer(13, {}, 'too many')) });
  const sending = ['a', 'b'].map((body) => rejection(kit.producer.send(message(body))));
  await kit.clock.advance(10);
  const errors = await Promise.all(sending);
  expect(errors).toMatchObject([
    { code: 'RMQ_BROKER_ERROR', responseCode: 13 },
    { code: 'RMQ_BROKER_ERROR', responseCode: 13 },
  ]);
});

test('a batch is tried again on another broker', async () => {
  let attempts = 0;
  const kit = await batchKit(true, {
    script: (request) =>
      queueMicrotask(() => {
        if (attempts++ === 0) request.fail('RMQ_CONNECT_FAILED');
        else request.answer(0, { msgId: 'A,B' });
      }),
  });
  const sending = ['a', 'b'].map((body) => kit.producer.send(message(body)));
  await kit.clock.advance(10);
  expect((await Promise.all(sending)).map(({ offsetMsgId, attempts: made }) => [offsetMsgId, made])).toEqual([
    ['A', 2],
    ['B', 2],
  ]);
});

test('closing sends what waits, at once', async () => {
  const kit = await batchKit({ lingerMs: 60_000 });
  const sending = ['a', 'b'].map((body) => kit.producer.send(message(body)));
  await kit.producer.close();
  expect((await Promise.all(sending)).map(({ queueOffset }) => queueOffset)).toEqual([0, 1]);
  expect(kit.requests.map(bodiesOf)).toEqual([['a', 'b']]);
});

test('interceptors see one send for each batch', async () => {
  const seen: unknown[] = [];
  const kit = await batchKit(true, {
    settledListeners: [{ plugin: 'watcher', listener: ({ batch }) => seen.push(batch) }],
  });
  const all = ['a', 'b'].map((body) => message(body));
  const sending = all.map((one) => kit.producer.send(one));
  await kit.clock.advance(10);
  await Promise.all(sending);
  expect(seen).toEqual([all]);
});

test('no listener stays on a signal that many sends share', async () => {
  const kit = await batchKit();
  const controller = new AbortController();
  const { signal } = controller;
  const sending = ['a', 'b', 'c'].map((body) => kit.producer.send(message(body), { signal }));
  await kit.clock.advance(10);
  await Promise.all(sending);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('the option is off by default, and true takes the defaults', () => {
  const resolve = (options: Partial<ProducerOptions>) => resolveProducerOptions({ group: 'g', ...options }).autoBatch;
  expect(resolve({})).toBeUndefined();
  expect(resolve({ autoBatch: false })).toBeUndefined();
  const defaults = { lingerMs: 10, sizeBytesMax: 32_768, totalBytesMax: 33_554_432 };
  expect(resolve({ autoBatch: true })).toEqual(defaults);
  expect(resolve({ autoBatch: { lingerMs: 2 } })).toEqual({ ...defaults, lingerMs: 2 });
  expect(resolve({ autoBatch: true, maxMessageSizeBytes: 1_000 })).toEqual({ ...defaults, sizeBytesMax: 1_000 });
});

test.each<[string, unknown]>([
  ['autoBatch', 'yes'],
  ['autoBatch', null],
  ['autoBatch.lingerMs', { lingerMs: 0 }],
  ['autoBatch.sizeBytesMax', { sizeBytesMax: 4_194_305 }],
  ['autoBatch.totalBytesMax', { totalBytesMax: -1 }],
  ['autoBatch.delayMs', { delayMs: 1 }],
])('a wrong option is refused by its name %s', (option, autoBatch) => {
  const options = { group: 'g', autoBatch } as ProducerOptions;
  expect(() => resolveProducerOptions(options)).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }),
  );
});
