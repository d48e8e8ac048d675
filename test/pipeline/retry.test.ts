import { expect, test } from 'vitest';
import { shardOf } from '../../core/pipeline/target-queue.js';
import { answerNothing, hello, pipelineKit, rejection, type SeenRequest } from './pipeline-kit.js';

const soon = (work: () => void): void => queueMicrotask(work);

test.each([
  ['RMQ_CONNECT_FAILED', 'unreachable', 'no'],
  ['RMQ_CONNECTION_LOST', 'unreachable', 'maybe'],
  ['RMQ_REQUEST_TIMEOUT', 'timeout', 'maybe'],
] as const)('%s is tried again on another broker and recorded as %s', async (code, failure, sent) => {
  const kit = await pipelineKit({ script: (request) => soon(() => request.fail(code)) });
  const error = await rejection(kit.producer.send(hello));
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED', topic: 'orders', sent });
  const attempts = error.attempts as { attempt: number; broker: string; error: { code: string } }[];
  expect(attempts.map((attempt) => attempt.attempt)).toEqual([1, 2, 3]);
  expect(attempts.map((attempt) => attempt.broker)).toEqual(['broker-a', 'broker-b', 'broker-a']);
  expect(attempts.every((attempt) => attempt.error.code === code)).toBe(true);
  expect(kit.faults.map((fault) => fault.failure)).toEqual([failure, failure, failure]);
  expect(error.cause).toBe(attempts[2]?.error);
});

test.each([1, 14, 16, 17, 204, 205, 1500])('response code %i is tried again', async (code) => {
  const kit = await pipelineKit({
    script: (request) => soon(() => request.answer(kit.requests.length === 1 ? code : 0)),
  });
  const result = await kit.producer.send(hello);
  expect(result).toMatchObject({ attempts: 2, queue: { brokerName: 'broker-b' } });
  expect(kit.faults.map((fault) => fault.failure)).toEqual(['refused', undefined]);
});

test('a busy broker is left alone for a moment before the next attempt', async () => {
  const kit = await pipelineKit({ script: (request) => soon(() => request.answer(kit.requests.length === 1 ? 2 : 0)) });
  const sending = kit.producer.send(hello);
  await kit.clock.advance(5);
  expect(kit.requests).toHaveLength(1);
  await kit.clock.advance(50);
  expect((await sending).attempts).toBe(2);
});

test.each([
  [2, '[REJECTREQUEST]system busy, start flow control for a while'],
  [215, undefined],
  [1, '[PC_SYNCHRONIZED]broker busy, start flow control for a while'],
  [1, 'create mapped file failed, server is busy or broken.'],
] as const)(
  'code %i with remark %s is busy: another broker, after a pause that chance lengthens',
  async (code, remark) => {
    for (const [chance, pauseMs] of [
      [0, 20],
      [0.5, 30],
      [0.999, 39.98],
    ] as const) {
      const times: number[] = [];
      const kit = await pipelineKit({
        random: () => chance,
        script: (request) => {
          times.push(kit.clock.monotonic());
          soon(() => request.answer(times.length === 1 ? code : 0, {}, remark));
        },
      });
      const sending = kit.producer.send(hello);
      await kit.clock.advance(100);
      expect(await sending).toMatchObject({ attempts: 2 });
      expect(new Set(kit.requests.map((request) => request.address)).size).toBe(2);
      expect(times[1]).toBeCloseTo(pauseMs, 5);
    }
  },
);

test('a system error that says nothing of being busy is tried again at once', async () => {
  const kit = await pipelineKit({
    script: (request) => soon(() => request.answer(kit.requests.length === 1 ? 1 : 0, {}, 'UNKNOWN_ERROR')),
  });
  expect((await kit.producer.send(hello)).attempts).toBe(2);
  expect(kit.clock.monotonic()).toBe(0);
});

test('a response code that is not retryable ends the send with what the broker said', async () => {
  const kit = await pipelineKit({ script: (request) => soon(() => request.answer(13, {}, 'the message is illegal')) });
  const error = await rejection(kit.producer.send(hello));
  expect(error).toMatchObject({
    code: 'RMQ_BROKER_ERROR',
    responseCode: 13,
    remark: 'the message is illegal',
    broker: 'broker-a',
    address: 'broker-a:10911',
    retryable: false,
  });
  expect(kit.requests).toHaveLength(1);
});

