import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import type { RawMessage, SendReport } from '../../core/producer/producer.js';
import { nextTurn } from '../kit/wait-for.js';
import { answerNothing, pipelineKit, rejection } from '../pipeline/pipeline-kit.js';

const message = (body: string): RawMessage => ({ topic: 'orders', body });
const messages = (count: number): RawMessage[] => Array.from({ length: count }, (_, index) => message(String(index)));
const bodies = (reports: readonly SendReport<RawMessage>[]) => reports.map((report) => report.message.body);

async function collect<T>(reports: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const report of reports) all.push(report);
  return all;
}

test('sendAll sends everything and reports in order of completion', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const collecting = collect(kit.producer.sendAll(messages(3)));
  await nextTurn();
  for (const index of [2, 0, 1]) kit.requests[index]!.answer();
  const reports = await collecting;
  expect(bodies(reports)).toEqual(['2', '0', '1']);
  expect(reports.every((report) => report.result?.status === 'SEND_OK')).toBe(true);
});

test('sendAll pulls the next item only when a slot is free, and a reader that does not read holds it back', async () => {
  let pulled = 0;
  function* source() {
    for (const one of messages(100)) {
      pulled++;
      yield one;
    }
  }
  const kit = await pipelineKit({ script: answerNothing });
  const iterator = kit.producer.sendAll(source(), { concurrency: 3 })[Symbol.asyncIterator]();
  expect(pulled).toBe(0);
  const first = iterator.next();
  await nextTurn();
  expect(pulled).toBe(3);
  for (const request of [...kit.requests]) request.answer();
  await first;
  await nextTurn();
  // Three answered, one was read: its slot is free again, the reports that nobody took hold the other two.
  expect(pulled).toBe(3);
  const second = iterator.next();
  await second;
  expect(pulled).toBe(4);
  for (const request of kit.requests) request.answer();
  await iterator.return?.();
});

test('one failure stops nothing unless stopOnError asks', async () => {
  const script = (request: { body: Buffer; answer(code?: number): void }) =>
    queueMicrotask(() => request.answer(request.body.toString() === '1' ? 13 : 0));
  const going = await pipelineKit({ script });
  const all = await collect(going.producer.sendAll(messages(5), { concurrency: 1 }));
  expect(all.map((report) => (report.error === undefined ? 'ok' : 'failed'))).toEqual([
    'ok',
    'failed',
    'ok',
    'ok',
    'ok',
  ]);
  const stopping = await pipelineKit({ script });
  const some = await collect(stopping.producer.sendAll(messages(5), { concurrency: 1, stopOnError: true }));
  expect(bodies(some)).toEqual(['0', '1']);
});

test('stopOnError ends what is in flight first', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const collecting = collect(kit.producer.sendAll(messages(10), { concurrency: 3, stopOnError: true }));
  await nextTurn();
  kit.requests[0]!.answer(13);
  await nextTurn();
  kit.requests[1]!.answer();
  kit.requests[2]!.answer();
  expect(bodies(await collecting)).toEqual(['0', '1', '2']);
  expect(kit.requests).toHaveLength(3);
});

test('a source that throws ends the stream with its error, after what was taken', async () => {
  const kit = await pipelineKit();
  async function* source() {
    yield message('0');
    await nextTurn();
    throw new Error('the file is gone');
  }
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const report of kit.producer.sendAll(source())) seen.push(report.message.body);
  })();
  expect(await rejection(reading)).toMatchObject({ message: 'the file is gone' });
  expect(seen).toEqual(['0']);
});

test('leaving the loop early takes nothing more, ends what is in flight and closes the source', async () => {
  let closed = false;
  function* source() {
    try {
      yield* messages(100);
    } finally {
      closed = true;
    }
  }
  const kit = await pipelineKit();
  for await (const report of kit.producer.sendAll(source(), { concurrency: 4 })) {
    if (report.message.body === '0') break;
  }
  expect(closed).toBe(true);
  expect(kit.requests.every((request) => request.answered)).toBe(true);
  expect(kit.deadlines.size).toBe(0);
});

