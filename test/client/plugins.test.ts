import { inject, injectable } from 'inversify';
import { expect, test } from 'vitest';
import {
  type AttemptContext,
  Clock,
  connect,
  type Plugin,
  ProducerScope,
  RequestCode,
  type SelectInput,
  type SelectStage,
  type SendHandler,
  SendStage,
  type StateKey,
  token,
  UniqueIdGenerator,
} from '../../core/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { fakeBroker, fakeCluster } from './fake-cluster.js';

/** Always the last queue; says whose it is. */
@injectable()
class LastQueue implements SelectStage {
  readonly group: string;

  constructor(@inject(ProducerScope) scope: ProducerScope) {
    this.group = scope.facts.group;
  }

  run(context: SelectInput, next: SendHandler<AttemptContext>) {
    const { queues } = context.publishInfo;
    return next(context.attempted(queues[queues.length - 1]!, context.publishInfo));
  }
}

test('a plugin replaces select for one producer, and only that producer is changed', async () => {
  const { nameServers, nameServer, broker } = await fakeCluster();
  nameServer.routes.set('T', broker.route(0, 4));
  const lastQueue: Plugin = {
    name: 'last-queue',
    setup: (host) =>
      host.bind(SendStage.select, { type: LastQueue }, { producers: ({ group }) => group === 'changed' }),
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [lastQueue] }));
  const [changed, plain] = [await mq.producer({ group: 'changed' }), await mq.producer({ group: 'plain' })];
  const queuesOf = async (producer: typeof plain): Promise<Set<string | undefined>> => {
    broker.sends.length = 0;
    for (let index = 0; index < 4; index++) await producer.send({ topic: 'T', body: 'x' });
    return new Set(broker.sends.map((request) => request.ext.e ?? request.ext.queueId));
  };
  expect(await queuesOf(changed)).toEqual(new Set(['3']));
  expect(await queuesOf(plain)).toEqual(new Set(['0', '1', '2', '3']));
});

test('a stage that is bound for all is made once per producer, of one client only', async () => {
  const { nameServers } = await fakeCluster();
  const made: string[] = [];
  const counting: Plugin = {
    name: 'counting',
    setup: (host) =>
      host.bind(SendStage.select, {
        create: (resolve) => {
          const scope = resolve(ProducerScope);
          made.push(scope.facts.group);
          return new LastQueue(scope);
        },
      }),
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [counting] }));
  const other = closeAfterTest(await connect({ nameServers }));
  for (const group of ['a', 'b']) await (await mq.producer({ group })).send({ topic: 'T', body: 'x' });
  await (await other.producer({ group: 'c' })).send({ topic: 'T', body: 'x' });
  expect(made).toEqual(['a', 'b']);
});

test('interceptors see sends of every producer but the internal ones, and listeners hear how each ended', async () => {
  const { nameServers, broker } = await fakeCluster();
  const seen: string[] = [];
  const settledSends: string[] = [];
  const watching: Plugin<{ report(): Promise<unknown> }> = {
    name: 'watching',
    setup(host) {
      host.interceptSend({
        before: 'check',
        create: ({ group }) =>
          group === 'ignored'
            ? undefined
            : (context, next) => {
                seen.push(`${group} ${context.topic}`);
                return next(context);
              },
      });
      host.onSettled((send, topic, outcome) => settledSends.push(`${send.producerGroup} ${topic} ${outcome.kind}`));
      return {
        report: async () => (await host.producer({ internal: true })).send({ topic: 'T', body: 'internal' }),
      };
    },
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [watching] }));
  await (await mq.producer({ group: 'g' })).send({ topic: 'T', body: 'x' });
  await (await mq.producer({ group: 'ignored' })).send({ topic: 'Unknown', body: 'x' }).catch(() => {});
  await mq.plugin(watching).report();
  expect(broker.sends).toHaveLength(2);
  expect(seen).toEqual(['g T']);
  expect(settledSends).toEqual(['g T result', 'ignored Unknown failure']);
});

test('requests are decorated and signed on their way out', async () => {
  const { nameServers, broker } = await fakeCluster();
  const signing: Plugin = {
    name: 'signing',
    setup(host) {
      host.interceptRequest('sign', (context, next) => {
        context.ext.set('Signature', `of ${context.ext.get('ns')}`);
        return next(context);
      });
      host.interceptRequest('decorate', (context, next) => {
        context.ext.set('ns', 'tenant');
        return next(context);
      });
    },
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [signing] }));
  await (await mq.producer({ group: 'g' })).send({ topic: 'T', body: 'x' });
  expect(broker.sends[0]?.ext).toMatchObject({ ns: 'tenant', Signature: 'of tenant' });
});

