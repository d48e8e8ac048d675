/**
 * A part that a plugin binds and that fails harms what asks it, whose error names the plugin, by whichever door: the client's
 * own stages and rooms are not blamed.
 */
import { describe, expect, test, vi } from 'vitest';
import {
  AllocateStrategy,
  Clock,
  Compressor,
  Compressors,
  type ConnectOptions,
  connect,
  FaultStrategy,
  Logger,
  NameServerResolver,
  OffsetStoreFactory,
  type Plugin,
  Random,
  ResourceNames,
  RouteTable,
  rocketMQError,
  type Token,
  Transport,
  UniqueIdGenerator,
} from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { rejection } from '../pipeline/pipeline-kit.js';

const LONG = { topic: 'T', body: 'long '.repeat(1_000) };
const NAMED = { code: 'RMQ_PLUGIN_FAILED', plugin: 'binder', message: expect.stringContaining('binder') };
const boom = (): never => {
  throw new Error('boom');
};
const later = async (): Promise<never> => boom();
const never = (): Promise<never> => new Promise(() => {});
const same = (name: string): string => name;
const names = { topicToWire: same, topicFromWire: same, groupToWire: same, groupFromWire: same };
const routes = { onChange: () => () => {}, brokers: () => [], topicAddresses: () => [] };
const faults = { record: () => {}, isAvailable: () => true };

function binding(part: Token<unknown>, value: unknown): Plugin {
  return { name: 'binder', setup: (host) => host.bind(part, { value }) };
}

/** With a codec of another kind in front, so that the list is asked. */
function both(part: Token<unknown>, value: unknown, first: unknown): Plugin {
  const setup = (host: Parameters<Plugin['setup']>[0]): void => {
    host.bind(part, { value });
    host.bind(Compressor, { value: first as never });
  };
  return { name: 'binder', setup };
}

/** Everything that was logged with an error. */
function listening() {
  const logged: Record<string, unknown>[] = [];
  const line = (_message: string, fields?: Readonly<Record<string, unknown>>): void => void logged.push(fields ?? {});
  const said = (error: object) =>
    waitFor(() => logged.find((fields) => matches(fields.error, error)), { what: 'the log' });
  return { logger: { debug: line, info: line, warn: line, error: line }, said };
}

function matches(given: unknown, { code, plugin }: { readonly code?: string; readonly plugin?: string }): boolean {
  const error = given as { code?: unknown; plugin?: unknown } | undefined;
  return error?.code === code && error?.plugin === plugin;
}

async function setup(part: Token<unknown>, value: unknown, options: ConnectOptions = {}) {
  const cluster = embedded({ store: 'memory' });
  const plain = closeAfterTest(await connect({ cluster }));
  await (await plain.producer({ group: 'plain', compression: 'zlib' })).send(LONG);
  const mq = closeAfterTest(await connect({ cluster, plugins: [binding(part, value)], ...options }));
  return { mq, plain };
}

