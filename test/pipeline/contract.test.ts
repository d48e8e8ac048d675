import { EMPTY, map, merge, NEVER, type Observable, of, retry, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import type { SendContext } from '../../core/pipeline/context.js';
import { fromAsync } from '../../core/pipeline/from-async.js';
import type { SendInterceptor, StageName } from '../../core/pipeline/interceptor.js';
import type { SendResult } from '../../core/pipeline/send-result.js';
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

/** A kit with one interceptor of plugin `audit` before a stage. */
function withInterceptor(before: StageName, run: Run, options: KitOptions = {}): Promise<PipelineKit> {
  return pipelineKit({ ...options, plugins: [{ plugin: 'audit', before, create: () => run }] });
}

const GAPS = ['check', 'route', 'select', 'compress', 'send', 'updateFault'] as const;

const misuse = (rule: RegExp, gap: string) => ({
  code: 'RMQ_PIPELINE_MISUSE',
  interceptor: `plugin audit before ${gap}`,
  rule: expect.stringMatching(rule),
});

test.each(GAPS)('a second next before %s fails that send by name', async (gap) => {
  const kit = await withInterceptor(gap, (context, next) => {
    next(context);
    return next(context);
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/next is called once/, gap));
});

test.each(GAPS)('a second subscription before %s fails that send by name', async (gap) => {
  const kit = await withInterceptor(gap, (context, next) => {
    const rest = next(context);
    return merge(rest, rest);
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/subscribed once/, gap));
});

test('an Observable that the interceptor subscribes itself cannot be returned as well', async () => {
  const kit = await withInterceptor('route', (context, next) => {
    const rest = next(context);
    rest.subscribe({ error: () => {} });
    return rest;
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/subscribed itself/, 'route'));
});

test('retry() resubscribes, which is no retry: it is refused instead of sending twice', async () => {
  const kit = await withInterceptor('select', (context, next) => next(context).pipe(retry(2)), {
    script: (request) => queueMicrotask(() => request.answer(13)),
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/subscribed once/, 'select'));
  expect(kit.requests).toHaveLength(1);
});

test.each(GAPS)('an empty completion before %s fails that send by name', async (gap) => {
  const kit = await withInterceptor(gap, () => EMPTY);
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/not without/, gap));
});

test('two results fail the send by name', async () => {
  const kit = await withInterceptor('route', (context, next) => merge(next(context), of(madeUp('made up'))));
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/not two/, 'route'));
});

test('what is no Observable, and a result that is none, are refused by name', async () => {
  const nothing = await withInterceptor('send', () => undefined as unknown as Observable<SendResult>);
  expect(await rejection(nothing.producer.send(hello))).toMatchObject(misuse(/returns an Observable/, 'send'));
  const wrong = await withInterceptor('send', () => of('done' as unknown as SendResult));
  expect(await rejection(wrong.producer.send(hello))).toMatchObject(misuse(/SendResult/, 'send'));
});

test('a context that was not derived by with is refused', async () => {
  const kit = await withInterceptor('route', (context, next) => next({ ...context } as SendContext));
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE' });
});

test('a next that comes after its send has ended is logged and sends nothing', async () => {
  let late: () => Observable<SendResult> = () => NEVER;
  const kit = await withInterceptor('route', (context, next) => {
    late = () => next(context);
    return NEVER;
  });
  const sending = rejection(kit.producer.send(hello, { timeoutMs: 100 }));
  await kit.clock.advance(100);
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'audit' });
  const errors: unknown[] = [];
  late().subscribe({ error: (error) => errors.push(error) });
  expect(errors).toMatchObject([misuse(/before the send has ended/, 'route')]);
  expect(kit.log.filter((line) => line.level === 'warn')).toHaveLength(1);
  expect(kit.requests).toHaveLength(0);
});

test('a context of an attempt that is over cannot be passed on in the next attempt', async () => {
  const contexts: SendContext[] = [];
  const kit = await withInterceptor(
    'send',
    (context, next) => {
      contexts.push(context);
      return next(contexts[0]!);
    },
    { script: (request) => queueMicrotask(() => request.answer(14)) },
  );
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(/next is called once/, 'send'));
  expect(kit.requests).toHaveLength(1);
});

test.each(GAPS)('what an interceptor before %s throws is labelled with its plugin and final', async (gap) => {
  const cause = new Error('the audit disk is full');
  const kit = await withInterceptor(gap, () => {
    throw cause;
  });
  const error = await rejection(kit.producer.send(hello));
  expect(error).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'audit', cause });
  expect(kit.requests.length).toBe(gap === 'updateFault' ? 1 : 0);
  expect(kit.faults).toEqual([]);
});

