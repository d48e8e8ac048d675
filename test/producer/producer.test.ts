import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import type { ProducerOptions } from '../../core/producer/options.js';
import { resolveProducerOptions } from '../../core/producer/resolve-options.js';
import { answerNothing, hello, pipelineKit, rejection } from '../pipeline/pipeline-kit.js';

test('options left out get their defaults', () => {
  expect(resolveProducerOptions({ group: 'g' })).toEqual({
    pipeline: {
      group: 'g',
      timeoutMs: 3_000,
      retries: 2,
      attemptTimeoutMs: undefined,
      compressThresholdBytes: 4_096,
      compression: undefined,
      compressLevel: 5,
      maxMessageSizeBytes: 4_194_304,
      createTopicKey: 'TBW102',
      defaultTopicQueueNums: 4,
      retryResponseCodes: new Set([1, 2, 14, 16, 17, 204, 205, 215, 1500]),
      notStored: 'return',
      latencyFault: undefined,
      unitMode: false,
    },
    messagesMax: 10_000,
    bytesMax: 104_857_600,
  });
});

test.each([
  ['group', { group: '' }],
  ['group', { group: 'DEFAULT_PRODUCER' }],
  ['group', { group: 'white space' }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['retries', { retries: -1 }],
  ['attemptTimeoutMs', { attemptTimeoutMs: -5 }],
  ['compressThresholdBytes', { compressThresholdBytes: 1.5 }],
  ['compression', { compression: 'gzip' as 'zlib' }],
  ['compressLevel', { compressLevel: 10 }],
  ['maxMessageSizeBytes', { maxMessageSizeBytes: '4M' as unknown as number }],
  ['createTopicKey', { createTopicKey: 'bad topic' }],
  ['defaultTopicQueueNums', { defaultTopicQueueNums: 0 }],
  ['retryResponseCodes', { retryResponseCodes: ['2'] as unknown as number[] }],
  ['latencyFault.form', { latencyFault: { form: '5' as '5.x' } }],
  ['notStored', { notStored: 'shrug' as 'return' }],
  ['backPressure.messagesMax', { backPressure: { messagesMax: 0 } }],
  ['backPressure.bytesMax', { backPressure: { bytesMax: 0 } }],
  ['backPressure', { backPressure: null as unknown as object }],
  ['backPressure.messages', { backPressure: { messages: 5 } as object }],
  ['retrys', { retrys: 3 } as Partial<ProducerOptions>],
])('the option %s is refused by name', (option, options) => {
  expect(() => resolveProducerOptions({ group: 'g', ...options })).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }),
  );
});

test('a producer joins its group and sends a heartbeat at once; a second start is the same start', async () => {
  const kit = await pipelineKit({ start: false });
  expect(kit.producer.state).toBe('created');
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_NOT_RUNNING', state: 'created' });
  await Promise.all([kit.producer.start(), kit.producer.start()]);
  expect(kit.producer.state).toBe('running');
  expect(kit.membership).toMatchObject({ joined: ['test-group'], heartbeats: 1 });
});

test('a second call after a failed start says so with the first cause', async () => {
  const kit = await pipelineKit({ start: false });
  kit.membership.joined.push('test-group');
  const first = await rejection(kit.producer.start());
  expect(first).toMatchObject({ code: 'RMQ_GROUP_DUPLICATE', group: 'test-group' });
  expect(kit.producer.state).toBe('start failed');
  expect(await rejection(kit.producer.start())).toMatchObject({ code: 'RMQ_NOT_RUNNING', cause: first });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ state: 'start failed', cause: first });
});

test('a closed producer refuses sends and everything else', async () => {
  const kit = await pipelineKit();
  await kit.producer.close();
  await kit.producer.close();
  expect(kit.producer.state).toBe('shut down');
  const notRunning = { code: 'RMQ_NOT_RUNNING', state: 'shut down' };
  expect(await rejection(kit.producer.send(hello))).toMatchObject(notRunning);
  expect(await rejection(kit.producer.sendOneway(hello))).toMatchObject(notRunning);
  expect(await rejection(kit.producer.fetchPublishMessageQueues('orders'))).toMatchObject(notRunning);
  expect(await rejection(kit.producer.start())).toMatchObject(notRunning);
  expect(kit.membership.left).toEqual(['test-group']);
});

test('close ends what is in flight, held back sends included, and takes no more', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { backPressure: { messagesMax: 1 } } });
  const sends = [kit.producer.send(hello), kit.producer.send(hello)];
  let closed = false;
  const closing = kit.producer.close().then(() => {
    closed = true;
  });
  const refused = rejection(kit.producer.send(hello));
  kit.requests[0]!.answer();
  await sends[0];
  expect(closed).toBe(false);
  kit.requests[1]!.answer();
  await sends[1];
  await closing;
  expect(await refused).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});

