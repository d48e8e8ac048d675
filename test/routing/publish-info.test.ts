import fc from 'fast-check';
import { expect, test } from 'vitest';
import { autoCreateRoute, publishInfoOf, sameRoute, subscribeQueuesOf } from '../../core/routing/publish-info.js';
import type { TopicRoute } from '../../core/routing/topic-route.js';
import { route } from './routes.js';

const names = (queues: readonly { brokerName: string; queueId: number }[] | undefined): string[] =>
  (queues ?? []).map((queue) => `${queue.brokerName}/${queue.queueId}`);

test('queues to publish to are the writable ones of brokers with a master, brokers by name', () => {
  const known = route({
    z: { write: 1 },
    a: { write: 2 },
    readonly: { perm: 4 },
    slaveOnly: { addresses: { 1: '10.0.0.9:1' } },
  });
  const info = publishInfoOf('T', known, false);
  expect(names(info?.queues)).toEqual(['a/0', 'a/1', 'z/0']);
  expect(info).toMatchObject({ topic: 'T', order: false, autoCreate: false });
});

test('a topic without a writable queue has no publish info', () => {
  expect(publishInfoOf('T', route({ a: { perm: 4 } }), false)).toBeUndefined();
  expect(publishInfoOf('T', { queueDatas: [], brokerDatas: [] }, false)).toBeUndefined();
});

test('an order configuration decides about queues and their order', () => {
  const info = publishInfoOf('T', { ...route({ a: {}, b: {} }), orderTopicConf: 'b:2;a:1' }, false);
  expect(names(info?.queues)).toEqual(['b/0', 'b/1', 'a/0']);
  expect(info?.order).toBe(true);
});

test('a broken order configuration yields only the parts that can be read', () => {
  const info = publishInfoOf('T', { ...route({ a: {} }), orderTopicConf: 'a:1;;b;c:x;:3;d:-1' }, false);
  expect(names(info?.queues)).toEqual(['a/0']);
});

test('queues to read are all with read permission, master or not', () => {
  const known = route({ a: { read: 2, perm: 4 }, b: { perm: 2 }, c: { read: 1, addresses: { 1: 'x:1' } } });
  expect(names(subscribeQueuesOf('T', known))).toEqual(['a/0', 'a/1', 'c/0']);
});

test('auto-creation takes the smaller of the wanted queues and those of the default topic', () => {
  const created = autoCreateRoute(route({ a: { read: 8, write: 8 }, b: { read: 2, write: 8 } }), 4);
  expect(created.queueDatas.map((data) => [data.readQueueNums, data.writeQueueNums])).toEqual([
    [4, 4],
    [2, 2],
  ]);
});

test('routes are the same whatever the order of brokers, queues and addresses in them', () => {
  const broker = fc.record({
    perm: fc.integer({ min: 0, max: 7 }),
    write: fc.integer({ min: 0, max: 3 }),
    addresses: fc.dictionary(fc.constantFrom('0', '1', '2'), fc.constantFrom('h:1', 'h:2')),
  });
  const reversed = (known: TopicRoute): TopicRoute => ({
    queueDatas: [...known.queueDatas].reverse(),
    brokerDatas: [...known.brokerDatas].reverse().map((data) => ({
      ...data,
      brokerAddrs: Object.fromEntries(Object.entries(data.brokerAddrs).reverse()),
    })),
  });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), broker), (brokers) => {
      const known = route(brokers);
      expect(sameRoute(known, reversed(known))).toBe(true);
    }),
  );
});

test('a route differs when queues, permissions, addresses or the order configuration do', () => {
  const known = route({ a: { write: 4 } });
  expect(sameRoute(known, route({ a: { write: 5 } }))).toBe(false);
  expect(sameRoute(known, route({ a: { write: 4, perm: 4 } }))).toBe(false);
  expect(sameRoute(known, route({ a: { write: 4, addresses: { 0: 'elsewhere:1' } } }))).toBe(false);
  expect(sameRoute(known, { ...known, orderTopicConf: 'a:1' })).toBe(false);
});
