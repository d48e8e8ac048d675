import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { decodeProperties } from '../../core/message/properties.js';
import type { RawMessage } from '../../core/producer/producer.js';
import { answerNothing, hello, pipelineKit, rejection } from './pipeline-kit.js';

test('a send resolves to what the broker answered', async () => {
  const { producer, requests } = await pipelineKit();
  const result = await producer.send({ ...hello, tag: 'created', keys: ['1', '2'], properties: { colour: 'red' } });
  expect(result).toEqual({
    status: 'SEND_OK',
    msgId: expect.stringMatching(/^[0-9A-F]{32,56}$/),
    offsetMsgId: '0A0000010000277D0000000000000040',
    queue: { topic: 'orders', brokerName: 'broker-a', queueId: 0 },
    queueOffset: 7,
    transactionId: undefined,
    regionId: 'DefaultRegion',
    traceOn: true,
    recallHandle: undefined,
    attempts: 1,
  });
  const [request] = requests;
  expect(request?.code).toBe(310);
  expect(request?.body.toString()).toBe('hello');
  const { i, ...header } = request!.ext;
  expect(header).toEqual({
    a: 'test-group',
    b: 'orders',
    c: 'TBW102',
    d: 4,
    e: 0,
    f: 0,
    g: Date.UTC(2026, 0, 1),
    h: 0,
    j: 0,
    k: false,
    m: false,
    n: 'broker-a',
  });
  expect({ ...decodeProperties(i as string) }).toEqual({
    UNIQ_KEY: result.msgId,
    WAIT: 'true',
    TAGS: 'created',
    KEYS: '1 2',
    colour: 'red',
  });
});

test('queues are taken in turn from a random start, and sends of one producer share the turn', async () => {
  const { producer, requests } = await pipelineKit({ random: () => 0.5 });
  await Promise.all(Array.from({ length: 5 }, () => producer.send(hello)));
  expect(requests.map((request) => `${request.ext.n}/${request.ext.e}`)).toEqual([
    'broker-b/0',
    'broker-b/1',
    'broker-a/0',
    'broker-a/1',
    'broker-b/0',
  ]);
});

test('a body from the threshold on is compressed with zlib and marked so; a smaller one goes as it is', async () => {
  const { producer, requests } = await pipelineKit();
  const body = Buffer.alloc(4_096, 'x');
  await producer.send({ topic: 'orders', body });
  await producer.send({ topic: 'orders', body: body.subarray(1) });
  expect(requests[0]?.ext.f).toBe(0x301);
  expect(inflateSync(requests[0]!.body)).toEqual(body);
  expect(requests[1]?.ext.f).toBe(0);
  expect(requests[1]?.body).toEqual(body.subarray(1));
});

test('a large body is compressed away from the event loop', async () => {
  const { producer, requests } = await pipelineKit();
  const body = Buffer.alloc(100_000, 'y');
  const sending = producer.send({ topic: 'orders', body });
  expect(requests).toHaveLength(0);
  await sending;
  expect(inflateSync(requests[0]!.body)).toEqual(body);
});

test('the body is compressed once per message and not per attempt', async () => {
  const kit = await pipelineKit({
    script: (request) => queueMicrotask(() => request.answer(request.ext.n === 'broker-a' ? 14 : 0)),
  });
  const result = await kit.producer.send({ topic: 'orders', body: Buffer.alloc(5_000, 'z') });
  expect(result.attempts).toBe(2);
  expect(kit.requests.map((request) => request.ext.n)).toEqual(['broker-a', 'broker-b']);
  expect(kit.requests[0]!.body.equals(kit.requests[1]!.body)).toBe(true);
});

test('concurrent misses wait for the route and then go', async () => {
  const kit = await pipelineKit({ slowTopics: ['orders'] });
  const sends = [kit.producer.send(hello), kit.producer.send(hello)];
  expect(kit.routeLoads).toHaveLength(1);
  kit.routeLoads[0]!.done();
  const results = await Promise.all(sends);
  expect(results.map((result) => result.status)).toEqual(['SEND_OK', 'SEND_OK']);
});

test('a route that cannot be found fails the send with the name server’s own error, and touches no broker', async () => {
  const kit = await pipelineKit({ slowTopics: ['orders'] });
  const sending = rejection(kit.producer.send(hello));
  const cause = rocketMQError('RMQ_ROUTE_NOT_FOUND', 'unknown topic', { topic: 'orders' });
  kit.routeLoads[0]!.done(cause);
  expect(await sending).toBe(cause);
  expect(kit.faults).toEqual([]);
});

