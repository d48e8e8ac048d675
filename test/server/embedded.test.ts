import { describe, expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { embedded } from '../../core/server/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { rawClient, SMALL_STORE, sendTo } from './kit/running.js';

describe('an embedded server', () => {
  test('does nothing before its first user, serves all of them, and stops with the last', async () => {
    const cluster = embedded({ dir: tempDir(), store: SMALL_STORE });
    expect(cluster.statistics).toBeUndefined();
    const [one, two] = await Promise.all([cluster.start(), cluster.start()]);
    expect(one.nameServers).toBe(two.nameServers);
    expect(one.transport).toBeUndefined();
    expect(cluster.statistics).toMatchObject({ connections: 1 });
    await one.release();
    await one.release();
    const client = rawClient();
    const asked = await client.invoke(two.nameServers, { code: 106 }, { timeoutMs: 3_000 });
    expect(asked.code).toBe(0);
    await two.release();
    expect(cluster.statistics).toBeUndefined();
    await expect(client.invoke(two.nameServers, { code: 106 }, { timeoutMs: 3_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/RMQ_CONNECT_FAILED|RMQ_CONNECTION_LOST/),
    });
  });

  test('starts again after it stopped, on the same addresses, also while it is stopping', async () => {
    const cluster = embedded({ dir: tempDir(), store: SMALL_STORE });
    const first = await cluster.start();
    const releasing = first.release();
    const second = await cluster.start();
    await releasing;
    expect(second.nameServers).toBe(first.nameServers);
    await second.release();
  });

  test('tells every user when it cannot start, and can be asked again', async () => {
    const dir = tempDir();
    const holder = embedded({ dir, store: SMALL_STORE });
    const held = await holder.start();
    const cluster = embedded({ dir, store: SMALL_STORE });
    const results = await Promise.allSettled([cluster.start(), cluster.start()]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RMQ_STORE_LOCKED' } });
    }
    await held.release();
    await (await cluster.start()).release();
  });

  test('in memory forgets, needs no directory, and hands its transport to its users', async () => {
    const transport = createMemoryTransport();
    const cluster = embedded({ store: 'memory', transport });
    const hold = await cluster.start();
    expect(hold.transport).toBe(transport);
    const client = rawClient(transport);
    const info = await client.invoke(hold.nameServers, { code: 106 }, { timeoutMs: 3_000 });
    const address = /"brokerAddrs":\{0:"([^"]+)"/.exec(info.body.toString())?.[1];
    expect(await sendTo(client, address!)).toMatchObject({ code: 0, ext: { queueOffset: '0' } });
    await hold.release();
    const again = await cluster.start();
    expect(cluster.statistics?.store.commitLogMaxOffset).toBe(0);
    await again.release();
  });

  test('checks its options before anything starts', () => {
    expect(() => embedded({})).toThrow(expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'dir' }));
  });
});
