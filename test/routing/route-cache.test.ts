import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { RouteCache, type RouteCacheOptions } from '../../core/routing/route-cache.js';
import type { TopicRoute } from '../../core/routing/topic-route.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { route } from './routes.js';

/** A cache on a name server whose knowledge and health the test decides. */
function setup(options: Partial<RouteCacheOptions> = {}) {
  const time = { ms: 0 };
  const known = new Map<string, TopicRoute>();
  const asked: string[] = [];
  const server = { away: false };
  const cache = new RouteCache({
    clock: { monotonic: () => time.ms },
    logger: silentLogger,
    query: async (topic) => {
      asked.push(topic);
      await Promise.resolve();
      if (server.away) {
        throw rocketMQError('RMQ_NAME_SERVER_UNREACHABLE', 'away', { failures: [] });
      }
      return { address: 'ns:9876', value: known.get(topic) };
    },
    ...options,
  });
  return { cache, known, asked, server, time };
}

test('concurrent misses of one topic share one request', async () => {
  const { cache, known, asked } = setup();
  known.set('T', route({ a: {} }));
  expect(cache.publishInfo('T')).toBeUndefined();
  const [first, second] = await Promise.all([cache.loadPublishInfo('T'), cache.loadPublishInfo('T')]);
  await Promise.all([cache.loadSubscribeQueues('T'), cache.loadSubscribeQueues('T')]);
  expect(asked).toEqual(['T', 'T']);
  expect(first).toBe(second);
  expect(cache.publishInfo('T')).toBe(first);
  expect(cache.subscribeQueues('T')).toHaveLength(4);
});

test('an unknown topic and the lack of an answer are different errors', async () => {
  const { cache, server } = setup();
  await expect(cache.loadPublishInfo('T')).rejects.toMatchObject({
    code: 'RMQ_ROUTE_NOT_FOUND',
    topic: 'T',
    nameServer: 'ns:9876',
    retryable: false,
  });
  await expect(cache.loadSubscribeQueues('T')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  server.away = true;
  await expect(cache.loadPublishInfo('T')).rejects.toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE' });
  await expect(cache.loadSubscribeQueues('T')).rejects.toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE' });
});

test('a topic that does not exist is published through the default topic until it exists', async () => {
  const { cache, known, asked } = setup();
  known.set('TBW102', route({ a: { read: 8, write: 8, perm: 7 } }));
  const created = await cache.loadPublishInfo('T', { defaultTopicQueueNums: 2 });
  expect(created).toMatchObject({ topic: 'T', autoCreate: true });
  expect(created.queues).toEqual([
    { topic: 'T', brokerName: 'a', queueId: 0 },
    { topic: 'T', brokerName: 'a', queueId: 1 },
  ]);
  expect(asked).toEqual(['T', 'TBW102']);
  expect(cache.subscribeQueues('T')).toBeUndefined();
  await expect(cache.loadSubscribeQueues('T')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });

  known.set('TBW102', route({ a: { perm: 7 }, b: { perm: 7 } }));
  await cache.refresh();
  expect(cache.publishInfo('T')?.queues).toHaveLength(4);

  known.set('T', route({ a: {} }));
  await cache.refresh();
  expect(cache.publishInfo('T')).toMatchObject({ autoCreate: false });
  expect(cache.subscribeQueues('T')).toHaveLength(4);
});

test('another default topic is asked when the producer names one', async () => {
  const { cache, known, asked } = setup();
  known.set('MyDefault', route({ a: {} }));
  await cache.loadPublishInfo('T', { createTopicKey: 'MyDefault' });
  expect(asked).toEqual(['T', 'MyDefault']);
});

test('old routes stay while name servers are away, and when a fresh name server has forgotten the topic', async () => {
  const { cache, known, server, asked } = setup();
  known.set('T', route({ a: {} }));
  known.set('TBW102', route({ b: { perm: 7 } }));
  const info = await cache.loadPublishInfo('T');
  server.away = true;
  await cache.refresh();
  expect(await cache.loadPublishInfo('T')).toBe(info);
  expect(await cache.loadSubscribeQueues('T')).toHaveLength(4);
  server.away = false;
  known.delete('T');
  await cache.refresh();
  expect(cache.publishInfo('T')).toBe(info);
  expect(await cache.loadPublishInfo('T')).toBe(info);
  expect(asked).not.toContain('TBW102');
  expect(cache.brokerAddress('a')).toBe('a:10911');
});

test('a subscriber of a topic that is only being created hears that the name server is away', async () => {
  const { cache, known, server } = setup();
  known.set('TBW102', route({ a: { perm: 7 } }));
  await cache.loadPublishInfo('T');
  server.away = true;
  await expect(cache.loadSubscribeQueues('T')).rejects.toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE' });
});

test('a topic without a writable queue says so and may be tried again', async () => {
  const { cache, known } = setup();
  known.set('T', route({ a: { addresses: { 1: 'a-slave:10911' } } }));
  await expect(cache.loadPublishInfo('T')).rejects.toMatchObject({
    code: 'RMQ_ROUTE_NOT_FOUND',
    retryable: true,
    message: expect.stringContaining('no queue of it can be written'),
  });
  expect(await cache.loadSubscribeQueues('T')).toHaveLength(4);
});

test('a publish info is replaced only when the route changed, and listeners hear of it', async () => {
  const { cache, known } = setup();
  const changes: string[] = [];
  const stop = cache.onChange((topic) => changes.push(topic));
  known.set('T', route({ a: {} }));
  const info = await cache.loadPublishInfo('T');
  await cache.refresh();
  expect(cache.publishInfo('T')).toBe(info);
  expect(changes).toEqual(['T']);
  known.set('T', route({ a: {}, b: {} }));
  await cache.refresh();
  expect(cache.publishInfo('T')?.queues).toHaveLength(8);
  stop();
  known.set('T', route({ b: {} }));
  await cache.refresh();
  expect(changes).toEqual(['T', 'T']);
});