test('names are written on the wire as ResourceNames says, and shown as the application writes them', async () => {
  const names = {
    topicToWire: (topic: string) => `ns%${topic}`,
    topicFromWire: (topic: string) => topic.slice(3),
    groupToWire: (group: string) => `ns%${group}`,
    groupFromWire: (group: string) => group.slice(3),
  };
  const { producer, requests, membership } = await pipelineKit({ names });
  const result = await producer.send(hello);
  expect(requests[0]?.ext).toMatchObject({ a: 'ns%test-group', b: 'ns%orders' });
  expect(result.queue).toEqual({ topic: 'orders', brokerName: 'broker-a', queueId: 0 });
  expect(await producer.fetchPublishMessageQueues('orders')).toHaveLength(4);
  expect(membership.joined).toEqual(['ns%test-group']);
});

test('a broker without an address is looked up once more before the request', async () => {
  const kit = await pipelineKit({ brokers: ['broker-a'] });
  kit.withoutAddress.add('broker-a');
  const sending = kit.producer.send(hello);
  expect(kit.addressLoads[0]?.broker).toBe('broker-a');
  kit.addressLoads[0]!.done('10.1.1.1:10911');
  await sending;
  expect(kit.requests[0]?.address).toBe('10.1.1.1:10911');
});

test('a broker that stays unknown is a failed attempt, and another broker is tried', async () => {
  const kit = await pipelineKit();
  kit.withoutAddress.add('broker-a');
  const sending = kit.producer.send(hello);
  kit.addressLoads[0]!.done(rocketMQError('RMQ_BROKER_NOT_FOUND', 'broker not exist', { broker: 'broker-a' }));
  expect((await sending).queue.brokerName).toBe('broker-b');
  expect(kit.faults.map(({ broker, failure }) => [broker, failure])).toEqual([
    ['broker-a', 'unreachable'],
    ['broker-b', undefined],
  ]);
});

test('a oneway send resolves when its bytes are with the socket, in one attempt and without a latency', async () => {
  const kit = await pipelineKit({ script: (request) => queueMicrotask(() => request.answer()) });
  expect(await kit.producer.sendOneway(hello)).toBeUndefined();
  expect(kit.requests[0]?.oneway).toBe(true);
  expect(kit.faults).toEqual([]);
});

test('a oneway send that cannot be handed over is recorded and not tried again', async () => {
  const kit = await pipelineKit({ script: (request) => queueMicrotask(() => request.fail('RMQ_CONNECT_FAILED')) });
  const error = await rejection(kit.producer.sendOneway(hello));
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED', attempts: [{ attempt: 1, broker: 'broker-a' }], sent: 'no' });
  expect(kit.requests).toHaveLength(1);
  expect(kit.faults).toMatchObject([{ broker: 'broker-a', failure: 'unreachable' }]);
});

test('the caller’s message is never changed', async () => {
  const { producer } = await pipelineKit();
  const message = Object.freeze({
    ...hello,
    properties: Object.freeze({ a: '1' }),
    keys: Object.freeze(['k']) as readonly string[],
  });
  await producer.send(message);
  expect(message).toEqual({ ...hello, properties: { a: '1' }, keys: ['k'] });
});

test('nothing is sent of a message that breaks a rule', async () => {
  const { producer, requests } = await pipelineKit({ options: { maxMessageSizeBytes: 10 } });
  const illegal: RawMessage[] = [
    { topic: 'bad topic', body: 'x' },
    { topic: 'orders', body: '' },
    { topic: 'orders', body: 'x'.repeat(11) },
    { topic: 'orders', body: 'x', properties: { KEYS: 'reserved' } },
    { topic: 'orders', body: 'x', properties: { a: '\u0001' } },
    { topic: 'orders', body: 12 as unknown as string },
    undefined as unknown as RawMessage,
  ];
  for (const message of illegal) {
    expect(await rejection(producer.send(message))).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL' });
  }
  expect(requests).toHaveLength(0);
});

test('an answer that cannot be read fails the send and says that the message may be stored', async () => {
  const kit = await pipelineKit({
    script: (request) => queueMicrotask(() => request.answer(0, { queueOffset: 'garbage' })),
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_BODY_INVALID' });
});

test('a send that ended leaves nothing in the deadline heap and nothing in flight', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const sending = kit.producer.send(hello);
  expect(kit.deadlines.size).toBe(1);
  kit.requests[0]!.answer();
  await sending;
  expect(kit.deadlines.size).toBe(0);
});
