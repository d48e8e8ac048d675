import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateAveragely } from '../../core/consumer/allocation/averagely.js';
import { byPlace, shareOfTopic } from '../../core/consumer/rebalance/rebalance.js';
import type { MessageQueue } from '../../core/message/message.js';
import type { RouteTable } from '../../core/routing/route-table.js';

const queueArbitrary = fc.record({
  topic: fc.constant('orders'),
  brokerName: fc.constantFrom('broker-a', 'broker-b', 'broker-B', 'Broker-ä'),
  queueId: fc.nat(15),
});
const placeOf = ({ brokerName, queueId }: MessageQueue): string => `${brokerName}/${queueId}`;

test('members that hear of queues and members in any order come to shares that fit together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(queueArbitrary, { selector: placeOf, maxLength: 24 }),
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (queues, ids, random) => {
        const shuffled = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, key: random.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        const shares = await Promise.all(
          ids.map((clientId) =>
            shareOfTopic('orders', {
              group: 'billing',
              clientId,
              strategy: allocateAveragely,
              routes: { subscribeQueues: () => shuffled(queues) } as unknown as RouteTable,
              memberIds: async () => [...shuffled(ids), ids[0]!],
            }),
          ),
        );
        expect(shares.every(({ known, clientIds }) => known && clientIds.length === ids.length)).toBe(true);
        const owned = shares.flatMap(({ mine }) => mine.map(placeOf));
        expect(owned.sort()).toEqual(queues.map(placeOf).sort());
      },
    ),
  );
});

test('queues are sorted as Java sorts them: by UTF-16 units of the broker name, then by number', () => {
  const names = ['broker-b/2', 'Broker-z/0', 'broker-a/10', 'broker-a/9'].map((place) => {
    const [brokerName = '', queueId] = place.split('/');
    return { topic: 'orders', brokerName, queueId: Number(queueId) };
  });
  expect(names.sort(byPlace).map(placeOf)).toEqual(['Broker-z/0', 'broker-a/9', 'broker-a/10', 'broker-b/2']);
});

test('a client that the brokers do not know has no share, and says so', async () => {
  const share = await shareOfTopic('orders', {
    group: 'billing',
    clientId: 'stranger',
    strategy: allocateAveragely,
    routes: {
      subscribeQueues: () => undefined,
      loadSubscribeQueues: async () => [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }],
    } as unknown as RouteTable,
    memberIds: async () => ['other'],
  });
  expect(share).toEqual({ mine: [], queues: 1, clientIds: ['other'], known: false });
});
