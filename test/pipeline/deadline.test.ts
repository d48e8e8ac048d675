import { catchError, delay, NEVER, of, timeout } from 'rxjs';
import { expect, test } from 'vitest';
import type { SendContext } from '../../core/pipeline/context.js';
import type { SendInterceptor, StageName } from '../../core/pipeline/interceptor.js';
import { settled } from '../../core/pipeline/settled-step.js';
import {
  answerNothing,
  hello,
  type KitOptions,
  madeUp,
  type PipelineKit,
  pipelineKit,
  rejection,
} from './pipeline-kit.js';

type Run = SendInterceptor<SendContext>;

const plugin = (name: string, before: StageName, run: Run) => ({ plugin: name, before, create: () => run });

/** The error of a send whose deadline of 100 ms passes. */
async function expired(kit: PipelineKit): Promise<Error & Record<string, unknown>> {
  const sending = rejection(kit.producer.send(hello, { timeoutMs: 100 }));
  await kit.clock.advance(100);
  return sending;
}

test('a deadline while a broker has the request is that broker’s failed attempt, then the send fails', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const error = await expired(kit);
  expect(error).toMatchObject({
    code: 'RMQ_SEND_TIMEOUT',
    stage: 'send',
    sent: 'maybe',
    topic: 'orders',
    timeoutMs: 100,
  });
  expect(error.cause).toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', address: 'broker-a:10911' });
  expect(kit.faults).toEqual([{ broker: 'broker-a', elapsedMs: 100, failure: 'timeout' }]);
  expect(kit.requests).toHaveLength(1);
  expect(kit.requests[0]?.cancelled).toBe(true);
});

test('a deadline while the route is loaded names the stage, touches no broker, and says that nothing was sent', async () => {
  const kit = await pipelineKit({ slowTopics: ['orders'] });
  expect(await expired(kit)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', stage: 'route', sent: 'no' });
  expect(kit.faults).toEqual([]);
  kit.routeLoads[0]!.done();
  await kit.clock.advance(1);
  expect(kit.requests).toEqual([]);
});

test('a deadline while a broker’s address is looked up touches no broker', async () => {
  const kit = await pipelineKit({ brokers: ['broker-a'] });
  kit.withoutAddress.add('broker-a');
  expect(await expired(kit)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', stage: 'send', sent: 'no' });
  expect(kit.faults).toEqual([]);
});

test.each(['check', 'route', 'select', 'compress', 'send', 'updateFault'] as const)(
  'a plugin that never ends before %s is named',
  async (gap) => {
    const kit = await pipelineKit({ plugins: [plugin('sleeper', gap, () => NEVER)] });
    const error = await expired(kit);
    const sent = gap === 'updateFault' ? 'maybe' : 'no';
    expect(error).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'sleeper', sent });
    expect(error.stage).toBeUndefined();
    expect(kit.faults).toEqual([]);
  },
);

test('the innermost of two plugins that wait is named', async () => {
  const kit = await pipelineKit({
    plugins: [
      plugin('outer', 'check', (context, next) => next(context).pipe(delay(0))),
      plugin('inner', 'compress', () => NEVER),
    ],
  });
  expect(await expired(kit)).toMatchObject({ plugin: 'inner' });
});

test('a plugin that holds back the result after the broker answered is named, and the message may be stored', async () => {
  const kit = await pipelineKit({
    plugins: [plugin('holder', 'route', (context, next) => settledThenNever(next(context)))],
  });
  expect(await expired(kit)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'holder', sent: 'maybe' });
  expect(kit.faults).toEqual([{ broker: 'broker-a', elapsedMs: 0, failure: undefined }]);
});

test('when the request times out by itself just as the deadline passes, the send has timed out too', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const sending = rejection(kit.producer.send(hello, { timeoutMs: 100 }));
  kit.clock.setTimer(100, () => kit.requests[0]!.fail('RMQ_REQUEST_TIMEOUT'));
  await kit.clock.advance(100);
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', stage: 'send' });
  expect(kit.requests).toHaveLength(1);
});

