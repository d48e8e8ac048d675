import { expect, test } from 'vitest';
import { PeerWarnings } from '../../core/remoting/peer-warnings.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

function setup() {
  const clock = virtualClock();
  const lines: [string, unknown][] = [];
  const logger = { ...silentLogger, warn: (words: string, fields?: object) => void lines.push([words, fields]) };
  return { clock, lines, warnings: new PeerWarnings(clock, logger) };
}

test('a host that does the same wrong again and again is warned about once a minute, with what was left out', async () => {
  const { clock, lines, warnings } = setup();
  for (let port = 1; port <= 100; port++) warnings.warn('nonsense', `10.0.0.1:${port}`, 'bad');
  expect(lines).toEqual([['nonsense', { address: '10.0.0.1:1', error: 'bad' }]]);
  await clock.advance('1m');
  warnings.warn('nonsense', '10.0.0.1:101', 'bad');
  expect(lines[1]).toEqual(['nonsense', { address: '10.0.0.1:101', error: 'bad', omitted: 99 }]);
});

test('another host, and another kind of wrong, are lines of their own', () => {
  const { lines, warnings } = setup();
  warnings.warn('nonsense', '10.0.0.1:1', 'bad');
  warnings.warn('nonsense', '[::1]:1', 'bad');
  warnings.warn('no handshake', '10.0.0.1:2', 'bad');
  expect(lines).toHaveLength(3);
});

test('what it remembers of hosts is bounded', () => {
  const { lines, warnings } = setup();
  for (let host = 0; host < 5_000; host++) warnings.warn('nonsense', `10.0.${host >> 8}.${host & 255}:1`, 'bad');
  warnings.warn('nonsense', '10.0.19.135:2', 'bad');
  warnings.warn('nonsense', '10.0.0.0:2', 'bad');
  expect(lines).toHaveLength(5_001);
});
