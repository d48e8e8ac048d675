/**
 * What a plugin throws, or rejects with, when nobody waits for it any more: as an uncaught exception or an unhandled rejection it
 * would end the process, with every send that is under way.
 */
import { finalize, NEVER, Observable, of, tap } from 'rxjs';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  connect,
  type DeliveryInterceptor,
  FaultStrategy,
  type MessageQueue,
  type Plugin,
  type PluginHost,
  type RequestInterceptor,
  type SendInterceptor,
  settled,
} from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { rejection } from '../pipeline/pipeline-kit.js';

const strays: unknown[] = [];

beforeEach(() => {
  strays.length = 0;
  const note = (error: unknown): void => void strays.push(error);
  const before = (['uncaughtException', 'unhandledRejection'] as const).map((name) => {
    const listeners = process.listeners(name as 'uncaughtException');
    process.removeAllListeners(name).on(name, note);
    return { name, listeners };
  });
  onTestFinished(() => {
    for (const { name, listeners } of before) {
      process.removeAllListeners(name);
      for (const listener of listeners) process.on(name, listener);
    }
  });
});

/** A client with an abuser, its log, and what came out of the process. */
async function setup(attach: (host: PluginHost) => void) {
  const error = vi.fn();
  const warn = vi.fn();
  const logger = { debug: () => {}, info: () => {}, warn, error };
  const plugin: Plugin<void> = { name: 'abuser', setup: attach };
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins: [plugin], logger }));
  const producer = await mq.producer({ group: 'g' });
  const send = (body: string, timeoutMs = 5_000) => producer.send({ topic: 'T', body }, { timeoutMs });
  /** Waits until whatever was left behind has come out, and others could still send. */
  const expectNoStray = async () => {
    expect((await send('good')).status).toBe('SEND_OK');
    await nextTurn();
    await nextTurn();
    expect(strays).toEqual([]);
  };
  const logged = () => error.mock.calls.map(([, fields]) => fields);
  return { mq, producer, send, expectNoStray, logged, warn };
}

const boom = (): never => {
  throw new Error('boom');
};
const rejecting = (async () => boom()) as unknown as () => never;
const named = expect.objectContaining({ plugin: 'abuser' });
// biome-ignore lint/suspicious/noExplicitAny: an abuser does not care for types
type Abuse = SendInterceptor<any>;
const onAbuse =
  (abuse: Abuse): ((host: PluginHost) => void) =>
  (host) =>
    host.interceptSend({
      before: 'route',
      create: () => (context, next) => (context.message.body === 'abuse' ? abuse(context, next) : next(context)),
    });

describe('an asynchronous function', () => {
  test('as an interceptor of sends fails its send, not the process', async () => {
    const { send, expectNoStray } = await setup(onAbuse(rejecting));
    expect(await rejection(send('abuse'))).toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
      interceptor: 'plugin abuser before route',
    });
    await expectNoStray();
  });

  test.each<[string, Abuse]>([
    ['settled', (context, next) => settled(next(context), { value: rejecting })],
    ['settled behind an operator', (context, next) => settled(next(context).pipe(tap()), { value: rejecting })],
  ])('as a callback of %s is logged under its plugin’s name', async (_, abuse) => {
    const { send, expectNoStray, logged } = await setup(onAbuse(abuse));
    expect((await send('abuse')).status).toBe('SEND_OK');
    await expectNoStray();
    expect(logged()).toEqual([named]);
  });

  test('as a listener is logged under its plugin’s name', async () => {
    const { mq, send, expectNoStray, logged } = await setup((host) => {
      host.onEndTransaction(rejecting);
      host.onSettled((_send, topic) => topic === 'abused' && rejecting());
      host.onStart(() =>
        host.reportEndTransaction({ message: { topic: 'T' } } as Parameters<typeof host.reportEndTransaction>[0]),
      );
    });
    await (await mq.producer({ group: 'other' })).send({ topic: 'abused', body: 'x' });
    await send('good');
    await expectNoStray();
    expect(logged()).toEqual([named, named]);
  });

  test('as an interceptor of requests fails its request', async () => {
    const abuse: RequestInterceptor = (context, next) =>
      Buffer.from(context.body ?? '').includes('abuse') ? rejecting() : next(context);
    const { send, expectNoStray } = await setup((host) => host.interceptRequest('decorate', abuse));
    expect((await rejection(send('abuse'))).message).toMatch(/plugin abuser failed: it returns an Observable/);
    await expectNoStray();
  });

  test.each<[string, (host: PluginHost) => void, string]>([
    ['an interceptor of deliveries', (host) => host.interceptDelivery({ create: () => rejecting }), 'no Observable'],
    ['a filter', (host) => host.filterDelivery({ create: () => rejecting }), 'returns no promise'],
  ])('as %s has the message come again', async (_, attach, words) => {
    const { mq, send, expectNoStray } = await setup(attach);
    await send('abuse');
    const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
    const failures: { readonly error: unknown }[] = [];
    consumer.events$.subscribe((event) => event.type === 'failed' && failures.push(event));
    const handler = vi.fn();
    await consumer.run(handler);
    const { error } = (await waitFor(() => failures[0])) as { error: Error };
    expect(error.message).toMatch(new RegExp(`plugin abuser .*${words}`));
    expect(handler).not.toHaveBeenCalled();
    await expectNoStray();
  });
});

