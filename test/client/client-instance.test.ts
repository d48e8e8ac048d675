import { expect, test } from 'vitest';
import { ClientInstance } from '../../core/client/client-instance.js';
import type { ClientParts } from '../../core/client/client-parts.js';
import type { Plugin } from '../../core/plugin/plugin.js';
import { PluginManager } from '../../core/plugin/plugin-manager.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { Scheduler } from '../../core/runtime/scheduler.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

/** An instance whose parts note what is done to them. */
async function setup(plugins: readonly Plugin[], failing: { readonly release?: Error } = {}) {
  const clock = virtualClock();
  const steps: string[] = [];
  const note = (step: string) => async (): Promise<void> => {
    steps.push(step);
  };
  const manager = new PluginManager(plugins, { clientId: 'id', clock, logger: silentLogger, timeoutMs: 1000 });
  await manager.setup();
  const parts = {
    clientId: 'id',
    clock,
    logger: silentLogger,
    remoting: { handle: () => {}, retainAddresses: () => steps.push('retain'), close: note('disconnect') },
    routes: { refresh: note('refresh'), brokers: () => [] },
    nameServers: { nameServers: async () => ['a:9876'], refresh: note('address server') },
    membership: {
      heartbeat: note('heartbeat'),
      closeBy: () => {},
      leaveAll: note('leave'),
      close: note('membership closed'),
    },
    scheduler: new Scheduler(clock, silentLogger),
    plugins: manager,
    replier: { state: 'running', close: async () => {} },
    createProducer: () => Promise.reject(new Error('unused')),
    createConsumer: () => {
      throw new Error('unused');
    },
    pollNameServerIntervalMs: 30_000,
    heartbeatIntervalMs: 30_000,
    addressServerIntervalMs: 120_000,
    requestTimeoutMs: 3000,
    release: async () => {
      steps.push('release');
      if (failing.release !== undefined) throw failing.release;
    },
  };
  return { instance: new ClientInstance(parts as unknown as ClientParts), steps, clock };
}

test('a second start after a failed one says so with the first cause', async () => {
  const cause = new Error('no licence');
  const broken: Plugin = {
    name: 'broken',
    setup: (host) =>
      host.onStart(() => {
        throw cause;
      }),
  };
  const { instance } = await setup([broken]);
  expect(instance.state).toBe('created');
  await expect(instance.start()).rejects.toMatchObject({ code: 'RMQ_PLUGIN_FAILED', cause });
  expect(instance.state).toBe('start failed');
  const again = { code: 'RMQ_NOT_RUNNING', state: 'start failed', cause: { code: 'RMQ_PLUGIN_FAILED', cause } };
  await expect(instance.start()).rejects.toMatchObject(again);
  await expect(instance.producer({ group: 'g' })).rejects.toMatchObject(again);
  await instance.close();
  expect(instance.state).toBe('shut down');
});

test('routes and heartbeats go every 30 s, the address server every 2 minutes, on timers that keep nothing alive', async () => {
  const { instance, steps, clock } = await setup([]);
  await instance.start();
  expect(clock.refTimers).toBe(0);
  await clock.advance(120_000);
  const count = (step: string): number => steps.filter((one) => one === step).length;
  expect([count('refresh'), count('heartbeat'), count('retain'), count('address server')]).toEqual([4, 4, 4, 1]);
  await instance.close();
  expect(clock.timers).toBe(0);
});

test('close goes on after a step that fails, and tells of it at the end', async () => {
  const failure = new Error('disk');
  const { instance, steps } = await setup([], { release: failure });
  await instance.start();
  await expect(instance.close()).rejects.toBe(failure);
  expect(steps).toEqual(['leave', 'membership closed', 'disconnect', 'release']);
  expect(instance.state).toBe('shut down');
});
