import * as v from 'valibot';
import { expect, test } from 'vitest';
import { json } from '../../core/message/json-codec.js';
import { isTypedTopic, topic } from '../../core/message/typed-topic.js';
import { hello, pipelineKit, rejection } from '../pipeline/pipeline-kit.js';

interface Order {
  readonly id: string;
}

test('a value of a typed topic is sent as JSON and read back', async () => {
  const orders = topic('orders', json<Order>());
  const { producer, requests } = await pipelineKit();
  await producer.send({ topic: orders, value: { id: 'ä1' }, tag: 'created' });
  expect(requests[0]?.body.toString('utf8')).toBe('{"id":"ä1"}');
  expect(requests[0]?.ext.b).toBe('orders');
  expect(await orders.decode(requests[0]!.body)).toEqual({ id: 'ä1' });
});

test('typed topics go through every face', async () => {
  const orders = topic('orders', json<Order>());
  const { producer, requests } = await pipelineKit();
  await producer.sendOneway({ topic: orders, value: { id: '1' } });
  for await (const report of producer.sendAll([{ topic: orders, value: { id: '2' } }, hello])) {
    expect(report.error).toBeUndefined();
  }
  expect(requests.map((request) => request.body.toString())).toEqual(['{"id":"1"}', '{"id":"2"}', 'hello']);
});

test('a schema validates on the way in and on the way out, and its issues are listed', async () => {
  const orders = topic('orders', v.object({ id: v.pipe(v.string(), v.minLength(2)), count: v.number() }));
  const { producer, requests } = await pipelineKit();
  const error = await rejection(producer.send({ topic: orders, value: { id: 'x', count: 1 } }));
  expect(error).toMatchObject({ code: 'RMQ_VALUE_INVALID', topic: 'orders', issues: [{ path: ['id'] }] });
  expect(requests).toEqual([]);
  expect(() => orders.decode(Buffer.from('{"id":"long enough"}'))).toThrow(
    expect.objectContaining({ code: 'RMQ_VALUE_INVALID' }),
  );
  expect(orders.decode(Buffer.from('{"id":"ab","count":2}'))).toEqual({ id: 'ab', count: 2 });
});

test('a schema that transforms sends what was given and delivers what it makes of it', async () => {
  const events = topic(
    'events',
    v.object({
      at: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
    }),
  );
  const { producer, requests } = await pipelineKit();
  await producer.send({ topic: events, value: { at: '2026-01-01T00:00:00.000Z' } });
  expect(requests[0]?.body.toString()).toBe('{"at":"2026-01-01T00:00:00.000Z"}');
  const received = await events.decode(requests[0]!.body);
  expect(received.at).toEqual(new Date('2026-01-01T00:00:00.000Z'));
});

test('an asynchronous schema works, and its refusal is the send’s', async () => {
  const orders = topic(
    'orders',
    v.objectAsync({
      id: v.pipeAsync(
        v.string(),
        v.checkAsync(async (id) => id !== 'taken', 'taken'),
      ),
    }),
  );
  const { producer, requests } = await pipelineKit();
  await producer.send({ topic: orders, value: { id: 'free' } });
  expect(requests).toHaveLength(1);
  expect(await rejection(producer.send({ topic: orders, value: { id: 'taken' } }))).toMatchObject({
    code: 'RMQ_VALUE_INVALID',
    issues: [{ message: 'taken' }],
  });
  const controller = new AbortController();
  controller.abort();
  const cancelled = producer.send({ topic: orders, value: { id: 'late' } }, { signal: controller.signal });
  expect(await rejection(cancelled)).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
});

test('what JSON cannot hold and what is no JSON are refused with the reason', async () => {
  const anything = topic('orders', json<unknown>());
  const { producer } = await pipelineKit();
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const value of [undefined, () => 1, 10n, cycle]) {
    expect(await rejection(producer.send({ topic: anything, value }))).toMatchObject({ code: 'RMQ_VALUE_INVALID' });
  }
  expect(() => anything.decode(Buffer.from('{'))).toThrow(expect.objectContaining({ code: 'RMQ_VALUE_INVALID' }));
});

test('a body in place of the value, or beside it, is refused', async () => {
  const { producer } = await pipelineKit();
  const orders = topic('orders', json<unknown>());
  for (const message of [{ body: 'order 42' }, { body: 'order 42', value: { id: '42' } }]) {
    const sending = producer.send({ topic: orders, ...message } as unknown as { topic: typeof orders; value: unknown });
    expect(await rejection(sending)).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'body', topic: 'orders' });
  }
});

test('a codec of one’s own may fail or write something else than bytes', async () => {
  const { producer } = await pipelineKit();
  const broken = topic<string>('orders', {
    encode: () => {
      throw new Error('disk');
    },
    decode: String,
  });
  const error = await rejection(producer.send({ topic: broken, value: 'x' }));
  expect(error).toMatchObject({ code: 'RMQ_VALUE_INVALID', cause: { message: 'disk' } });
  const text = topic<string>('orders', { encode: (value) => value as unknown as Uint8Array, decode: String });
  expect(await rejection(producer.send({ topic: text, value: 'x' }))).toMatchObject({ code: 'RMQ_VALUE_INVALID' });
});

test('topic() refuses what is no name and no codec', () => {
  expect(() => topic('', json())).toThrow(expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'topic' }));
  expect(() => topic('orders', {} as never)).toThrow(expect.objectContaining({ option: 'codec' }));
  expect(isTypedTopic(topic('orders', json()))).toBe(true);
  expect([null, 'orders', { name: 'orders' }].some(isTypedTopic)).toBe(false);
});

test('the time that a codec takes is not put down to the broker', async () => {
  const kit = await pipelineKit();
  const slow = topic('orders', {
    encode: (value: string) =>
      new Promise<Uint8Array>((resolve) => {
        kit.clock.setTimer(80, () => resolve(Buffer.from(value)));
      }),
    decode: (body) => Buffer.from(body).toString(),
  });
  const sending = kit.producer.send({ topic: slow, value: 'late' });
  await kit.clock.advance(80);
  await sending;
  expect(kit.faults).toEqual([{ broker: 'broker-a', elapsedMs: 0, failure: undefined }]);
});