test('a signal cancels what is in flight, reports it and ends with its reason', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const controller = new AbortController();
  const reports: SendReport<RawMessage>[] = [];
  const reading = (async () => {
    for await (const report of kit.producer.sendAll(messages(50), { concurrency: 20, signal: controller.signal })) {
      reports.push(report);
    }
  })();
  await nextTurn();
  controller.abort(new Error('enough'));
  expect(await rejection(reading)).toMatchObject({ message: 'enough' });
  expect(reports).toHaveLength(20);
  expect(reports.every((report) => (report.error as { code: string }).code === 'RMQ_SEND_ABORTED')).toBe(true);
});

test('sendAll and the operator refuse a wrong concurrency by name, at once', async () => {
  const { producer } = await pipelineKit();
  const refused = expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'concurrency' });
  expect(() => producer.sendAll([], { concurrency: 0 })).toThrow(refused);
  expect(() => producer.pipeline.operator({ concurrency: 1.5 })).toThrow(refused);
});

test('the operator sends what a push source gives, within its concurrency', async () => {
  let most = 0;
  let now = 0;
  const kit = await pipelineKit({
    script: (request) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        request.answer();
      });
    },
  });
  const reports = await lastValueFrom(
    from(messages(20)).pipe(kit.producer.pipeline.operator<RawMessage>({ concurrency: 4 }), toArray()),
  );
  expect(reports).toHaveLength(20);
  expect(most).toBe(4);
});

test('a full buffer of the operator is an error, after what was taken has ended', async () => {
  const kit = await pipelineKit({ script: (request) => setImmediate(() => request.answer()) });
  const seen: unknown[] = [];
  const error = await new Promise((resolve) => {
    from(messages(10))
      .pipe(kit.producer.pipeline.operator<RawMessage>({ concurrency: 2, bufferMax: 3 }))
      .subscribe({ next: (report) => seen.push(report.message.body), error: resolve });
  });
  expect(error).toMatchObject({ code: 'RMQ_BACKPRESSURE', limit: 'buffer', topic: 'orders' });
  expect(seen).toEqual(['0', '1', '2', '3', '4']);
});

test('stopOnError of the operator reports the failure, ends what is in flight and completes', async () => {
  const kit = await pipelineKit({ script: (request) => setImmediate(() => request.answer(13)) });
  const reports = await lastValueFrom(
    from(messages(10)).pipe(
      kit.producer.pipeline.operator<RawMessage>({ concurrency: 2, stopOnError: true }),
      toArray(),
    ),
  );
  expect(bodies(reports)).toEqual(['0', '1']);
});

test('unsubscribing from the operator cancels what is in flight; an error of the source comes last', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const source = new Subject<RawMessage>();
  const subscription = source.pipe(kit.producer.pipeline.operator<RawMessage>()).subscribe();
  source.next(message('0'));
  subscription.unsubscribe();
  expect(kit.requests[0]?.cancelled).toBe(true);
  expect(source.observed).toBe(false);

  const failing = new Subject<RawMessage>();
  const order: unknown[] = [];
  failing
    .pipe(kit.producer.pipeline.operator<RawMessage>())
    .subscribe({ next: (report) => order.push(report.result?.status), error: (error) => order.push(error) });
  failing.next(message('1'));
  failing.error('source');
  kit.requests[1]!.answer();
  await nextTurn();
  expect(order).toEqual(['SEND_OK', 'source']);
});

test('a report of a message that cannot even be read carries an error of ours, as every other does', async () => {
  const unreadable = new Proxy(message('x'), {
    get: () => {
      throw new TypeError('revoked');
    },
  });
  const kit = await pipelineKit();
  const [report] = await collect(kit.producer.sendAll([unreadable]));
  expect(report?.error).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'message', retryable: false });
  expect(report?.error?.message).toContain('revoked');
});
