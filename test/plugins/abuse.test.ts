/**
 * What a plugin does wrong harms the send or the delivery it does it to, which ends with an error that names the plugin; all
 * others on the same server, producer and consumer go on.
 */
import { concat, EMPTY, merge, mergeMap, NEVER, of, tap, throwError, timer } from 'rxjs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Compressor,
  connect,
  type DeliveryInterceptor,
  FaultStrategy,
  fromAsync,
  type Plugin,
  type ReceivedMessage,
  ResourceNames,
  type SendInterceptor,
  type SendResult,
  SendStage,
} from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { rejection } from '../pipeline/pipeline-kit.js';

const GAPS = ['check', 'route', 'select', 'compress', 'send', 'updateFault'] as const;
type Gap = (typeof GAPS)[number];
// biome-ignore lint/suspicious/noExplicitAny: an abuser does not care for types
type Abuse = SendInterceptor<any>;

/** A plugin that does something to messages whose body says `abuse`, and leaves all others alone. */
function abuser(gap: Gap, abuse: Abuse): Plugin<void> {
  const create = () => (context: Parameters<Abuse>[0], next: Parameters<Abuse>[1]) =>
    context.message.body === 'abuse' ? abuse(context, next) : next(context);
  return { name: 'abuser', setup: (host) => host.interceptSend({ before: gap, create } as never) };
}

async function setup(plugins: readonly Plugin[], cluster = embedded({ store: 'memory' })) {
  const mq = closeAfterTest(await connect({ cluster, plugins }));
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'makes the topic' });
  /** Sends an abused message between good ones, all at once; how the abused one failed. */
  const abused = async (message = { topic: 'T', body: 'abuse' }, timeoutMs = 5_000) => {
    const good = (index: number) => producer.send({ topic: 'T', body: `good ${index}` }, { timeoutMs: 10_000 });
    const before = [good(0), good(1), good(2)];
    const failing = rejection(producer.send(message, { timeoutMs }));
    const after = [good(3), good(4), good(5)];
    const results = await Promise.all([...before, ...after]);
    expect(results.map(({ status, attempts }) => [status, attempts])).toEqual(results.map(() => ['SEND_OK', 1]));
    const error = await failing;
    expect((await good(6)).status).toBe('SEND_OK');
    return error;
  };
  /** Bodies of everything that is stored. */
  const stored = async (count: number): Promise<string[]> => {
    const bodies: string[] = [];
    const consumer = await mq.consumer({ group: 'readers', subscribe: { T: '*' }, from: 'first' });
    await consumer.run(({ body }) => bodies.push(body.toString()));
    await waitFor(() => bodies.length >= count, { what: `${count} messages` });
    return bodies;
  };
  return { mq, producer, abused, stored };
}

/** Everything that a good run of `abused` stores. */
const GOOD = 8;
const fake = { status: 'SEND_OK' } as SendResult;
const boom = (): never => {
  throw new Error('boom');
};

describe('a plugin that throws', () => {
  test.each(GAPS)('before %s', async (gap) => {
    const { abused } = await setup([abuser(gap, boom)]);
    const sent = gap === 'updateFault' ? 'maybe' : 'no';
    expect(await abused()).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', retryable: false, sent });
  });

  test('later, or behind the send, or anything but an error', async () => {
    const later = await setup([abuser('route', () => throwError(() => 'words'))]);
    expect(await later.abused()).toMatchObject({
      code: 'RMQ_PLUGIN_FAILED',
      plugin: 'abuser',
      cause: 'words',
      sent: 'no',
    });
    const behind = await setup([abuser('check', (context, next) => next(context).pipe(tap(boom)))]);
    expect(await behind.abused()).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', sent: 'maybe' });
    const asynchronous = await setup([
      abuser(
        'send',
        fromAsync(async () => boom()),
      ),
    ]);
    expect(await asynchronous.abused()).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', sent: 'no' });
  });
});