test('a listener that throws is logged and stops nobody', async () => {
  const errors: string[] = [];
  const { cache, known } = setup({ logger: { ...silentLogger, error: (message) => errors.push(message) } });
  known.set('T', route({ a: {} }));
  cache.onChange(() => {
    throw new Error('mine');
  });
  await expect(cache.loadPublishInfo('T')).resolves.toMatchObject({ topic: 'T' });
  expect(errors).toEqual(['a listener of route changes threw']);
});

test('an unknown broker address is looked for once more, then it is missing', async () => {
  const { cache, known, asked, server } = setup();
  known.set('T', route({ a: {} }));
  expect(await cache.loadBrokerAddress('a', 'T')).toBe('a:10911');
  expect(await cache.loadBrokerAddress('a', 'T')).toBe('a:10911');
  expect(asked).toEqual(['T']);
  await expect(cache.loadBrokerAddress('gone', 'T')).rejects.toMatchObject({
    code: 'RMQ_BROKER_NOT_FOUND',
    broker: 'gone',
    topic: 'T',
  });
  expect(asked).toEqual(['T', 'T']);
  server.away = true;
  await expect(cache.loadBrokerAddress('gone', 'T')).rejects.toMatchObject({ code: 'RMQ_NAME_SERVER_UNREACHABLE' });
});

test('brokers that no route names any more are forgotten at the next refresh', async () => {
  const { cache, known } = setup();
  known.set('T', route({ a: {}, b: { addresses: { 0: 'b:1', 1: 'b:2' } } }));
  known.set('U', route({ c: { addresses: { 1: 'c:2' } } }));
  await cache.loadPublishInfo('T');
  await cache.loadSubscribeQueues('U');
  expect(cache.brokers()).toHaveLength(4);
  expect(cache.topicAddresses('T')).toEqual(['a:10911', 'b:1']);
  expect(cache.topicAddresses('U')).toEqual(['c:2']);
  expect(cache.topicAddresses('unheard of')).toEqual([]);
  known.set('T', route({ a: { addresses: { 0: 'a:9' } } }));
  await cache.refresh();
  expect(cache.brokers()).toEqual([
    { brokerName: 'a', brokerId: 0, address: 'a:9' },
    { brokerName: 'c', brokerId: 1, address: 'c:2' },
  ]);
});

test('a refresh round ends with the first topic for which no name server can be asked', async () => {
  const { cache, known, server, asked } = setup();
  for (let index = 0; index < 40; index++) {
    known.set(`T${index}`, route({ a: {} }));
    await cache.loadPublishInfo(`T${index}`);
  }
  asked.length = 0;
  server.away = true;
  await cache.refresh();
  expect(asked.length).toBeLessThanOrEqual(8);
  server.away = false;
  asked.length = 0;
  await cache.refresh();
  expect(new Set(asked).size).toBe(40);
});

test('advertised addresses go through the address map, by host and port or by host', async () => {
  const { cache, known } = setup({ resolveAddress: { '10.0.0.1:10911': 'localhost:20911', '10.0.0.2': 'nat' } });
  known.set('T', route({ a: { addresses: { 0: '10.0.0.1:10911', 1: '10.0.0.2:10915', 2: '10.0.0.3:1' } } }));
  await cache.loadPublishInfo('T');
  expect([0, 1, 2].map((id) => cache.brokerAddress('a', id))).toEqual(['localhost:20911', 'nat:10915', '10.0.0.3:1']);
});

test('an address function that does not answer with an address is named', async () => {
  const { cache, known } = setup({
    resolveAddress: (address, { brokerName, brokerId }) => (brokerId === 0 ? `${brokerName}.example:${address}` : ''),
  });
  known.set('T', route({ a: { addresses: { 0: '1' } } }));
  await cache.loadPublishInfo('T');
  expect(cache.brokerAddress('a')).toBe('a.example:1');
  known.set('U', route({ a: { addresses: { 1: '1' } } }));
  await expect(cache.loadPublishInfo('U')).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'resolveAddress',
  });
});

test('a topic that nobody asks for any more is forgotten after hours, unless a broker would be with it', async () => {
  const { cache, known, asked, time } = setup();
  known.set('read', route({ a: {} }));
  known.set('sent', route({ a: {}, b: {} }));
  known.set('left', route({ a: {}, b: {} }));
  known.set('alone', route({ c: {} }));
  for (const topic of known.keys()) await cache.loadPublishInfo(topic);
  const refreshedAfter = async (hours: number): Promise<string[]> => {
    for (let hour = 0; hour < hours; hour++) {
      time.ms += 3_600_000;
      cache.subscribeQueues('read');
      cache.publishInfo('sent');
      asked.length = 0;
      await cache.refresh();
    }
    return asked.sort();
  };
  expect(await refreshedAfter(2)).toEqual(['alone', 'left', 'read', 'sent']);
  expect(await refreshedAfter(2)).toEqual(['alone', 'read', 'sent']);
  expect(cache.brokers().map(({ brokerName }) => brokerName)).toEqual(['a', 'b', 'c']);
  expect(cache.brokerAddress('c')).toBeDefined();
  expect(cache.publishInfo('left')).toBeUndefined();
  expect(await cache.loadPublishInfo('left')).toMatchObject({ topic: 'left' });
});