test('an error that an interceptor’s Observable raises is labelled the same', async () => {
  const cause = rocketMQError('RMQ_REQUEST_TIMEOUT', 'its own request', { address: 'x', timeoutMs: 1, sent: 'no' });
  const kit = await withInterceptor('send', () => throwError(() => cause));
  expect(await rejection(kit.producer.send(hello))).toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    plugin: 'audit',
    cause,
  });
  expect(kit.requests).toHaveLength(0);
});

test('the pipeline’s own error keeps its name on its way through operators', async () => {
  const kit = await withInterceptor('check', (context, next) => next(context).pipe(map((result) => result)), {
    script: (request) => queueMicrotask(() => request.answer(13)),
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 13 });
});

test.each(GAPS.slice(0, 5))('a veto before %s is final: no retry, no fault entry, its own error', async (gap) => {
  let calls = 0;
  const veto = rocketMQError('RMQ_SEND_FORBIDDEN', 'not on Sundays', {
    plugin: 'audit',
    rule: 'sundays',
    topic: 'orders',
  });
  const kit = await withInterceptor(gap, () => {
    calls++;
    return throwError(() => veto);
  });
  expect(await rejection(kit.producer.send(hello))).toBe(veto);
  expect(calls).toBe(1);
  expect(kit.faults).toEqual([]);
  expect(kit.requests).toEqual([]);
});

test('an interceptor that answers by itself needs no next', async () => {
  const canned = madeUp('canned');
  const kit = await withInterceptor('route', () => of(canned));
  expect(await kit.producer.send(hello)).toBe(canned);
  expect(kit.requests).toEqual([]);
});

test('an interceptor that calls next and then answers by itself drops the request', async () => {
  const canned = madeUp('canned');
  const kit = await withInterceptor(
    'route',
    (context, next) => {
      next(context);
      return of(canned);
    },
    { script: answerNothing },
  );
  expect(await kit.producer.send(hello)).toBe(canned);
  expect(kit.requests[0]?.cancelled).toBe(true);
  expect(kit.faults).toEqual([]);
});

test('next does its work eagerly, before anybody subscribes, also through a cold interceptor', async () => {
  const order: string[] = [];
  const kit = await pipelineKit({
    script: (request) => {
      order.push('request');
      queueMicrotask(() => request.answer());
    },
    plugins: [
      {
        plugin: 'outer',
        before: 'route',
        create: () => (context, next) => {
          const rest = next(context);
          order.push('next returned');
          return rest;
        },
      },
      { plugin: 'cold', before: 'send', create: () => (context, next) => next(context).pipe(map((result) => result)) },
    ],
  });
  await kit.producer.send(hello);
  expect(order).toEqual(['request', 'next returned']);
});

test('an outcome that comes before the subscription is kept for it', async () => {
  const kit = await withInterceptor(
    'route',
    fromAsync(async (context, next) => {
      const rest = next(context);
      kit.requests[0]!.answer();
      await Promise.resolve();
      return rest;
    }),
    { script: answerNothing },
  );
  expect((await kit.producer.send(hello)).status).toBe('SEND_OK');
});

test('settled fires once per send outside and once per attempt inside, inner first', async () => {
  const seen: string[] = [];
  const watch =
    (name: string): Run =>
    (context, next) =>
      settled(next(context), {
        value: (result) => seen.push(`${name} ${result.status}`),
        error: (error) => seen.push(`${name} ${(error as { code: string }).code}`),
      });
  const kit = await pipelineKit({
    script: (request) => queueMicrotask(() => request.answer(kit.requests.length === 1 ? 14 : 0)),
    plugins: [
      { plugin: 'once', before: 'check', create: () => watch('once') },
      { plugin: 'each', before: 'compress', create: () => watch('each') },
    ],
  });
  await kit.producer.send(hello);
  expect(seen).toEqual(['each RMQ_BROKER_ERROR', 'each SEND_OK', 'once SEND_OK']);
});

test.each(['value', 'error'] as const)(
  'a settled callback that throws on %s fails the send under its plugin',
  async (kind) => {
    const cause = new Error('callback');
    const kit = await withInterceptor(
      'route',
      (context, next) =>
        settled(next(context), {
          [kind]: () => {
            throw cause;
          },
        }),
      { script: (request) => queueMicrotask(() => request.answer(kind === 'value' ? 0 : 13)) },
    );
    expect(await rejection(kit.producer.send(hello))).toMatchObject({
      code: 'RMQ_PLUGIN_FAILED',
      plugin: 'audit',
      cause,
    });
  },
);

test('a settled callback that throws about a result that was there at once fails the send under its plugin', async () => {
  const kit = await pipelineKit({
    plugins: [
      {
        plugin: 'audit',
        before: 'route',
        create: () => (context, next) =>
          settled(next(context), {
            value: () => {
              throw new Error('callback');
            },
          }),
      },
      { plugin: 'answers', before: 'route', create: () => () => of(madeUp('made up')) },
    ],
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'audit' });
});