test('a plugin asks a broker by name, and answers what a broker asks', async () => {
  const { nameServers, broker } = await fakeCluster();
  const asked: string[] = [];
  broker.server.process(RequestCode.GET_BROKER_RUNTIME_INFO, () => ({ code: 0, remark: 'fine' }));
  const talking: Plugin<() => Promise<unknown>> = {
    name: 'talking',
    setup(host) {
      host.handle(RequestCode.CHECK_TRANSACTION_STATE, (request, address) => {
        asked.push(`${request.ext.msgId} from ${address}`);
        return undefined;
      });
      return async () => {
        const request = { code: RequestCode.GET_BROKER_RUNTIME_INFO };
        const byName = await host.invoke({ brokerName: 'broker-a', topic: 'T' }, request);
        const byAddress = await host.invoke({ address: broker.address }, request, { timeoutMs: 5_000 });
        await host.oneway({ brokerName: 'broker-a' }, { code: RequestCode.UNREGISTER_CLIENT, ext: { oneway: true } });
        return [byName.remark, byAddress.remark];
      };
    },
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [talking] }));
  expect(await mq.plugin(talking)()).toEqual(['fine', 'fine']);
  await waitFor(() => broker.farewells.length === 1);
  for (const connection of broker.connections) {
    connection.oneway({ code: RequestCode.CHECK_TRANSACTION_STATE, ext: { msgId: 'm1' } });
  }
  await waitFor(() => asked.length === 1);
  expect(asked).toEqual([`m1 from ${broker.address}`]);
});

test('a broker that no route names is an error with its name', async () => {
  const { nameServers } = await fakeCluster();
  const outside = await fakeBroker('outside');
  const asking: Plugin<(brokerName: string, topic?: string) => Promise<unknown>> = {
    name: 'asking',
    setup: (host) => (brokerName, topic) =>
      host.invoke(
        { brokerName, ...(topic === undefined ? {} : { topic }) },
        { code: RequestCode.GET_BROKER_RUNTIME_INFO },
      ),
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [asking] }));
  const ask = mq.plugin(asking);
  await expect(ask(outside.name)).rejects.toMatchObject({ code: 'RMQ_BROKER_NOT_FOUND', broker: 'outside' });
  await expect(ask(outside.name, 'T')).rejects.toMatchObject({ code: 'RMQ_BROKER_NOT_FOUND', topic: 'T' });
});

test('describe shows what plugins attached', async () => {
  const auditing: Plugin = {
    name: 'auditing',
    setup: (host) => host.interceptSend({ after: 'route', create: () => (context, next) => next(context) }),
  };
  const mq = closeAfterTest(await connect({ nameServers: 'a:9876', plugins: [auditing] }));
  expect((await mq.producer({ group: 'g' })).describe()).toMatch(/route[\s\S]*auditing[\s\S]*select/);
});

test('a plugin asks for parts: the client’s own, one that another plugin bound, and none', async () => {
  interface Greeter {
    greet(): string;
  }
  const Greeter = token<Greeter>('test.Greeter');
  const Nobody = token<Greeter>('test.Nobody');
  const given: { early?: unknown } = {};
  const asking: Plugin<() => readonly unknown[]> = {
    name: 'asking',
    setup(host) {
      try {
        host.resolve(Greeter);
      } catch (error) {
        given.early = error;
      }
      return () => [host.resolve(Greeter)?.greet(), host.resolve(Nobody), host.resolve(UniqueIdGenerator)?.next()];
    },
  };
  const binding: Plugin = {
    name: 'binding',
    setup: (host) => host.bind(Greeter, { create: (resolve) => ({ greet: () => typeof resolve(Clock).now() }) }),
  };
  const mq = closeAfterTest(await connect({ nameServers: 'a:9876', plugins: [asking, binding] }));
  expect(mq.plugin(asking)()).toEqual(['number', undefined, expect.stringMatching(/^[0-9A-F]{32,56}$/)]);
  expect(given.early).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});

test('a plugin that offers sends of its own hands its interceptor a value with each of them, gathered sends apart', async () => {
  const { nameServers, nameServer, broker } = await fakeCluster();
  nameServer.routes.set('T', broker.route(0, 4));
  const KEY: StateKey<string> = { name: 'mine' };
  const seen: (string | undefined)[] = [];
  const watching: Plugin = {
    name: 'watching',
    setup: (host) =>
      host.interceptSend({
        before: 'check',
        create: () => (context, next) => {
          seen.push(context.batch === undefined ? context.get(KEY) : 'gathered');
          return next(context);
        },
      }),
  };
  const mq = closeAfterTest(await connect({ nameServers, plugins: [watching] }));
  const producer = await mq.producer({ group: 'g', autoBatch: { lingerMs: 1 } });
  const message = { topic: 'T', body: 'x' };
  await Promise.all([
    producer.send(message, { slots: [{ key: KEY, value: 'one' }] }),
    producer.send(message, { slots: [{ key: KEY, value: 'two' }] }),
    producer.sendOneway(message),
  ]);
  expect(seen.sort()).toEqual(['one', 'two', undefined]);
});