test('no plugin can turn a passed deadline into a result', async () => {
  const rescue: Run = (context, next) => next(context).pipe(catchError(() => of(madeUp('made up'))));
  for (const options of [{ script: answerNothing }, { slowTopics: ['orders'] }] satisfies KitOptions[]) {
    const kit = await pipelineKit({ ...options, plugins: [plugin('rescue', 'check', rescue)] });
    expect(await expired(kit)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT' });
  }
});

test('interceptors around the one that waits hear of the time-out', async () => {
  const heard: unknown[] = [];
  const kit = await pipelineKit({
    plugins: [
      plugin('outer', 'check', (context, next) => settled(next(context), { error: (error) => heard.push(error) })),
      plugin('sleeper', 'send', () => NEVER),
    ],
  });
  const error = await expired(kit);
  expect(heard).toEqual([error]);
});

test('a plugin’s own time limit on the rest of the chain drops the request', async () => {
  const kit = await pipelineKit({
    script: answerNothing,
    plugins: [
      plugin('impatient', 'compress', (context, next) =>
        next(context).pipe(
          timeout({ each: 5 }),
          catchError(() => of(madeUp('gave up'))),
        ),
      ),
    ],
  });
  expect(await kit.producer.send(hello)).toMatchObject({ msgId: 'gave up' });
  expect(kit.requests[0]?.cancelled).toBe(true);
  expect(kit.faults).toEqual([]);
});

test('context.signal is aborted by the deadline, and exists only for those who ask', async () => {
  let signal: AbortSignal | undefined;
  const kit = await pipelineKit({
    plugins: [
      plugin('asker', 'route', (context) => {
        signal = context.signal;
        return NEVER;
      }),
    ],
  });
  const error = await expired(kit);
  expect(signal?.aborted).toBe(true);
  expect(signal?.reason).toBe(error);
});

test.each(['signal', 'unsubscribe'] as const)('cancelling by %s drops the request and is no fault', async (how) => {
  const kit = await pipelineKit({ script: answerNothing });
  const controller = new AbortController();
  const errors: unknown[] = [];
  if (how === 'signal') {
    const sending = rejection(kit.producer.send(hello, { signal: controller.signal }));
    controller.abort();
    expect(await sending).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe', topic: 'orders' });
  } else {
    const subscription = kit.producer.send$(hello).subscribe({ error: (error) => errors.push(error) });
    subscription.unsubscribe();
  }
  expect(errors).toEqual([]);
  expect(kit.requests[0]?.cancelled).toBe(true);
  expect(kit.faults).toEqual([]);
  expect(kit.deadlines.size).toBe(0);
});

test('cancelling stops the retries, and says no when nothing was sent yet', async () => {
  const kit = await pipelineKit({ script: (request) => queueMicrotask(() => request.answer(2)) });
  const controller = new AbortController();
  const sending = rejection(kit.producer.send(hello, { signal: controller.signal }));
  await kit.clock.advance(1);
  controller.abort();
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  await kit.clock.advance(1_000);
  expect(kit.requests).toHaveLength(1);
  expect(kit.clock.refTimers).toBe(0);
});

test('a signal that is aborted already sends nothing', async () => {
  const kit = await pipelineKit();
  const sending = kit.producer.send(hello, { signal: AbortSignal.abort() });
  expect(await rejection(sending)).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  expect(kit.requests).toEqual([]);
});

test('the wait after a busy broker takes half of what is left at most, so that every attempt is made', async () => {
  const kit = await pipelineKit({ script: (request) => queueMicrotask(() => request.answer(2)) });
  const sending = rejection(kit.producer.send(hello, { timeoutMs: 10 }));
  await kit.clock.advance(10);
  const error = await sending;
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED', sent: 'no' });
  expect(error.attempts).toHaveLength(3);
  expect(kit.clock.monotonic()).toBeLessThanOrEqual(10);
});

/** Waits for the end of the rest, then never ends. */
function settledThenNever(rest: ReturnType<Run>): ReturnType<Run> {
  return rest.pipe(delay(1_000_000));
}