describe('a send names the plugin whose part', () => {
  test.each<[string, Token<unknown>, unknown, string]>([
    ['throws: choosing', FaultStrategy, { ...faults, choose: boom }, 'no'],
    ['throws: asking for brokers', FaultStrategy, { ...faults, isAvailable: boom }, 'no'],
    ['throws: recording', FaultStrategy, { ...faults, record: boom }, 'maybe'],
    ['gives text as an index', FaultStrategy, { ...faults, choose: () => 'length' }, 'no'],
    ['promises whether a broker is there', FaultStrategy, { ...faults, isAvailable: async () => true }, 'no'],
    ['rejects: asking for brokers', FaultStrategy, { ...faults, isAvailable: later }, 'no'],
    ['has no method', FaultStrategy, {}, 'no'],
    ['throws: compressing', Compressor, { compress: boom }, 'no'],
    ['rejects: compressing', Compressor, { compress: later }, 'no'],
    ['gives no bytes', Compressor, { compress: () => 'text' }, 'no'],
    ['gives no bytes, later', Compressor, { compress: async () => undefined }, 'no'],
    ['throws: writing a name', ResourceNames, { ...names, topicToWire: boom }, 'no'],
    ['gives no name', ResourceNames, { ...names, topicToWire: () => undefined }, 'no'],
    ['throws: routes', RouteTable, { ...routes, publishInfo: boom }, 'no'],
    ['rejects: routes', RouteTable, { ...routes, publishInfo: () => undefined, loadPublishInfo: later }, 'no'],
  ])('%s', async (_, part, value, sent) => {
    const { mq } = await setup(part, value);
    const producer = await mq.producer({ group: 'g' });
    expect(await rejection(producer.send(LONG))).toMatchObject({ ...NAMED, sent });
    if (sent === 'no') expect(await rejection(producer.sendOneway(LONG))).toMatchObject(NAMED);
  });

  test.each<[string, Token<unknown>, unknown]>([
    ['throws: making ids', UniqueIdGenerator, { next: boom }],
    ['gives no id', UniqueIdGenerator, { next: () => 5 }],
  ])('%s', async (_, part, value) => {
    const { mq } = await setup(part, value);
    const producer = await mq.producer({ group: 'g' });
    expect(await rejection(producer.send(LONG))).toMatchObject(NAMED);
    expect(await rejection(producer.sendBatch([LONG, LONG]))).toMatchObject(NAMED);
    expect(await rejection(producer.request(LONG))).toMatchObject(NAMED);
  });

  test.each<[string, Token<unknown>, unknown]>([
    ['rejects: name servers', NameServerResolver, { nameServers: later }],
    ['gives no list of name servers', NameServerResolver, { nameServers: async () => 'here' }],
    ['throws: name servers', NameServerResolver, { nameServers: boom }],
    ['takes chance for what it is not', Random, () => Number.NaN],
  ])('%s', async (_, part, value) => {
    const { mq } = await setup(part, value);
    expect(await rejection(mq.producer({ group: 'g' }).then((producer) => producer.send(LONG)))).toMatchObject(NAMED);
  });

  test.each<[string, Token<unknown>, unknown]>([
    ['compressing', Compressor, { compress: never }],
    ['name servers', NameServerResolver, { nameServers: never }],
    ['routes', RouteTable, { ...routes, publishInfo: () => undefined, loadPublishInfo: never }],
  ])('does not end: %s', async (_, part, value) => {
    const { mq } = await setup(part, value);
    const producer = await mq.producer({ group: 'g' });
    const late = rejection(producer.send(LONG, { timeoutMs: 50 }));
    expect(await late).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'binder', sent: 'no' });
  });

  test('does not end in a time that a send has, though a plugin has not', async () => {
    const { mq } = await setup(NameServerResolver, { nameServers: never }, { pluginTimeoutMs: 50 });
    const producer = await mq.producer({ group: 'g' });
    expect(await rejection(producer.send(LONG))).toMatchObject(NAMED);
  });

  test('does not connect', async () => {
    for (const connecting of [boom, later, () => undefined]) {
      const plugins = [binding(Transport, { name: 'broken', connect: connecting })];
      const mq = closeAfterTest(await connect({ nameServers: '127.0.0.1:1', plugins }));
      const error = await rejection((await mq.producer({ group: 'g' })).send(LONG));
      expect(error).toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE', message: NAMED.message });
    }
  });

  test('is told by a promise that rejects, in the log', async () => {
    const { logger, said } = listening();
    const { mq } = await setup(FaultStrategy, { ...faults, record: later }, { logger });
    expect((await (await mq.producer({ group: 'g' })).send(LONG)).status).toBe('SEND_OK');
    await said(NAMED);
  });
});

test('a codec that is not ready in time is named by the producer that asks for it', async () => {
  const { mq } = await setup(Compressor, { compress: boom, load: never }, { pluginTimeoutMs: 50 });
  expect(await rejection(mq.producer({ group: 'g' }))).toMatchObject(NAMED);
});

