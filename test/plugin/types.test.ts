import { expect, expectTypeOf, test } from 'vitest';
import type { Plugin } from '../../core/plugin/plugin.js';
import { PluginManager } from '../../core/plugin/plugin-manager.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';

const manager = (plugin: Plugin): PluginManager =>
  new PluginManager([plugin], { clientId: 'ip@name', clock: systemClock, logger: silentLogger, timeoutMs: 5000 });

test('what an interceptor sees and may change is decided by its gap, when it is compiled', async () => {
  const plugins = manager({
    name: 'typed',
    setup(host) {
      host.interceptSend({
        before: 'send',
        create: () => (context, next) => {
          expectTypeOf(context.broker.name).toEqualTypeOf<string>();
          return next(context.with({ payload: { body: context.payload.body, sysFlag: 0 } }));
        },
      });
      host.interceptSend({
        before: 'route',
        create: () => (context, next) => {
          // @ts-expect-error no queue is chosen before route
          expectTypeOf(context.queue).toBeAny();
          return next(context.with({ topic: 'another' }));
        },
      });
      host.interceptSend({
        after: 'select',
        create: () => (context, next) => {
          // @ts-expect-error the topic is fixed from route on
          context.with({ topic: 'another' });
          return next(context);
        },
      });
    },
  });
  await plugins.setup();
  expect(plugins.registrations.sends.map((attachment) => attachment.beforeStage)).toEqual([
    'send',
    'route',
    'compress',
  ]);
});

test('a gap is named by before or by after: neither the compiler nor setup takes both', async () => {
  const plugins = manager({
    name: 'both',
    // @ts-expect-error either before or after
    setup: (host) => host.interceptSend({ before: 'send', after: 'check', create: () => undefined }),
  });
  await expect(plugins.setup()).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    plugin: 'both',
    cause: { code: 'RMQ_OPTIONS_INVALID' },
  });
});

test('the api of a plugin is typed by its factory', async () => {
  const counting: Plugin<{ readonly count: number }> = { name: 'counting', setup: () => ({ count: 1 }) };
  const plugins = manager(counting);
  await plugins.setup();
  const api = plugins.api(counting);
  expectTypeOf(api).toEqualTypeOf<{ readonly count: number }>();
  expect(api.count).toBe(1);
});