describe('a plugin that never completes', () => {
  test.each(['check', 'select', 'send'] as const)('before %s', async (gap) => {
    const { abused, stored } = await setup([abuser(gap, () => NEVER)]);
    expect(await abused(undefined, 100)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser', sent: 'no' });
    expect(await stored(GOOD)).not.toContain('abuse');
  });

  test('though the send behind it has ended', async () => {
    const { abused, stored } = await setup([abuser('route', (context, next) => merge(next(context), NEVER))]);
    expect(await abused(undefined, 100)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser', sent: 'maybe' });
    expect(await stored(GOOD + 1)).toContain('abuse');
  });

  test('ends in half a result, which others would stumble over', async () => {
    const half = await setup([abuser('check', () => of({ status: 'SEND_OK' } as SendResult))]);
    const rule = expect.stringContaining('status, msgId and queue');
    expect(await half.abused()).toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
      interceptor: 'plugin abuser before check',
      rule,
    });
  });

  test('completes without a result, or has two', async () => {
    const empty = await setup([abuser('select', () => EMPTY)]);
    const misuse = { code: 'RMQ_PIPELINE_MISUSE', interceptor: 'plugin abuser before select' };
    expect(await empty.abused()).toMatchObject({ ...misuse, sent: 'no' });
    const two = await setup([abuser('select', (context, next) => concat(next(context), of(fake)))]);
    expect(await two.abused()).toMatchObject({ ...misuse, sent: 'maybe' });
  });
});

describe('a plugin that calls next twice', () => {
  test.each(GAPS)('before %s', async (gap) => {
    const { abused, stored } = await setup([
      abuser(gap, (context, next) => {
        next(context);
        return next(context);
      }),
    ]);
    expect(await abused()).toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
      interceptor: `plugin abuser before ${gap}`,
      rule: 'next is called once, with the context that belongs to it',
    });
    const bodies = await stored(GOOD);
    expect(bodies.filter((body) => body === 'abuse').length).toBeLessThanOrEqual(1);
  });

  test('after the first has failed, or with the context of another send', async () => {
    const again = (context: Parameters<Abuse>[0], next: Parameters<Abuse>[1]) =>
      next(context).pipe(mergeMap(() => next(context)));
    const { abused } = await setup([abuser('send', again)]);
    expect(await abused()).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', interceptor: 'plugin abuser before send' });

    let kept: Parameters<Abuse>[0] | undefined;
    const stealing = await setup([
      abuser('route', (context, next) => {
        const other = kept;
        kept = context;
        return next(other ?? context);
      }),
    ]);
    await stealing.producer.send({ topic: 'T', body: 'abuse' });
    expect(await stealing.abused()).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', interceptor: /abuser before route/ });
  });
});

describe('a plugin that changes in place', () => {
  const changes: Record<string, (context: Parameters<Abuse>[0]) => void> = {
    'the message': (context) => {
      context.message.body = 'stolen';
    },
    'its topic': (context) => {
      context.message.topic = 'elsewhere';
    },
    'its properties': (context) => {
      context.message.properties.owner = 'thief';
    },
    'its keys': (context) => context.message.keys.push('thief'),
    'the context': (context) => {
      context.message = { topic: 'T', body: 'stolen' };
    },
    'the topic': (context) => {
      context.topic = 'elsewhere';
    },
  };

  test.each(Object.keys(changes))('%s', async (what) => {
    const { abused, stored } = await setup([
      abuser('check', (context, next) => {
        changes[what]!(context);
        return next(context);
      }),
    ]);
    const properties = { owner: 'caller' };
    const message = { topic: 'T', body: 'abuse', keys: ['one'], properties };
    const error = await abused(message);
    expect(error).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', sent: 'no' });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(message).toEqual({ topic: 'T', body: 'abuse', keys: ['one'], properties: { owner: 'caller' } });
    expect(await stored(GOOD)).not.toContain('stolen');
  });

  test('what all sends share', async () => {
    const { abused, producer } = await setup([
      abuser('select', (context, next) => {
        context.publishInfo.queues.length = 0;
        return next(context);
      }),
    ]);
    expect(await abused()).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', sent: 'no' });
    expect((await producer.fetchPublishMessageQueues('T')).length).toBe(4);
  });

  test('the messages of a batch', async () => {
    const thief: Plugin<void> = {
      name: 'abuser',
      setup: (host) =>
        host.interceptSend({
          before: 'route',
          create: () => (context, next) => {
            if (context.batch !== undefined) (context.batch[1] as { body: string }).body = 'stolen';
            return next(context);
          },
        }),
    };
    const { producer } = await setup([thief]);
    const messages = ['one', 'two'].map((body) => ({ topic: 'T', body }));
    const error = await rejection(producer.sendBatch(messages));
    expect(error).toMatchObject({ code: 'RMQ_BATCH_INCOMPLETE', sent: 'no' });
    expect(error.cause).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser' });
    expect(messages.map(({ body }) => body)).toEqual(['one', 'two']);
  });
});

