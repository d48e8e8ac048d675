import { expect, test } from 'vitest';
import { Throughput } from '../../../core/server/broker/stats/throughput.js';

test('rates are of the last 10 seconds, minute and ten minutes, and empty before', () => {
  const throughput = new Throughput();
  expect(throughput.toString()).toBe('  ');
  for (let second = 0; second <= 10; second++) throughput.sample(second * 1_000, second * 5);
  expect(throughput.toString()).toBe('5  ');
  for (let second = 11; second <= 700; second++)
    throughput.sample(second * 1_000, second < 690 ? 50 : 50 + (second - 689) * 20);
  expect(throughput.rate(10)).toBeCloseTo(20);
  expect(throughput.rate(60)).toBeCloseTo((11 * 20) / 60);
  expect(throughput.rate(600)).toBeCloseTo((11 * 20) / 600);
});