test.each([undefined, null, 'yes', 0])(
  'a filter that says %j and not true or false has the message come again',
  async (said) => {
    const { mq, send, expectNoStray } = await setup((host) =>
      host.filterDelivery({ create: () => () => said as never }),
    );
    await send('abuse');
    const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
    const failures: unknown[] = [];
    consumer.events$.subscribe((event) => event.type === 'failed' && failures.push(event.error));
    const handler = vi.fn();
    await consumer.run(handler);
    expect(await waitFor(() => failures[0])).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser' });
    expect(handler).not.toHaveBeenCalled();
    await expectNoStray();
  },
);

describe('what is thrown while a send is let go of', () => {
  const tearing = () => new Observable<never>(() => boom);

  test('at its deadline', async () => {
    const { send, expectNoStray, logged } = await setup(onAbuse(tearing));
    expect(await rejection(send('abuse', 50))).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser' });
    await expectNoStray();
    expect(logged()).toEqual([named]);
  });

  test('by its caller', async () => {
    const { producer, expectNoStray, logged } = await setup(onAbuse(tearing));
    const cancel = new AbortController();
    const failed = rejection(producer.send({ topic: 'T', body: 'abuse' }, { signal: cancel.signal }));
    cancel.abort();
    expect(await failed).toMatchObject({ code: 'RMQ_SEND_ABORTED' });
    await expectNoStray();
    expect(logged()).toEqual([named]);
  });

  test('when it has ended', async () => {
    const { send, expectNoStray, logged } = await setup(onAbuse((context, next) => next(context).pipe(finalize(boom))));
    expect((await send('abuse')).status).toBe('SEND_OK');
    await expectNoStray();
    expect(logged()).toEqual([named]);
  });

  test('by whoever subscribed what next returned, as well as an error that it does not listen for', async () => {
    const { send, expectNoStray, logged } = await setup(
      onAbuse((context, next) => {
        if (context.message.body === 'abuse') next(context).subscribe(boom);
        return NEVER;
      }),
    );
    // Its route is known then: the abused one is stored long before its time is over.
    await send('good');
    expect(await rejection(send('abuse', 100))).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser' });
    expect(logged()).toEqual([named]);
    const { send: sendTwice, expectNoStray: expectNoneEither } = await setup(
      onAbuse((context, next) => {
        const rest = next(context);
        rest.subscribe();
        return rest;
      }),
    );
    expect(await rejection(sendTwice('abuse'))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE' });
    await expectNoStray();
    await expectNoneEither();
  });

  test('by an interceptor of its request', async () => {
    const { send, expectNoStray, logged } = await setup((host) =>
      host.interceptRequest('sign', (context, next) =>
        Buffer.from(context.body ?? '').includes('abuse') ? next(context).pipe(finalize(boom)) : next(context),
      ),
    );
    expect((await send('abuse')).status).toBe('SEND_OK');
    await expectNoStray();
    expect(logged()).toEqual([named]);
  });
});

test('an interceptor of requests that never goes on is named, and its broker is not blamed', async () => {
  const record = vi.fn();
  const { send, expectNoStray, producer } = await setup((host) => {
    host.bind(FaultStrategy, { value: { record, isAvailable: () => true } });
    host.interceptRequest('decorate', (context, next) =>
      Buffer.from(context.body ?? '').includes('abuse') ? NEVER : next(context),
    );
  });
  // Its route is known then: the abused ones are with the plugin at once.
  await send('good');
  record.mockClear();
  expect(await rejection(send('abuse', 50))).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser', sent: 'no' });
  const options = { attemptTimeoutMs: 50, timeoutMs: 5_000 };
  const failed = await rejection(producer.send({ topic: 'T', body: 'abuse' }, options));
  expect(failed).toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', plugin: 'abuser', sent: 'no' });
  await expectNoStray();
  expect(record.mock.calls).toEqual([['broker-a', expect.any(Number), undefined, 'T']]);
});

describe('what is thrown while a delivery ends', () => {
  /** How a consumer of one abused message and three others does. */
  async function delivered(abuse: DeliveryInterceptor, options: object = {}) {
    const parts = await setup((host) =>
      host.interceptDelivery({
        create: () => (context, next) =>
          context.messages[0]?.body.toString() === 'abuse' ? abuse(context, next) : next(context),
      }),
    );
    const { queue } = await parts.producer.send({ topic: 'T', body: 'abuse' });
    for (const body of ['one', 'two', 'three']) await parts.producer.send({ topic: 'T', body }, { queue });
    const subscribe = { T: '*' };
    const consumer = await parts.mq.consumer({ group: 'c', subscribe, from: 'first', ...options });
    const failures: { readonly error: unknown }[] = [];
    consumer.events$.subscribe((event) => event.type === 'failed' && failures.push(event));
    return { ...parts, consumer, failures };
  }

  test.each<[string, DeliveryInterceptor]>([
    ['by a finalizer', (context, next) => next(context).pipe(finalize(boom))],
    [
      'by whoever subscribed what next returned',
      (context, next) => {
        next(context).subscribe(boom);
        return of({ kind: 'ack' });
      },
    ],
  ])('%s harms nothing, and is logged', async (_, abuse) => {
    const { consumer, expectNoStray, warn, failures } = await delivered(abuse);
    const bodies: string[] = [];
    await consumer.run(async ({ body }) => void bodies.push(body.toString()));
    await waitFor(() => bodies.length === 4);
    await expectNoStray();
    expect(failures).toEqual([]);
    expect(warn.mock.calls.map(([, fields]) => String(fields?.error))).toEqual([
      expect.stringMatching(/abuser.*boom/s),
    ]);
  });

  test('an iterator whose message an interceptor took away goes on with the others, each once', async () => {
    const { consumer, failures } = await delivered((context, next) => {
      next(context);
      return of({ kind: 'ack' });
    });
    const bodies: string[] = [];
    for await (const message of consumer.messages()) {
      bodies.push(message.body.toString());
      message.ack();
      if (bodies.length === 4) break;
    }
    expect(bodies.sort()).toEqual(['abuse', 'one', 'three', 'two']);
    expect(failures).toEqual([]);
  });

  test('a plugin that does not hand a delivery on, in or out, is named when its time is over', async () => {
    const cases: DeliveryInterceptor[] = [
      () => NEVER,
      (context, next) => {
        next(context);
        return NEVER;
      },
    ];
    const timedOut = { error: { code: 'RMQ_CONSUME_TIMEOUT', plugin: 'abuser' } };
    const consumed = await Promise.all(cases.map((abuse) => delivered(abuse, { consumeTimeoutMs: 1_000 })));
    for (const { consumer } of consumed) await consumer.run(() => undefined);
    for (const { failures } of consumed) {
      await waitFor(() => failures[0]);
      expect(failures).toMatchObject([timedOut]);
    }
  });

  test.each<[string, DeliveryInterceptor, string]>([
    [
      'the list of messages',
      (context, next) => {
        (context.messages as unknown[]).length = 0;
        return next(context);
      },
      'RMQ_PLUGIN_FAILED',
    ],
    [
      'the queue',
      (context, next) => {
        (context.queue as { -readonly [K in keyof MessageQueue]: MessageQueue[K] }).topic = 'elsewhere';
        return next(context);
      },
      'RMQ_PLUGIN_FAILED',
    ],
    [
      'messages into none',
      (context, next) => next(context.with({ messages: context.messages.map(() => null as never) })),
      'RMQ_PIPELINE_MISUSE',
    ],
    [
      'when it comes again into no time',
      () => of({ kind: 'retry', error: 'x', afterMs: Number.NaN }),
      'RMQ_PIPELINE_MISUSE',
    ],
  ])('a plugin that changes %s is named', async (_, abuse, code) => {
    const { consumer, failures } = await delivered(abuse);
    const bodies: string[] = [];
    await consumer.run(async ({ body }) => void bodies.push(body.toString()));
    await waitFor(() => bodies.length === 3);
    expect(bodies).not.toContain('abuse');
    expect(failures).toMatchObject([{ error: { code, message: expect.stringContaining('abuser') } }]);
  });
});
