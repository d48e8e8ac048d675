import { expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { embedded } from '../../core/server/index.js';
import { embeddedContract } from '../contract/embedded.js';
import { rawClient, sendTo } from './kit/running.js';

embeddedContract('in this thread', {});

test('an embedded server hands its transport to its users', async () => {
  const transport = createMemoryTransport();
  const cluster = embedded({ store: 'memory', transport });
  const hold = await cluster.start();
  expect(hold.transport).toBe(transport);
  const client = rawClient(transport);
  const info = await client.invoke(hold.nameServers, { code: 106 }, { timeoutMs: 3_000 });
  const address = /"brokerAddrs":\{0:"([^"]+)"/.exec(info.body.toString())?.[1];
  expect(await sendTo(client, address!)).toMatchObject({ code: 0, ext: { queueOffset: '0' } });
  await hold.release();
});

test('an embedded server checks its options before anything starts', () => {
  expect(() => embedded({})).toThrow(expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'dir' }));
});
