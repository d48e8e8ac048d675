import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateAveragely } from '../../../core/consumer/allocation/averagely.js';

const queuesOf = (count: number) =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }));
const idsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => `client-${String(index).padStart(3, '0')}`);

/** AVG as RocketMQ's documentation of the protocol states it, member by member. */
function javaShare(n: number, m: number, i: number): number[] {
  const mod = n % m;
  const size = n <= m ? 1 : Math.floor(n / m) + (mod > 0 && i < mod ? 1 : 0);
  const start = mod > 0 && i < mod ? i * size : i * size + mod;
  const count = Math.max(0, Math.min(size, n - start));
  return Array.from({ length: count }, (_, index) => start + index);
}

test('every queue has exactly one owner, for any number of queues and members', () => {
  fc.assert(
    fc.property(fc.nat(64), fc.integer({ min: 1, max: 40 }), (n, m) => {
      const ids = idsOf(m);
      const shares = ids.map((id) => allocateAveragely.allocate('g', id, queuesOf(n), ids));
      expect(shares.flat().map(({ queueId }) => queueId)).toEqual(queuesOf(n).map(({ queueId }) => queueId));
      const sizes = shares.map((share) => share.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test('shares are those of Java members, so that both may form one group', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 40 }), (n, m) => {
      const ids = idsOf(m);
      ids.forEach((id, i) => {
        const mine = allocateAveragely.allocate('g', id, queuesOf(n), ids).map(({ queueId }) => queueId);
        expect(mine).toEqual(javaShare(n, m, i));
      });
    }),
  );
});

test('a member that the brokers do not know gets nothing', () => {
  expect(allocateAveragely.allocate('g', 'stranger', queuesOf(4), idsOf(2))).toEqual([]);
  expect(allocateAveragely.allocate('g', 'stranger', queuesOf(4), [])).toEqual([]);
});