test.each(['timeoutMs', 'signal'] as const)('close gives up waiting by %s and cancels what is left', async (how) => {
  const kit = await pipelineKit({ script: answerNothing });
  const sending = rejection(kit.producer.send(hello));
  const controller = new AbortController();
  const closing = kit.producer.close(how === 'timeoutMs' ? { timeoutMs: 50 } : { signal: controller.signal });
  if (how === 'timeoutMs') await kit.clock.advance(50);
  else controller.abort();
  await closing;
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe' });
});

test('await using closes', async () => {
  const kit = await pipelineKit();
  {
    await using producer = kit.producer;
    await producer.send(hello);
  }
  expect(kit.producer.state).toBe('shut down');
});

test('fetchPublishMessageQueues gives the queues in order and refuses an illegal topic', async () => {
  const kit = await pipelineKit();
  expect(await kit.producer.fetchPublishMessageQueues('orders')).toEqual(kit.publishInfo('orders').queues);
  expect(await rejection(kit.producer.fetchPublishMessageQueues('a b'))).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL' });
});

test('send options are validated by name, before anything is sent', async () => {
  const { producer, requests } = await pipelineKit();
  const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
  const cases = [
    ['timeoutMs', { timeoutMs: -1 }],
    ['attemptTimeoutMs', { attemptTimeoutMs: 0 }],
    ['queue', { queue, shardingKey: '1' }],
    ['queue', { queue: {} as typeof queue }],
    ['selector', { selector: 'hash' as never }],
    ['shardingKey', { shardingKey: '' }],
  ] as const;
  for (const [option, options] of cases) {
    expect(await rejection(producer.send(hello, options))).toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option });
  }
  expect(requests).toEqual([]);
});

test('a full budget by count holds sends back in order until there is room', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { backPressure: { messagesMax: 2 } } });
  const sends = ['1', '2', '3', '4'].map((body) => kit.producer.send({ topic: 'orders', body }));
  expect(kit.requests.map((request) => request.body.toString())).toEqual(['1', '2']);
  kit.requests[0]!.answer();
  await sends[0];
  expect(kit.requests.map((request) => request.body.toString())).toEqual(['1', '2', '3']);
  for (const index of [1, 2]) kit.requests[index]!.answer();
  await sends[2];
  kit.requests[3]!.answer();
  await Promise.all(sends);
});

test('a full budget by bytes holds back too, and one larger than all of it goes alone', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { backPressure: { bytesMax: 10 } } });
  const bodies = ['123456', '12345', 'x'.repeat(50)];
  const sends = bodies.map((body) => kit.producer.send({ topic: 'orders', body }));
  expect(kit.requests).toHaveLength(1);
  kit.requests[0]!.answer();
  await sends[0];
  expect(kit.requests).toHaveLength(2);
  kit.requests[1]!.answer();
  await sends[1];
  expect(kit.requests).toHaveLength(3);
  kit.requests[2]!.answer();
  await sends[2];
});

test.each([
  ['count', { messagesMax: 1 }],
  ['bytes', { bytesMax: 6 }],
] as const)('a budget by %s that stays full until the deadline is RMQ_BACKPRESSURE', async (limit, backPressure) => {
  const kit = await pipelineKit({ script: answerNothing, options: { backPressure } });
  const first = rejection(kit.producer.send(hello, { timeoutMs: 1_000 }));
  const second = rejection(kit.producer.send(hello, { timeoutMs: 100 }));
  await kit.clock.advance(100);
  expect(await second).toMatchObject({ code: 'RMQ_BACKPRESSURE', limit, topic: 'orders', retryable: true });
  await kit.clock.advance(1_000);
  expect(await first).toMatchObject({ code: 'RMQ_SEND_TIMEOUT' });
  const third = kit.producer.send(hello);
  kit.requests[1]!.answer();
  expect((await third).status).toBe('SEND_OK');
});

test('a send that is cancelled while it is held back gives up its place', async () => {
  const kit = await pipelineKit({ script: answerNothing, options: { backPressure: { messagesMax: 1 } } });
  const first = kit.producer.send(hello);
  const controller = new AbortController();
  const second = rejection(kit.producer.send(hello, { signal: controller.signal }));
  const third = kit.producer.send({ ...hello, body: 'third' });
  controller.abort();
  expect(await second).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  kit.requests[0]!.answer();
  await first;
  expect(kit.requests[1]?.body.toString()).toBe('third');
  kit.requests[1]!.answer();
  await third;
});

test('a plugin’s failure in start order is the caller’s: a cycle fails the making of the producer', async () => {
  const create = () => undefined;
  const making = pipelineKit({
    plugins: [
      { plugin: 'a', before: 'send', order: { before: ['b'] }, create },
      { plugin: 'b', before: 'send', order: { before: ['a'] }, create },
    ],
  });
  expect(await rejection(making)).toMatchObject({ code: 'RMQ_PLUGIN_CONFLICT' });
});

test('name servers that are away are a different error than an unknown topic', async () => {
  const kit = await pipelineKit({ slowTopics: ['orders'] });
  const sending = rejection(kit.producer.send(hello));
  kit.routeLoads[0]!.done(rocketMQError('RMQ_NAME_SERVER_UNREACHABLE', 'away', { failures: [] }));
  expect(await sending).toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE', retryable: true });
});
