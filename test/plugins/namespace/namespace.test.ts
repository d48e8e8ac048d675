import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localOffsetsDir } from '../../../core/consumer/broadcasting/local-offsets-dir.js';
import {
  connect,
  type Plugin,
  type ReceivedMessage,
  RequestCode,
  ResponseCode,
  type StageEvent,
} from '../../../core/index.js';
import { embedded } from '../../../core/server/index.js';
import { pluginConformance, testKit } from '../../../core/testing/index.js';
import { type NamespaceOptions, namespace } from '../../../plugins/namespace/index.js';
import { fakeCluster } from '../../client/fake-cluster.js';
import { CONSUMER_KINDS } from '../../consumer/kit/consumer-kinds.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { tempDir } from '../../kit/temp-dir.js';
import { waitFor } from '../../kit/wait-for.js';

const inNamespace = (name: string) => namespace({ namespace: name });

/** Lets a test ask servers as a plugin does. */
function looking() {
  let ask: ((code: number, ext: Record<string, string>, topic?: string) => Promise<string>) | undefined;
  const plugin: Plugin<void> = {
    name: 'looking',
    setup(host) {
      ask = async (code, ext, topic) => {
        const target = topic === undefined ? { brokerName: 'broker-a' } : { brokerName: 'broker-a', topic };
        const { code: answer, body, remark } = await host.invoke(target, { code, ext });
        return answer === ResponseCode.SUCCESS ? body.toString() : `${answer} ${remark}`;
      };
    },
  };
  return { plugin, ask: (code: number, ext: Record<string, string>, topic?: string) => ask!(code, ext, topic) };
}