test('settled works on an Observable of the interceptor’s own too', async () => {
  const seen: string[] = [];
  const kit = await withInterceptor('route', (context, next) =>
    settled(next(context).pipe(map((result) => result)), { value: (result) => seen.push(result.status) }),
  );
  await kit.producer.send(hello);
  expect(seen).toEqual(['SEND_OK']);
});

test('fromAsync lets people write interceptors without RxJS', async () => {
  const audit: string[] = [];
  const kit = await withInterceptor(
    'send',
    fromAsync(async (context, next) => {
      await Promise.resolve();
      const result = await next(context);
      audit.push(result.msgId);
      return result;
    }),
  );
  const result = await kit.producer.send(hello);
  expect(audit).toEqual([result.msgId]);
});

test('plugin state is shared by all contexts and attempts of one send, and by no other', async () => {
  const KEY = { name: 'counter' } as { readonly name: string; readonly __type?: number };
  const seen: (number | undefined)[] = [];
  const kit = await withInterceptor(
    'compress',
    (context, next) => {
      seen.push(context.get(KEY));
      context.set(KEY, (context.get(KEY) ?? 0) + 1);
      return next(context);
    },
    { script: (request) => queueMicrotask(() => request.answer(kit.requests.length === 1 ? 14 : 0)) },
  );
  await kit.producer.send(hello);
  await kit.producer.send(hello);
  expect(seen).toEqual([undefined, 1, undefined]);
});

test('with passes on a change, each thing in its gap', async () => {
  const kit = await pipelineKit({
    plugins: [
      {
        plugin: 'rename',
        before: 'route',
        create: () => (context, next) => next(context.with({ topic: 'renamed' })),
      },
      {
        plugin: 'stamp',
        before: 'select',
        create: () => (context, next) => next(context.with({ message: { ...context.message, tag: 'stamped' } })),
      },
      {
        plugin: 'move',
        before: 'send',
        create: () => (context, next) =>
          next(
            context.with({ queue: context.publishInfo.queues[3], payload: { body: Buffer.from('other'), sysFlag: 0 } }),
          ),
      },
    ],
  });
  const result = await kit.producer.send(hello);
  expect(result.queue).toEqual({ topic: 'renamed', brokerName: 'broker-b', queueId: 1 });
  expect(kit.requests[0]?.ext).toMatchObject({ b: 'renamed', n: 'broker-b', e: 1 });
  expect(kit.requests[0]?.body.toString()).toBe('other');
  expect(kit.requests[0]?.ext.i).toContain('stamped');
});

test.each([
  ['select', { topic: 'late' }, /topic only before the stage route/],
  ['send', { message: hello }, /message only before the stage compress/],
  ['select', { queue: { topic: 'orders', brokerName: 'broker-a', queueId: 0 } }, /queue only between/],
  ['compress', { payload: { body: Buffer.from('x'), sysFlag: 0 } }, /payload only between/],
] as const)('plain JavaScript that changes too late before %s is told', async (gap, change, rule) => {
  const kit = await pipelineKit({
    plugins: [{ plugin: 'audit', before: gap, create: () => (context, next) => next(context.with(change)) }],
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject(misuse(rule, gap));
});

test('a message that an interceptor replaces is checked again', async () => {
  const kit = await pipelineKit({
    plugins: [
      {
        plugin: 'audit',
        before: 'compress',
        create: () => (context, next) => next(context.with({ message: { ...context.message, body: '' } })),
      },
    ],
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'body' });
  expect(kit.requests).toEqual([]);
});

test('a plugin harms no send but its own', async () => {
  const kit = await withInterceptor('route', (context, next) => {
    if (context.message.tag === 'bad') throw new Error('bad');
    return next(context);
  });
  const [good, bad] = await Promise.allSettled([
    kit.producer.send(hello),
    kit.producer.send({ ...hello, tag: 'bad' }),
    kit.producer.send(hello),
  ]);
  expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected']);
  expect(kit.requests).toHaveLength(2);
});

test('an internal producer carries no plugins', async () => {
  const kit = await withInterceptor('check', () => throwError(() => new Error('never')), { internal: true });
  expect((await kit.producer.send(hello)).status).toBe('SEND_OK');
});

test('settled listeners hear once how each send ended, and one that throws is logged', async () => {
  const heard: string[] = [];
  const kit = await pipelineKit({
    settledListeners: [
      {
        plugin: 'broken',
        listener: () => {
          throw new Error('listener');
        },
      },
      { plugin: 'count', listener: (send, topic, outcome) => heard.push(`${send.mode} ${topic} ${outcome.kind}`) },
    ],
  });
  await kit.producer.send(hello);
  await rejection(kit.producer.send({ topic: 'orders', body: '' }));
  expect(heard).toEqual(['send orders result', 'send orders failure']);
  expect(kit.log.filter((line) => line.fields?.plugin === 'broken')).toHaveLength(2);
});