describe('a consumer names the plugin whose part', () => {
  test.each<[string, Token<unknown>, unknown]>([
    ['throws: sharing out', AllocateStrategy, { name: 'ODD', allocate: boom }],
    ['gives no queues', AllocateStrategy, { name: 'ODD', allocate: () => [{}] }],
    ['rejects: an offset', OffsetStoreFactory, () => ({ read: later, update() {}, async persist() {}, remove() {} })],
    [
      'does not end: an offset',
      OffsetStoreFactory,
      () => ({ read: never, update() {}, async persist() {}, remove() {} }),
    ],
    [
      'gives no offset',
      OffsetStoreFactory,
      () => ({ read: async () => 'x', update() {}, async persist() {}, remove() {} }),
    ],
    ['throws: decompressing', Compressor, { type: 'ZLIB', decompress: boom }],
    ['gives no bytes', Compressor, { type: 'ZLIB', decompress: () => undefined }],
    ['does not end: decompressing', Compressor, { type: 'ZLIB', decompress: never }],
  ])('%s', async (_, part, value) => {
    const { logger, said } = listening();
    const { mq } = await setup(part, value, { logger, pluginTimeoutMs: 100 });
    const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
    const events: unknown[] = [];
    const subscription = consumer.events$.subscribe((event) => events.push(event));
    await consumer.run(() => {}).catch((error: unknown) => events.push({ error }));
    const told = waitFor(() => events.find((event) => matches((event as { error?: unknown }).error, NAMED)), {
      what: 'the error',
    });
    await Promise.any([told, said(NAMED)]);
    subscription.unsubscribe();
    await mq.close({ timeoutMs: 0 });
  });

  test.each<[string, Token<unknown>, unknown]>([
    ['throws', Compressor, { type: 'ZLIB', decompress: boom }],
    ['rejects', Compressor, { type: 'ZLIB', decompress: later }],
    ['gives no bytes, of several', Compressors, [{ type: 'ZLIB', decompress: async () => 'text' }]],
  ])('and so does whoever pulls, pops and looks up: %s', async (_, part, value) => {
    const { logger, said } = listening();
    const kept = part === Compressors ? { value: { type: 'LZ4' } } : undefined;
    const { mq, plain } = await setup(part, value, {
      logger,
      ...(kept && { plugins: [both(part, value, kept.value)] }),
    });
    const producer = await plain.producer({ group: 'p' });
    const { queue, queueOffset, offsetMsgId } = await producer.send(LONG);
    const pull = await mq.pullConsumer({ group: 'pulls' });
    expect(await rejection(pull.pull(queue, '*', queueOffset!))).toMatchObject({
      cause: NAMED,
      message: NAMED.message,
    });
    expect(await rejection(mq.admin.viewMessage('T', offsetMsgId!))).toMatchObject(NAMED);
    const popping = await mq.consumer({
      group: 'pops',
      subscribe: { T: '*' },
      from: 'first',
      messageRequestMode: 'pop',
    });
    await popping.run(() => {});
    await said(NAMED);
    await mq.close({ timeoutMs: 0 });
  });
});

test('what a part says of a failure as its interface has it stays as it is', async () => {
  const missing = rocketMQError('RMQ_CODEC_MISSING', 'not installed', { codec: 'ZLIB' });
  const { mq } = await setup(Compressor, { compress: () => Promise.reject(missing) });
  const producer = await mq.producer({ group: 'g' });
  expect(await rejection(producer.send(LONG))).toMatchObject({ code: 'RMQ_CODEC_MISSING' });
});

test('a logger that throws harms nothing', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { mq } = await setup(Logger, { debug: boom, info: boom, warn: boom, error: later });
  expect((await (await mq.producer({ group: 'g' })).send(LONG)).status).toBe('SEND_OK');
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('binder'));
  warned.mockRestore();
});

test('a clock that throws is named', async () => {
  const clock = { now: boom, monotonic: () => performance.now(), setTimer: boom };
  const connecting = setup(Clock, clock).then(async ({ mq }) => (await mq.producer({ group: 'g' })).send(LONG));
  expect(await rejection(connecting)).toMatchObject(NAMED);
});

test('a part of a class sees its own state, and shows it', async () => {
  class Counting {
    #records = 0;
    readonly records = true;
    get count(): number {
      return this.#records;
    }
    record(): void {
      this.#records++;
    }
    isAvailable(): boolean {
      return this.#records >= 0;
    }
  }
  const counting = new Counting();
  const seen: unknown[] = [];
  const plugin: Plugin = {
    name: 'binder',
    setup: (host) => {
      host.bind(FaultStrategy, { value: counting });
      host.onStart(() => seen.push(host.resolve(FaultStrategy)));
    },
  };
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins: [plugin] }));
  await (await mq.producer({ group: 'g' })).send(LONG);
  expect(counting.count).toBe(1);
  expect(seen[0]).toMatchObject({ count: 1, records: true });
});