describe('a plugin that hands on what cannot be sent', () => {
  const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
  const bytes = Buffer.from('abuse');
  const changes: [what: string, gap: Gap, change: unknown, rule: RegExp][] = [
    ['text as a payload', 'send', { payload: { body: 'text', sysFlag: 0 } }, /takes as payload .* bytes/],
    ['words as a payload', 'send', { payload: { body: new Uint16Array(5), sysFlag: 0 } }, /takes as payload/],
    ['memory as a payload', 'send', { payload: { body: new ArrayBuffer(5), sysFlag: 0 } }, /takes as payload/],
    ['a payload that is to come', 'send', { payload: Promise.resolve({ body: bytes, sysFlag: 0 }) }, /as payload/],
    ['a payload without flags', 'send', { payload: { body: bytes } }, /takes as payload/],
    ['no payload', 'send', { payload: null }, /takes as payload/],
    ['half a queue', 'compress', { queue: { topic: 'T', queueId: 0 } }, /takes as queue/],
    ['a queue by its name', 'compress', { queue: { ...queue, queueId: '0' } }, /takes as queue/],
    ['a queue of another topic', 'compress', { queue: { ...queue, topic: 'elsewhere' } }, /of the same topic/],
    ['no message', 'route', { message: null }, /takes as message/],
    ['no topic', 'route', { topic: null }, /takes as topic/],
    ['a batch that is none', 'route', { batch: [] }, /change batch only of a send that is one/],
    ['what no context has', 'route', { tag: 'mine' }, /changes .* and no tag/],
    ['nothing', 'route', null, /takes an object/],
  ];

  test.each(changes)('%s', async (_, gap, change, rule) => {
    const { abused, stored } = await setup([abuser(gap, (context, next) => next(context.with(change)))]);
    expect(await abused()).toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
      interceptor: `plugin abuser before ${gap}`,
      rule: expect.stringMatching(rule),
      sent: 'no',
    });
    expect(await stored(GOOD)).toHaveLength(GOOD);
  });

  test.each<[unknown, object]>([
    ['ab', { code: 'RMQ_PIPELINE_MISUSE', interceptor: 'plugin abuser before route' }],
    [[null, null], { code: 'RMQ_MESSAGE_ILLEGAL', message: expect.stringContaining('plugin abuser before route') }],
  ])('%j as a batch', async (batch, cause) => {
    const setup_ = (host: Parameters<Plugin['setup']>[0]): void =>
      host.interceptSend({ before: 'route', create: () => (context, next) => next(context.with({ batch } as never)) });
    const mq = closeAfterTest(
      await connect({ cluster: embedded({ store: 'memory' }), plugins: [{ name: 'abuser', setup: setup_ }] }),
    );
    const producer = await mq.producer({ group: 'g' });
    const messages = ['one', 'two'].map((body) => ({ topic: 'T', body }));
    expect((await rejection(producer.sendBatch(messages))).cause).toMatchObject(cause);
  });

  test.each<[string, () => unknown]>([
    ['text', () => 'text'],
    ['text, later', async () => 'text'],
    ['nothing', () => undefined],
  ])('%s, from a compressor', async (_, compress) => {
    const compressor = { value: { type: 'ZLIB', sysFlagBits: 0, compress } as never };
    const { producer } = await setup([{ name: 'abuser', setup: (host) => host.bind(Compressor, compressor) }]);
    const error = await rejection(producer.send({ topic: 'T', body: 'long '.repeat(1_000) }));
    expect(error).toMatchObject({
      code: 'RMQ_PLUGIN_FAILED',
      message: expect.stringContaining('compress'),
      sent: 'no',
    });
  });
});