test('a user can extend the response codes that are tried again', async () => {
  const kit = await pipelineKit({
    options: { retryResponseCodes: [777] },
    script: (request) => soon(() => request.answer(kit.requests.length === 1 ? 777 : 0)),
  });
  expect((await kit.producer.send(hello)).attempts).toBe(2);
});

test('a final refusal after a failed attempt carries both', async () => {
  const kit = await pipelineKit({
    script: (request) => soon(() => request.answer(kit.requests.length === 1 ? 14 : 13)),
  });
  const error = await rejection(kit.producer.send(hello));
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED', retryable: false });
  expect((error.attempts as { error: { responseCode: number } }[]).map((one) => one.error.responseCode)).toEqual([
    14, 13,
  ]);
});

test('select reads the live route at every attempt', async () => {
  const kit = await pipelineKit({
    script: (request) =>
      soon(() => {
        kit.setQueues('orders', [{ topic: 'orders', brokerName: 'broker-new', queueId: 3 }]);
        request.answer(kit.requests.length === 1 ? 14 : 0);
      }),
  });
  expect((await kit.producer.send(hello)).queue).toEqual({ topic: 'orders', brokerName: 'broker-new', queueId: 3 });
});

test('with one broker only the same broker is tried again', async () => {
  const kit = await pipelineKit({
    brokers: ['broker-a'],
    script: (request) => soon(() => request.answer(kit.requests.length < 3 ? 14 : 0)),
  });
  expect((await kit.producer.send(hello)).attempts).toBe(3);
});

test('a broker that the fault strategy calls unavailable is passed over, unless all are', async () => {
  const kit = await pipelineKit();
  kit.unavailable.add('broker-a');
  await kit.producer.send(hello);
  await kit.producer.send(hello);
  expect(kit.requests.map((request) => request.ext.n)).toEqual(['broker-b', 'broker-b']);
  kit.unavailable.add('broker-b');
  expect((await kit.producer.send(hello)).status).toBe('SEND_OK');
});

test('attemptTimeoutMs leaves time for another broker when one hangs', async () => {
  const kit = await pipelineKit({ options: { attemptTimeoutMs: 200 }, script: answerNothing });
  const sending = kit.producer.send(hello, { timeoutMs: 1_000 });
  expect(kit.requests[0]?.timeoutMs).toBe(200);
  kit.requests[0]!.fail('RMQ_REQUEST_TIMEOUT');
  kit.requests[1]!.answer();
  expect((await sending).attempts).toBe(2);
});

test('a request is given what is left of the deadline', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const sending = kit.producer.send(hello, { timeoutMs: 1_000 });
  expect(kit.requests[0]?.timeoutMs).toBe(1_000);
  await kit.clock.advance(400);
  kit.requests[0]!.fail('RMQ_CONNECTION_LOST');
  expect(kit.requests[1]?.timeoutMs).toBe(600);
  kit.requests[1]!.answer();
  await sending;
});

const oneAttempt = async (
  options: Parameters<Awaited<ReturnType<typeof pipelineKit>>['producer']['send']>[1],
): Promise<{ requests: SeenRequest[]; error: Error & Record<string, unknown> }> => {
  const kit = await pipelineKit({ script: (request) => soon(() => request.answer(14)) });
  return { error: await rejection(kit.producer.send(hello, options)), requests: kit.requests };
};

test('a queue that the caller fixed is never exchanged', async () => {
  const { requests, error } = await oneAttempt({ queue: { topic: 'orders', brokerName: 'broker-b', queueId: 1 } });
  expect(requests.map((request) => [request.ext.n, request.ext.e])).toEqual([['broker-b', 1]]);
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED', attempts: [{ attempt: 1 }] });
});

test('a selector’s queue is never exchanged', async () => {
  const { requests } = await oneAttempt({ selector: (queues) => queues[3]! });
  expect(requests.map((request) => [request.ext.n, request.ext.e])).toEqual([['broker-b', 1]]);
});

