import { expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import type { WireEvents } from '../../core/remoting/transport.js';
import { transportContract } from '../contract/transport.js';

const deaf: WireEvents = { data: () => {}, closed: () => {} };

transportContract('memory', () => createMemoryTransport());

test('two memory transports never meet, and each knows what it serves', async () => {
  const one = createMemoryTransport();
  const other = createMemoryTransport();
  await one.listen({ host: 'memory', port: 7 }, () => deaf);
  expect(one.serves('memory:7')).toBe(true);
  expect(other.serves('memory:7')).toBe(false);
  const connecting = other.connect('memory:7', { timeoutMs: 100, events: () => deaf });
  await expect(connecting).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED', address: 'memory:7' });
});

test('port 0 gives a port that is free here', async () => {
  const transport = createMemoryTransport();
  await transport.listen({ host: 'memory', port: 1 }, () => deaf);
  const second = await transport.listen({ host: 'memory', port: 0 }, () => deaf);
  const third = await transport.listen({ host: 'memory', port: 0 }, () => deaf);
  expect(new Set([1, second.address.port, third.address.port]).size).toBe(3);
});