describe('two namespaces on one server', () => {
  async function setup() {
    const kit = closeAfterTest(await testKit());
    const open = (...plugins: Plugin[]) => kit.connect({ plugins });
    const look = looking();
    const clients = {
      a: await open(inNamespace('A'), look.plugin),
      b: await open(inNamespace('B')),
      plain: await open(),
    };
    return { kit, clients, look };
  }

  test('never meet, though their topics and groups have the same names', async () => {
    const { kit, clients } = await setup();
    const received: Record<string, ReceivedMessage[]> = {};
    for (const [name, mq] of Object.entries(clients)) {
      const producer = await mq.producer({ group: 'g' });
      for (let index = 0; index < 12; index++) await producer.send({ topic: 'orders', body: `${name} ${index}` });
    }
    for (const [name, mq] of Object.entries(clients)) {
      received[name] = [];
      const consumer = await mq.consumer({ group: 'readers', subscribe: { orders: '*' }, from: 'first' });
      await consumer.run((message: ReceivedMessage) => received[name]!.push(message));
    }
    await kit.clock.settle();
    for (const [topic, name] of Object.entries({ 'A%orders': 'a', 'B%orders': 'b', orders: 'plain' })) {
      expect((await kit.messages(topic)).every(({ value }) => value.startsWith(name))).toBe(true);
    }
    for (const [name, messages] of Object.entries(received)) {
      expect(messages.map(({ body }) => body.toString()).sort()).toEqual(
        Array.from({ length: 12 }, (_, index) => `${name} ${index}`).sort(),
      );
      expect(new Set(messages.map(({ topic }) => topic))).toEqual(new Set(['orders']));
      const instances = new Set(messages.map(({ properties }) => properties.INSTANCE_ID));
      expect(instances).toEqual(new Set([name === 'plain' ? undefined : name.toUpperCase()]));
    }
  });

  test('results, events and descriptions show plain names, servers hear the full ones', async () => {
    const { kit, clients, look } = await setup();
    const producer = await clients.a.producer({ group: 'g' });
    const stages: StageEvent[] = [];
    producer.pipeline.events$.subscribe((event) => stages.push(event));
    const result = await producer.send({ topic: 'orders', body: 'x' });
    expect(result.queue.topic).toBe('orders');
    expect(producer.group).toBe('g');
    expect(new Set((await producer.fetchPublishMessageQueues('orders')).map(({ topic }) => topic))).toEqual(
      new Set(['orders']),
    );
    expect(JSON.stringify(stages)).toContain('"orders"');

    const consumer = await clients.a.consumer({ group: 'readers', subscribe: { orders: '*' }, from: 'first' });
    const events: unknown[] = [];
    consumer.events$.subscribe((event) => events.push(event));
    await consumer.run(() => {});
    await kit.clock.advance('5s');
    expect(events).toContainEqual(expect.objectContaining({ type: 'committed' }));
    expect(kit.offsets('A%readers', 'A%orders').some(({ offset }) => offset === 1)).toBe(true);
    expect(new Set(consumer.assignment().map(({ topic }) => topic))).toEqual(new Set(['orders']));
    for (const shown of [stages, events, consumer.assignment(), consumer.describe(), producer.describe()]) {
      expect(JSON.stringify(shown)).not.toContain('A%');
    }

    const members = (consumerGroup: string) => look.ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup });
    expect(await members('A%readers')).toContain(clients.a.clientId);
    expect(await members('readers')).not.toContain(clients.a.clientId);
    const topics = await look.ask(RequestCode.GET_ALL_TOPIC_CONFIG, {});
    expect(topics).toContain('"A%orders"');
    expect(topics).not.toContain('"orders"');
    const subscriptions = await look.ask(RequestCode.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'A%readers' });
    expect(subscriptions).toContain('"A%orders"');
    const producers = await look.ask(RequestCode.GET_PRODUCER_CONNECTION_LIST, {
      producerGroup: 'A%g',
      topic: 'A%orders',
    });
    expect(producers).toContain(clients.a.clientId);
  });

  test('retry and dead-letter topics have the namespace inside, system topics none', async () => {
    const { kit, clients, look } = await setup();
    const producer = await clients.a.producer({ group: 'g' });
    const consumer = await clients.a.consumer({ group: 'readers', subscribe: { orders: '*' }, from: 'first' });
    await producer.send({ topic: 'orders', body: 'x' });
    await consumer.run(() => {});
    const tried = { RECONSUME_TIME: '16' };
    await producer.send({ topic: '%RETRY%readers', body: 'again' });
    await producer.send({ topic: '%RETRY%readers', body: 'given up', systemProperties: tried });
    await producer.send({ topic: 'BenchmarkTest', body: 'system' });
    const topics = await look.ask(RequestCode.GET_ALL_TOPIC_CONFIG, {});
    expect(topics).toContain('"%RETRY%A%readers"');
    expect(topics).toContain('"%DLQ%A%readers"');
    expect(topics).toContain('"BenchmarkTest"');
    expect(topics).not.toContain('A%BenchmarkTest');

    const dead: ReceivedMessage[] = [];
    const undertaker = await clients.a.consumer({
      group: 'undertaker',
      subscribe: { '%DLQ%readers': '*' },
      from: 'first',
    });
    await undertaker.run((message: ReceivedMessage) => dead.push(message));
    await kit.clock.settle();
    expect(dead).toHaveLength(1);
    expect(dead[0]).toMatchObject({ topic: '%DLQ%readers', reconsumeTimes: 16 });
    expect(dead[0]?.body.toString()).toBe('given up');
  });

  test('every message of a batch is in the namespace', async () => {
    const { kit, clients, look } = await setup();
    const producer = await clients.a.producer({ group: 'g' });
    const results = await producer.sendBatch(['x', 'y', 'z'].map((body) => ({ topic: 'orders', body })));
    expect(new Set(results.map(({ queue }) => queue.topic))).toEqual(new Set(['orders']));
    const received: ReceivedMessage[] = [];
    const consumer = await clients.a.consumer({ group: 'readers', subscribe: { orders: '*' }, from: 'first' });
    await consumer.run((message: ReceivedMessage) => received.push(message));
    await kit.clock.settle();
    expect(received.map(({ topic, properties }) => `${topic} of ${properties.INSTANCE_ID}`)).toEqual(
      Array.from({ length: 3 }, () => 'orders of A'),
    );
    expect(await look.ask(RequestCode.GET_ALL_TOPIC_CONFIG, {})).not.toContain('"orders"');
  });

  test('plugins name topics as the application does', async () => {
    const { clients, look } = await setup();
    await (await clients.a.producer({ group: 'g' })).send({ topic: 'orders', body: 'x' });
    expect(await look.ask(RequestCode.GET_ALL_TOPIC_CONFIG, {}, 'orders')).toContain('"A%orders"');
  });

  test('an unknown topic is told by its plain name', async () => {
    const kit = closeAfterTest(await testKit({ server: { autoCreateTopicEnable: false } }));
    const mq = await kit.connect({ plugins: [inNamespace('A')] });
    const producer = await mq.producer({ group: 'g' });
    const error = await producer.send({ topic: 'nothing', body: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND', topic: 'nothing' });
  });

  test('a second producer, or consumer, of a group is told by its plain name', async () => {
    const { clients } = await setup();
    await clients.a.producer({ group: 'g' });
    const error = await clients.a.producer({ group: 'g' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RMQ_GROUP_DUPLICATE', group: 'g' });
    expect((error as Error).message).not.toContain('A%');
    await clients.b.producer({ group: 'g' });
    const consume = () => clients.a.consumer({ group: 'c', subscribe: { orders: '*' } });
    await (await consume()).run(() => {});
    await expect((await consume()).run(() => {})).rejects.toMatchObject({ code: 'RMQ_GROUP_DUPLICATE', group: 'c' });
  });

  test('a name that the namespace makes too long is refused before anything is sent', async () => {
    const { clients } = await setup();
    const producer = await clients.a.producer({ group: 'g' });
    const error = await producer.send({ topic: 't'.repeat(127), body: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic' });
    await expect(clients.a.producer({ group: 'g'.repeat(255) })).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
  });
});

describe('each kind of consumer shows plain names, and says full ones to servers and files', () => {
  test.each(CONSUMER_KINDS)('$kind', async ({ read, offsets }) => {
    const kit = closeAfterTest(await testKit({ running: true }));
    const said: string[] = [];
    const wire: Plugin<void> = {
      name: 'wire',
      setup: (host) =>
        host.interceptRequest('decorate', (context, next) => {
          said.push(JSON.stringify([...context.ext.values()]), Buffer.from(context.body ?? []).toString());
          return next(context);
        }),
    };
    const mq = await kit.connect({ plugins: [inNamespace('A'), wire] });
    await (await mq.producer({ group: 'g' })).send({ topic: 'orders', body: 'x' });
    const localOffsetStoreDir = tempDir();
    const reading = { group: 'readers', topic: 'orders', count: 1, localOffsetStoreDir };
    const { messages, close } = await read(mq, reading);
    expect(messages.map(({ topic }) => topic)).toEqual(['orders']);
    await close();
    const names = said.flatMap((text) => text.match(/"[^"]*(?:orders|readers)"/g) ?? []);
    expect(names).toEqual(expect.arrayContaining(['"A%orders"', '"A%readers"']));
    expect(names.filter((name) => !name.includes('A%'))).toEqual([]);
    if (offsets === 'in a file') {
      const file = join(localOffsetsDir(localOffsetStoreDir, mq.clientId, 'A%readers'), 'offsets.json');
      expect(await readFile(file, 'utf8')).toContain('"topic":"A%orders"}:1');
      expect(kit.offsets('A%readers', 'A%orders')).toEqual([]);
    } else {
      await waitFor(() => kit.offsets('A%readers', 'A%orders').some(({ offset }) => offset === 1));
    }
    expect(kit.offsets('readers')).toEqual([]);
  });
});

describe('version 2', () => {
  test('leaves names alone and says the namespace with every request', async () => {
    const { broker, nameServer, nameServers } = await fakeCluster();
    const plugins = [namespace({ namespace: 'a space', version: 2 })];
    const mq = closeAfterTest(await connect({ nameServers, plugins }));
    const producer = await mq.producer({ group: 'g' });
    const result = await producer.send({ topic: 'T', body: 'x' });
    await producer.sendOneway({ topic: 'T', body: 'y' });
    await waitFor(() => broker.sends.length === 2);
    expect(result.queue.topic).toBe('T');
    for (const request of [...nameServer.requests, ...broker.sends]) {
      expect(request.ext).toMatchObject({ nsd: 'true', ns: 'a space' });
    }
    expect(broker.sends[0]?.ext).toMatchObject({ a: 'g', b: 'T' });
    expect(broker.sends[0]?.ext.i).not.toContain('INSTANCE_ID');
    await mq.close();
    expect(broker.farewells).toEqual([expect.objectContaining({ nsd: 'true', ns: 'a space', producerGroup: 'g' })]);
  });

  test('a server that does not know it serves all the same', async () => {
    const plugins = [namespace({ namespace: 'ns', version: 2 })];
    const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins }));
    const producer = await mq.producer({ group: 'g' });
    expect(await producer.send({ topic: 'orders', body: 'x' })).toMatchObject({ status: 'SEND_OK' });
  });
});

describe('options', () => {
  const nameServers = 'MQ_INST_1234_Bay.region.example:9876';

  test('the namespace can come from the address of a name server', async () => {
    const plugin = namespace();
    const mq = closeAfterTest(await connect({ nameServers: `http://${nameServers}`, plugins: [plugin] }));
    expect(mq.plugin(plugin)).toEqual({ namespace: 'MQ_INST_1234_Bay' });
  });

  test('a namespace that is given comes before the address', async () => {
    const plugin = namespace({ namespace: 'ns' });
    const mq = closeAfterTest(await connect({ nameServers, plugins: [plugin] }));
    expect(mq.plugin(plugin)).toEqual({ namespace: 'ns' });
  });

  test('without either connect fails', async () => {
    for (const given of [{ nameServers: '127.0.0.1:9876' }, { cluster: embedded({ store: 'memory' }) }]) {
      await expect(connect({ ...given, plugins: [namespace()] })).rejects.toMatchObject({
        code: 'RMQ_PLUGIN_FAILED',
        plugin: 'namespace',
        cause: { code: 'RMQ_OPTIONS_INVALID', option: 'namespace' },
      });
    }
  });

  test.each<[string, object]>([
    ['namespace', { namespace: '' }],
    ['namespace', { namespace: 'a%b' }],
    ['namespace', { namespace: 'a b' }],
    ['namespace', { namespace: 7 }],
    ['namespace', { namespace: ' ', version: 2 }],
    ['version', { namespace: 'ns', version: 3 }],
    ['version', { namespace: 'ns', version: '1' }],
  ])('%s is refused: %j', (option, options) => {
    expect(() => namespace(options as NamespaceOptions)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }),
    );
  });
});

describe.each([1, 2] as const)('version %d keeps the contract of plugins', (version) => {
  for (const check of pluginConformance(() => namespace({ namespace: 'staging', version })))
    test(check.name, check.run);
});
