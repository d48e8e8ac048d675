import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocateAveragely } from '../../../core/consumer/allocation/averagely.js';
import { allocateByConfig } from '../../../core/consumer/allocation/by-config.js';
import { allocateConsistently } from '../../../core/consumer/allocation/consistent-hash.js';
import { allocateNearby } from '../../../core/consumer/allocation/machine-room-nearby.js';
import { byPlace } from '../../../core/consumer/rebalance/rebalance.js';
import { groups, isShared, STRATEGIES } from './groups.js';

const queue = (queueId: number, brokerName = 'b') => ({ topic: 'T', brokerName, queueId });

describe.each(STRATEGIES)('$name', (strategy) => {
  test('gives every queue that it shares out to exactly one member, whatever the group', () => {
    fc.assert(
      fc.property(groups, ({ queues, clientIds }) => {
        const shares = clientIds.flatMap((id) => strategy.allocate('g', id, queues, clientIds));
        expect([...shares].sort(byPlace)).toEqual(queues.filter((one) => isShared(strategy, one)));
      }),
    );
  });

  test('gives nothing to one that the brokers do not know', () => {
    fc.assert(
      fc.property(groups, ({ queues, clientIds }) => {
        expect(strategy.allocate('g', 'east@stranger!', queues, clientIds)).toEqual([]);
      }),
    );
  });
});

test('CONSISTENT_HASH moves only queues of the member that came or went', () => {
  const strategy = allocateConsistently();
  fc.assert(
    fc.property(groups, ({ queues, clientIds }) => {
      const [gone = '', ...left] = clientIds;
      for (const id of left) {
        const before = strategy.allocate('g', id, queues, clientIds);
        const after = strategy.allocate('g', id, queues, left);
        expect(after).toEqual(expect.arrayContaining([...before]));
      }
      expect(strategy.allocate('g', gone, queues, left)).toEqual([]);
    }),
  );
});

test('CONSISTENT_HASH shares out more evenly with more places', () => {
  const clientIds = ['one', 'three', 'two'];
  const queues = Array.from({ length: 300 }, (_, queueId) => queue(queueId));
  const largest = (virtualNodeCount: number) => {
    const strategy = allocateConsistently({ virtualNodeCount });
    return Math.max(...clientIds.map((id) => strategy.allocate('g', id, queues, clientIds).length));
  };
  expect(largest(500)).toBeLessThan(130);
  expect(largest(1)).toBeGreaterThan(130);
  expect(() => allocateConsistently({ virtualNodeCount: 0 })).toThrow(RangeError);
});

test('CONFIG gives the queues of its list that there are', () => {
  const strategy = allocateByConfig([queue(1), queue(7), { ...queue(0), topic: 'other' }]);
  expect(strategy.allocate('g', 'anybody', [queue(0), queue(1), queue(2)], [])).toEqual([queue(1)]);
});

test('MACHINE_ROOM_NEARBY says where it knows no room', () => {
  const strategy = allocateNearby(allocateAveragely, { roomOfQueue: () => '', roomOfClient: () => 'east' });
  expect(() => strategy.allocate('g', 'me', [queue(0)], ['me'])).toThrow(/machine room/i);
  expect(strategy.name).toBe('MACHINE_ROOM_NEARBY-AVG');
});