describe('a plugin that blocks', () => {
  const block = (durationMs: number): void => {
    const end = performance.now() + durationMs;
    while (performance.now() < end);
  };

  test.each(['check', 'compress', 'send'] as const)('beyond its own deadline before %s', async (gap) => {
    const { abused, stored } = await setup([
      abuser(gap, (context, next) => {
        block(120);
        return next(context);
      }),
    ]);
    expect(await abused(undefined, 60)).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser', sent: 'no' });
    expect(await stored(GOOD)).not.toContain('abuse');
  });

  test('while the answers to others arrive, which are read before anything counts as late', async () => {
    // A server in a thread of its own answers while this process is held up.
    const cluster = embedded({ store: 'memory', worker: true });
    const { producer } = await setup(
      [
        abuser('check', (context, next) => {
          // Waiting instead of working leaves a machine with one core to the server.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200);
          return next(context);
        }),
      ],
      cluster,
    );
    const good = (index: number) => producer.send({ topic: 'T', body: `good ${index}` }, { timeoutMs: 600 });
    const others = Array.from({ length: 5 }, (_, index) => good(index));
    // Their requests leave at the end of this turn's promises.
    for (let turn = 0; turn < 10; turn++) await undefined;
    const late = rejection(producer.send({ topic: 'T', body: 'abuse' }, { timeoutMs: 100 }));
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(others.map(() => 'SEND_OK'));
    expect(await late).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser', sent: 'no' });
  });
});

describe('a listener that throws', () => {
  test('harms nothing: what it throws is logged under its name', async () => {
    const error = vi.fn();
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error };
    const throwing: Plugin<void> = { name: 'abuser', setup: (host) => host.onSettled(boom) };
    const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins: [throwing], logger }));
    const producer = await mq.producer({ group: 'g' });
    expect((await producer.send({ topic: 'T', body: 'x' })).status).toBe('SEND_OK');
    expect(error).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ plugin: 'abuser' }));
  });
});

describe('a plugin whose create fails', () => {
  const create = ({ group }: { readonly group: string }): never => {
    if (group === 'bad') throw new Error('no key for this group');
    return (group === 'odd' ? 5 : undefined) as never;
  };

  test.each<[string, Plugin['setup']]>([
    ['interceptors of sends', (host) => host.interceptSend({ before: 'check', create })],
    ['interceptors of deliveries', (host) => host.interceptDelivery({ create })],
    ['filters', (host) => host.filterDelivery({ create })],
  ])('is named by that producer or consumer alone: %s', async (kind, attach) => {
    const { mq } = await setup([{ name: 'abuser', setup: attach }]);
    const made = async (group: string): Promise<unknown> => {
      if (kind === 'interceptors of sends') return mq.producer({ group });
      const consumer = await mq.consumer({ group, subscribe: { T: '*' } });
      return consumer.run(() => {});
    };
    const failed = { code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser' };
    expect(await rejection(made('bad'))).toMatchObject({ ...failed, message: expect.stringContaining('no key') });
    expect(await rejection(made('odd'))).toMatchObject({ ...failed, message: expect.stringContaining('a function') });
    await made('good');
  });
});

describe('a stage of a plugin’s own', () => {
  const stageOf = (run: unknown): Plugin => ({
    name: 'abuser',
    setup: (host) => host.bind(SendStage.select, { create: () => ({ run }) as never }),
  });
  const withStage = async (run: unknown) =>
    closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins: [stageOf(run)] }));

  test.each<[string, unknown, object]>([
    ['throws', boom, { code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser' }],
    ['never ends', () => NEVER, { code: 'RMQ_SEND_TIMEOUT', plugin: 'abuser' }],
    ['ends in nothing', () => EMPTY, { code: 'RMQ_PIPELINE_MISUSE', interceptor: 'stage select of plugin abuser' }],
    [
      'returns a promise',
      async () => fake,
      { code: 'RMQ_PIPELINE_MISUSE', interceptor: 'stage select of plugin abuser' },
    ],
  ])('that %s is named, and said by describe', async (_, run, failed) => {
    const mq = await withStage(run);
    const producer = await mq.producer({ group: 'g' });
    expect(producer.describe()).toContain('├─ 3 select (of abuser)\n├─ 4 compress');
    const sending = producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 500 });
    expect(await rejection(sending)).toMatchObject({ ...failed, sent: 'no' });
  });

  test('that is none is named by the producer', async () => {
    const failed = { code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', message: expect.stringContaining('no run') };
    expect(await rejection((await withStage(undefined)).producer({ group: 'g' }))).toMatchObject(failed);
  });
});