test('a sharding key’s queue is never exchanged', async () => {
  const { requests } = await oneAttempt({ shardingKey: 'customer-1' });
  expect(requests).toHaveLength(1);
});

test('one sharding key always goes to one queue, and queue 0 gets its keys too', async () => {
  const kit = await pipelineKit();
  const seen = new Map<string, Set<string>>();
  for (let round = 0; round < 2; round++) {
    for (let key = 0; key < 40; key++) await kit.producer.send({ ...hello, shardingKey: `key-${key}` });
  }
  kit.requests.forEach((request, index) => {
    const key = `key-${index % 40}`;
    const queues = seen.get(key) ?? new Set();
    seen.set(key, queues.add(`${request.ext.n}/${request.ext.e}`));
  });
  expect([...seen.values()].every((queues) => queues.size === 1)).toBe(true);
  expect(new Set([...seen.values()].map((queues) => [...queues][0]))).toContain('broker-a/0');
});

test('the shard of a key is Java’s hash modulo the queues, never negative', () => {
  expect(shardOf('polygenelubricants', 7)).toBeGreaterThanOrEqual(0);
  expect(shardOf('a', 4)).toBe(97 % 4);
  // "polygenelubricants".hashCode() is Integer.MIN_VALUE in Java.
  expect(shardOf('polygenelubricants', 4)).toBe(0);
});

test('a queue that does not exist is refused by name, after the route was asked for once more', async () => {
  const { producer, requests } = await pipelineKit();
  const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 99 };
  const error = await rejection(producer.send(hello, { queue }));
  expect(error).toMatchObject({ code: 'RMQ_QUEUE_NOT_FOUND', broker: 'broker-a', queueId: 99 });
  const none = await rejection(producer.send(hello, { selector: () => undefined as never }));
  expect(none).toMatchObject({ code: 'RMQ_QUEUE_NOT_FOUND', topic: 'orders' });
  expect(requests).toHaveLength(0);
});

test('a queue of another topic is refused', async () => {
  const { producer } = await pipelineKit();
  const queue = { topic: 'other', brokerName: 'broker-a', queueId: 0 };
  expect(await rejection(producer.send(hello, { queue }))).toMatchObject({
    code: 'RMQ_MESSAGE_ILLEGAL',
    field: 'queue',
  });
});

test('a selector that throws ends the send with its own words', async () => {
  const { producer } = await pipelineKit();
  const cause = new Error('no such region');
  const selector = () => {
    throw cause;
  };
  expect(await rejection(producer.send(hello, { selector }))).toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'selector',
    cause,
  });
});

test.each([
  [10, 'FLUSH_DISK_TIMEOUT'],
  [11, 'SLAVE_NOT_AVAILABLE'],
  [12, 'FLUSH_SLAVE_TIMEOUT'],
] as const)('code %i is returned as status %s by default', async (code, status) => {
  const kit = await pipelineKit({ script: (request) => soon(() => request.answer(code)) });
  expect(await kit.producer.send(hello)).toMatchObject({ status, attempts: 1, queueOffset: 7 });
});

test("notStored: 'throw' raises it, without another attempt", async () => {
  const kit = await pipelineKit({
    options: { notStored: 'throw' },
    script: (request) => soon(() => request.answer(10)),
  });
  const error = await rejection(kit.producer.send(hello));
  expect(error).toMatchObject({ code: 'RMQ_NOT_STORED', status: 'FLUSH_DISK_TIMEOUT', broker: 'broker-a' });
  expect(kit.requests).toHaveLength(1);
});

test("notStored: 'retry' tries another broker, and returns the status when none does better", async () => {
  const better = await pipelineKit({
    options: { notStored: 'retry' },
    script: (request) => soon(() => request.answer(better.requests.length === 1 ? 10 : 0)),
  });
  expect(await better.producer.send(hello)).toMatchObject({ status: 'SEND_OK', attempts: 2 });
  const never = await pipelineKit({
    options: { notStored: 'retry' },
    script: (request) => soon(() => request.answer(12)),
  });
  expect(await never.producer.send(hello)).toMatchObject({ status: 'FLUSH_SLAVE_TIMEOUT', attempts: 3 });
  expect(never.requests).toHaveLength(3);
});
