/** The compiler holds values to their topics, in the sends of many messages as in that of one. */
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, expectTypeOf, test } from 'vitest';
import { json } from '../../core/message/json-codec.js';
import { topic } from '../../core/message/typed-topic.js';
import type { AnyMessage, Producer, SendReport, TypedMessage } from '../../core/producer/producer.js';
import { pipelineKit } from '../pipeline/pipeline-kit.js';

interface Order {
  readonly id: number;
}
const orders = topic('orders', json<Order>());
const names = topic('names', json<string>());
const lengths = topic<number, string>('lengths', {
  encode: (text) => Buffer.from(text),
  decode: (body) => body.length,
});

/** Everything that compiles is sent too, so that the types and what runs agree. */
async function setup(): Promise<Producer> {
  return (await pipelineKit()).producer;
}

async function ended<M>(reports: AsyncIterable<SendReport<M>>): Promise<number> {
  let count = 0;
  for await (const { error } of reports) if (error === undefined) count++;
  return count;
}

test('sendAll takes values of their topics', async () => {
  const producer = await setup();
  const order = { topic: orders, value: { id: 1 } };
  expect(await ended(producer.sendAll([order, order]))).toBe(2);
  expect(await ended(producer.sendAll([order, { topic: names, value: 'ada' }, { topic: 'raw', body: 'x' }]))).toBe(3);
  expect(await ended(producer.sendAll(new Set([{ topic: lengths, value: 'written as text' }])))).toBe(1);
  const wide: AnyMessage[] = [{ topic: 'raw', body: 'x' }];
  expect(await ended(producer.sendAll(wide))).toBe(1);
  const typed: TypedMessage<Order>[] = [{ topic: orders, value: { id: 2 }, tag: 'created', keys: ['k'] }];
  expect(await ended(producer.sendAll(typed))).toBe(1);
  for await (const { message } of producer.sendAll([order])) expectTypeOf(message.value.id).toEqualTypeOf<number>();

  // @ts-expect-error an order is no number
  producer.sendAll([{ topic: orders, value: 42 }]);
  // @ts-expect-error one of them is of another topic's type
  producer.sendAll([order, { topic: orders, value: 'ada' }, { topic: names, value: 'ada' }]);
  // @ts-expect-error it is received as a number and sent as text
  producer.sendAll([{ topic: lengths, value: 7 }]);
  // @ts-expect-error a typed topic needs its value
  producer.sendAll([{ topic: orders, body: 'x' }]);
});

test('sendBatch takes values of their topic', async () => {
  const producer = await setup();
  const values = [{ id: 1 }, { id: 2 }].map((value) => ({ topic: orders, value }));
  expect((await producer.sendBatch(values)).length).toBe(2);
  const raw = ['a', 'b'].map((body) => ({ topic: 'raw', body }));
  expect((await producer.sendBatch(raw)).length).toBe(2);
  const refused = () => {
    // @ts-expect-error an order is no text
    producer.sendBatch(['a'].map((value) => ({ topic: orders, value })));
    // @ts-expect-error an order has an id
    producer.sendBatch([{ topic: orders, value: {} }]);
  };
  expectTypeOf(refused).toBeFunction();
});

test('the operator takes values of their topics', async () => {
  const producer = await setup();
  const stream = from([1, 2].map((id) => ({ topic: orders, value: { id } })));
  const reports = await lastValueFrom(stream.pipe(producer.pipeline.operator(), toArray()));
  expect(reports.map(({ result }) => result?.status)).toEqual(['SEND_OK', 'SEND_OK']);
  expectTypeOf(reports[0]!.message.value).toEqualTypeOf<{ id: number }>();
  const raw = from([
    { topic: 'raw', body: 'a' },
    { topic: names, value: 'ada' },
  ] as const);
  const mixed = await lastValueFrom(raw.pipe(producer.pipeline.operator({ concurrency: 1 }), toArray()));
  expect(mixed.map(({ error }) => error)).toEqual([undefined, undefined]);
  const refused = () => {
    // @ts-expect-error an order is no number
    from([{ topic: orders, value: 42 }]).pipe(producer.pipeline.operator({ concurrency: 2 }));
  };
  expectTypeOf(refused).toBeFunction();
});

test('a request takes the value of its topic, and its reply has the type that it is read as', async () => {
  const producer = await setup();
  const refused = () => {
    // @ts-expect-error an order is no number
    producer.request({ topic: orders, value: 42 });
  };
  const typed = () => producer.request({ topic: orders, value: { id: 1 } }, { replyAs: json<{ cents: number }>() });
  expectTypeOf(refused).toBeFunction();
  expectTypeOf<Awaited<ReturnType<typeof typed>>['value']>().toEqualTypeOf<{ cents: number }>();
  const plain = () => producer.request({ topic: 'raw', body: 'x' });
  expectTypeOf<Awaited<ReturnType<typeof plain>>['value']>().toEqualTypeOf<undefined>();
});