describe('a plugin whose part cannot be made', () => {
  class Broken {
    constructor() {
      boom();
    }
  }

  test.each<[string, Plugin['setup']]>([
    ['by a function', (host) => host.bind(FaultStrategy, { create: boom })],
    ['by a class', (host) => host.bind(FaultStrategy, { type: Broken as never })],
    ['of a stage', (host) => host.bind(SendStage.select, { create: boom })],
    ['for some producers', (host) => host.bind(FaultStrategy, { value: undefined as never }, { producers: boom })],
  ])('is named: %s', async (_, bind) => {
    const plugins: Plugin[] = [{ name: 'abuser', setup: bind }];
    const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins }));
    const failed = { code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser', message: expect.stringContaining('boom') };
    expect(await rejection(mq.producer({ group: 'g' }))).toMatchObject(failed);
  });

  test('is named by connect where the client itself needs it', async () => {
    const plugins: Plugin[] = [{ name: 'abuser', setup: (host) => host.bind(ResourceNames, { create: boom }) }];
    const connecting = connect({ cluster: embedded({ store: 'memory' }), plugins });
    expect(await rejection(connecting)).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'abuser' });
  });
});

describe('on the receiving side', () => {
  /** Consumes good messages and one abused first; resolves to how the abused one was answered. */
  async function consumed(abuse: DeliveryInterceptor) {
    const plugin: Plugin<void> = {
      name: 'abuser',
      setup: (host) =>
        host.interceptDelivery({
          create: () => (context, next) =>
            context.messages[0]?.body.toString() === 'abuse' ? abuse(context, next) : next(context),
        }),
    };
    const { mq, producer } = await setup([plugin]);
    const { queue } = await producer.send({ topic: 'T', body: 'abuse' });
    for (let index = 0; index < 5; index++) await producer.send({ topic: 'T', body: `good ${index}` }, { queue });
    const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first', concurrency: 2 });
    const failures: unknown[] = [];
    const bodies: string[] = [];
    const subscription = consumer.events$.subscribe((event) => {
      if (event.type === 'failed') failures.push(event);
    });
    onTestFinished(() => subscription.unsubscribe());
    await consumer.run((message: ReceivedMessage) => bodies.push(message.body.toString()));
    await waitFor(() => bodies.filter((body) => body.startsWith('good')).length === 5, { what: 'the good ones' });
    return { failures, bodies, close: () => mq.close({ timeoutMs: 0 }) };
  }

  test.each<[string, DeliveryInterceptor, string]>([
    ['throws', boom, 'RMQ_PLUGIN_FAILED'],
    ['fails', () => throwError(() => new Error('boom')), 'RMQ_PLUGIN_FAILED'],
    ['ends without an outcome', () => EMPTY, 'RMQ_PIPELINE_MISUSE'],
    [
      'calls next twice',
      (context, next) => {
        next(context);
        return next(context);
      },
      'RMQ_PIPELINE_MISUSE',
    ],
  ])('a plugin that %s has that message come again', async (_, abuse, code) => {
    const { failures, close } = await consumed(abuse);
    const failure = await waitFor(() => failures[0]);
    expect(failure).toMatchObject({ error: { code } });
    expect(JSON.stringify((failure as { error: Error }).error.message)).toContain('abuser');
    await close();
  });

  test('a plugin that never ends holds up its own message only', async () => {
    const { failures, bodies, close } = await consumed(() => merge(NEVER, timer(60_000).pipe(mergeMap(() => EMPTY))));
    expect(failures).toEqual([]);
    expect(bodies).not.toContain('abuse');
    await close();
  });
});
