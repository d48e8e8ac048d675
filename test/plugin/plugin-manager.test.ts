import { describe, expect, test } from 'vitest';
import type { Plugin, PluginHost } from '../../core/plugin/plugin.js';
import type { PluginRuntime } from '../../core/plugin/plugin-host.js';
import { PluginManager } from '../../core/plugin/plugin-manager.js';
import type { RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { type Logger, silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';
import { token } from '../../core/runtime/token.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';

const runtime: PluginRuntime = {
  resolve: () => undefined,
  invoke: async (_target, request) => ({ code: request.code }) as RemotingCommand,
  oneway: async () => {},
  brokerAddress: () => undefined,
  producer: async () => {
    throw new Error('none here');
  },
  readMessages: async () => [],
  registerGroup: () => ({ leave: async () => {} }),
};

function manager(...plugins: Plugin[]): PluginManager {
  return managerWith({}, ...plugins);
}

function managerWith(options: Partial<ConstructorParameters<typeof PluginManager>[1]>, ...plugins: Plugin[]) {
  return new PluginManager(plugins, {
    clientId: 'ip@name',
    clock: systemClock,
    logger: silentLogger,
    timeoutMs: 5000,
    ...options,
  });
}

const plugin = (name: string, setup: (host: PluginHost) => unknown = () => {}, requires?: string[]): Plugin => ({
  name,
  setup,
  ...(requires === undefined ? {} : { requires }),
});

test('setup and onStart run in order, one after another, onStop in reverse', async () => {
  const steps: string[] = [];
  const stepping = (name: string): Plugin =>
    plugin(name, async (host) => {
      await Promise.resolve();
      steps.push(`setup ${name}`);
      host.onStart(async () => {
        await Promise.resolve();
        steps.push(`start ${name}`);
      });
      host.onStop(() => steps.push(`stop ${name}`));
    });
  const plugins = manager(stepping('a'), stepping('b'));
  await plugins.setup();
  await plugins.start(runtime);
  await plugins.stop();
  await plugins.stop();
  expect(steps).toEqual(['setup a', 'setup b', 'start a', 'start b', 'stop b', 'stop a']);
});

test('the api of a plugin is what its setup returned', async () => {
  const counting: Plugin<{ count: number }> = { name: 'counting', setup: async () => ({ count: 7 }) };
  const plugins = manager(counting);
  await plugins.setup();
  const { count }: { count: number } = plugins.api(counting);
  expect(count).toBe(7);
  expect(() => plugins.api(plugin('other'))).toThrow(/plugins: other is none of this client's/);
});

test('a setup that throws carries the name of its plugin and its cause', async () => {
  const cause = new Error('no key file');
  const plugins = manager(
    plugin('first'),
    plugin('acl', () => {
      throw cause;
    }),
  );
  await expect(plugins.setup()).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    plugin: 'acl',
    cause,
    message: 'Plugin acl failed in setup: no key file',
  });
});

test('an onStart that rejects carries the name of its plugin, later ones do not start', async () => {
  const started: string[] = [];
  const plugins = manager(
    plugin('a', (host) => host.onStart(async () => Promise.reject('no reason'))),
    plugin('b', (host) => host.onStart(() => started.push('b'))),
  );
  await plugins.setup();
  await expect(plugins.start(runtime)).rejects.toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'a' });
  expect(started).toEqual([]);
});

test('an onStop that throws is logged and does not keep the others from stopping', async () => {
  const stopped: string[] = [];
  const errors: unknown[] = [];
  const plugins = managerWith(
    { logger: { ...silentLogger, error: (_message, fields) => errors.push(fields?.plugin) } },
    plugin('a', (host) => host.onStop(() => stopped.push('a'))),
    plugin('b', (host) =>
      host.onStop(() => {
        throw new Error('stuck');
      }),
    ),
  );
  await plugins.setup();
  await plugins.stop();
  expect(stopped).toEqual(['a']);
  expect(errors).toEqual(['b']);
});

test('a setup that never ends is given up under its name', async () => {
  const clock = virtualClock();
  const plugins = managerWith(
    { clock, timeoutMs: 10_000 },
    plugin('slow', () => new Promise(() => {})),
  );
  const setup = plugins.setup();
  const refused = expect(setup).rejects.toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'slow' });
  expect(clock.refTimers).toBe(1);
  await clock.advance(10_000);
  await refused;
  expect(clock.timers).toBe(0);
});

test('after setup nothing can be attached any more', async () => {
  let host: PluginHost | undefined;
  const plugins = manager(
    plugin('late', (given) => {
      host = given;
    }),
  );
  await plugins.setup();
  const late = { code: 'RMQ_PLUGIN_FAILED', plugin: 'late' };
  const thrown = (attach: (host: PluginHost) => unknown): unknown => {
    try {
      return attach(host!);
    } catch (error) {
      return error;
    }
  };
  expect(thrown((it) => it.interceptSend({ before: 'send', create: () => undefined }))).toMatchObject(late);
  expect(thrown((it) => it.interceptDelivery({ create: () => undefined }))).toMatchObject(late);
  expect(thrown((it) => it.filterDelivery({ create: () => undefined }))).toMatchObject(late);
  expect(thrown((it) => it.interceptReply((reply) => reply))).toMatchObject(late);
  expect(thrown((it) => it.interceptRequest('decorate', (context, next) => next(context)))).toMatchObject(late);
  expect(thrown((it) => it.handle(39, () => undefined))).toMatchObject(late);
  expect(thrown((it) => it.bind(token('x'), { value: 1 }))).toMatchObject(late);
  expect(thrown((it) => it.onSettled(() => {}))).toMatchObject(late);
  expect(thrown((it) => it.onStart(() => {}))).toMatchObject(late);
  expect(thrown((it) => it.onStop(() => {}))).toMatchObject(late);
});

describe('what no plugin can mean is refused at its door, not at the first message that comes by', () => {
  const create = () => undefined;
  const value = 1;
  const doors: Record<
    string,
    readonly [option: string, (host: Record<string, (...given: unknown[]) => void>) => void]
  > = {
    'interceptSend with an unknown option': [
      'befor',
      (host) => host.interceptSend?.({ befor: 'check', before: 'check', create }),
    ],
    'interceptSend with text as an order': [
      'interceptSend.order.before',
      (host) => host.interceptSend?.({ before: 'check', order: { before: 'forbidden' }, create }),
    ],
    'interceptSend with a list as an order': [
      'interceptSend.order',
      (host) => host.interceptSend?.({ before: 'check', order: ['forbidden'], create }),
    ],
    'interceptDelivery without create': ['interceptDelivery.create', (host) => host.interceptDelivery?.({})],
    'interceptDelivery with nothing': ['interceptDelivery', (host) => host.interceptDelivery?.()],
    'interceptDelivery with a number as an order': [
      'interceptDelivery.order.after',
      (host) => host.interceptDelivery?.({ order: { after: 1 }, create }),
    ],
    'filterDelivery with the filter itself': ['filterDelivery', (host) => host.filterDelivery?.(() => true)],
    'filterDelivery with an unknown option': ['filter', (host) => host.filterDelivery?.({ create, filter: create })],
    'interceptReply with nothing': ['interceptReply', (host) => host.interceptReply?.()],
    'interceptRead with nothing': ['interceptRead', (host) => host.interceptRead?.()],
    'interceptRequest in a phase that there is not': [
      'interceptRequest',
      (host) => host.interceptRequest?.('decorator', create),
    ],
    'interceptRequest with nothing': ['interceptRequest', (host) => host.interceptRequest?.('decorate')],
    'handle of a name': ['handle', (host) => host.handle?.('CHECK_TRANSACTION_STATE', create)],
    'handle with nothing': ['handle', (host) => host.handle?.(39)],
    'bind of no token': ['bind', (host) => host.bind?.('FaultStrategy', { value })],
    'bind of no part': ['bind', (host) => host.bind?.(token('Part'))],
    'bind of a part that is the value': ['bind', (host) => host.bind?.(token('Part'), { record: create })],
    'bind of two parts': ['bind', (host) => host.bind?.(token('Part'), { value, create })],
    'bind of a class that is none': ['bind.type', (host) => host.bind?.(token('Part'), { type: {} })],
    'bind with an unknown option': ['producer', (host) => host.bind?.(token('Part'), { value }, { producer: create })],
    'bind for one producer': ['bind.producers', (host) => host.bind?.(token('Part'), { value }, { producers: 'g' })],
    'onSettled with nothing': ['onSettled', (host) => host.onSettled?.()],
    'onEndTransaction with nothing': ['onEndTransaction', (host) => host.onEndTransaction?.()],
    'onStart with a promise': ['onStart', (host) => host.onStart?.(Promise.resolve())],
    'onStop with nothing': ['onStop', (host) => host.onStop?.()],
  };

  test.each(Object.entries(doors))('%s', async (_, [option, attach]) => {
    const plugins = manager(plugin('careless', (host) => attach(host as never)));
    await expect(plugins.setup()).rejects.toMatchObject({
      code: 'RMQ_PLUGIN_FAILED',
      plugin: 'careless',
      cause: { code: 'RMQ_OPTIONS_INVALID', option },
    });
  });
});

test('what needs the running client is refused during setup and works from onStart on', async () => {
  const seen: unknown[] = [];
  const plugins = manager(
    plugin('caller', async (host) => {
      await host.invoke({ address: 'a:1' }, { code: 28 }).catch((error: unknown) => seen.push(error));
      host.onStart(async () => seen.push(await host.invoke({ address: 'a:1' }, { code: 28 })));
    }),
  );
  await plugins.setup();
  await plugins.start(runtime);
  expect(seen).toEqual([expect.objectContaining({ code: 'RMQ_NOT_RUNNING', state: 'created' }), { code: 28 }]);
});

test('two plugins of one name, and what is no plugin, are refused before anything is set up', () => {
  expect(() => manager(plugin('a'), plugin('a'))).toThrow(
    expect.objectContaining({ code: 'RMQ_PLUGIN_CONFLICT', plugins: ['a', 'a'] }),
  );
  expect(() => manager((() => plugin('a')) as unknown as Plugin)).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'plugins' }),
  );
});

test('a name in place of the list of requirements is refused', () => {
  expect(() => manager(plugin('a'), plugin('b', undefined, 'a' as never))).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', message: expect.stringContaining('requires of b') }),
  );
});

test('a missing requirement and one that comes later are conflicts that name both', () => {
  expect(() => manager(plugin('a', undefined, ['b']))).toThrow(
    expect.objectContaining({
      code: 'RMQ_PLUGIN_CONFLICT',
      plugins: ['a', 'b'],
      message: expect.stringContaining('missing'),
    }),
  );
  expect(() => manager(plugin('a', undefined, ['b']), plugin('b'))).toThrow(/Plugin b has to be listed before/);
  expect(() => manager(plugin('b'), plugin('a', undefined, ['b']))).not.toThrow();
});

test('one token bound by two plugins is a conflict that names both', async () => {
  const part = token<number>('Part');
  const plugins = manager(
    plugin('a', (host) => host.bind(part, { value: 1 })),
    plugin('b', (host) => host.bind(part, { value: 2 })),
  );
  await expect(plugins.setup()).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_CONFLICT',
    plugins: ['a', 'b'],
    message: expect.stringContaining('multistage.Part'),
  });
});

test('one plugin may bind a token for some producers and for others', async () => {
  const part = token<number>('Part');
  const plugins = manager(
    plugin('a', (host) => {
      host.bind(part, { value: 1 }, { producers: ({ group }) => group === 'g' });
      host.bind(part, { value: 2 }, { producers: ({ group }) => group === 'h' });
    }),
  );
  await plugins.setup();
  expect(plugins.registrations.bindings).toHaveLength(2);
});

test('requests are signed by one plugin only, decorated by any number in order', async () => {
  const plugins = manager(
    plugin('a', (host) => host.interceptRequest('decorate', (context, next) => next(context))),
    plugin('b', (host) => {
      host.interceptRequest('sign', (context, next) => next(context));
      host.interceptRequest('decorate', (context, next) => next(context));
    }),
  );
  await plugins.setup();
  expect(plugins.registrations.requests.decorate.map((entry) => entry.plugin)).toEqual(['a', 'b']);
  expect(plugins.registrations.requests.sign?.plugin).toBe('b');
  const sign = (name: string): Plugin =>
    plugin(name, (host) => host.interceptRequest('sign', (context, next) => next(context)));
  await expect(manager(sign('acl'), sign('acl2')).setup()).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_CONFLICT',
    plugins: ['acl', 'acl2'],
  });
});

test('a request code is answered once, and not where the client answers itself', async () => {
  const answering = (name: string, code: number): Plugin => plugin(name, (host) => host.handle(code, () => undefined));
  await expect(manager(answering('a', 39), answering('b', 39)).setup()).rejects.toMatchObject({ plugins: ['a', 'b'] });
  await expect(managerWith({ reservedCodes: [40] }, answering('a', 40)).setup()).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_CONFLICT',
    message: expect.stringContaining('40'),
  });
});

test('an answer that throws carries the name of its plugin', async () => {
  const plugins = manager(
    plugin('checker', (host) =>
      host.handle(39, () => {
        throw new Error('no listener');
      }),
    ),
  );
  await plugins.setup();
  const answer = plugins.registrations.handlers.get(39)?.handler({} as RemotingCommand, 'a:1');
  await expect(answer).rejects.toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'checker' });
});

test('what a plugin asks or answers itself is a command with bytes', async () => {
  let host: PluginHost | undefined;
  const plugins = manager(
    plugin('careless', (given) => {
      host = given;
      given.handle(39, async () => ({ code: 0, body: 'text' as never }));
      given.handle(41, async () => ({ body: Buffer.from('x') }) as never);
    }),
  );
  await plugins.setup();
  await plugins.start(runtime);
  const at = { address: 'a:1' };
  const refused = (option: string) => expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option });
  await expect(host?.invoke(at, { code: 28, body: 'text' as never })).rejects.toEqual(refused('invoke.body'));
  await expect(host?.oneway(at, { code: 28, body: [1] as never })).rejects.toEqual(refused('oneway.body'));
  await expect(host?.invoke(at, {} as never)).rejects.toEqual(refused('invoke.code'));
  for (const [code, option] of [
    [39, 'handle.body'],
    [41, 'handle.code'],
  ] as const) {
    const answer = plugins.registrations.handlers.get(code)?.handler({} as RemotingCommand, 'a:1');
    await expect(answer).rejects.toMatchObject({ plugin: 'careless', cause: refused(option) });
  }
});

test('send and delivery interceptors and listeners are collected with the name of their plugin', async () => {
  const plugins = manager(
    plugin('a', (host) => {
      host.interceptSend({ after: 'check', order: { before: ['b'] }, create: () => (context, next) => next(context) });
      host.interceptDelivery({ create: () => (context, next) => next(context) });
      host.filterDelivery({ create: () => () => true });
      host.onSettled(() => {});
    }),
  );
  await plugins.setup();
  const { sends, deliveries, deliveryFilters, settledListeners } = plugins.registrations;
  expect(sends).toMatchObject([{ plugin: 'a', beforeStage: 'route', order: { before: ['b'] } }]);
  expect(deliveries).toMatchObject([{ plugin: 'a', order: undefined }]);
  expect(deliveryFilters).toMatchObject([{ plugin: 'a', order: undefined }]);
  expect(settledListeners).toMatchObject([{ plugin: 'a' }]);
});

test('the logger of a host says the name of its plugin', async () => {
  const lines: unknown[] = [];
  const plugins = managerWith(
    { logger: { ...silentLogger, info: (message, fields) => lines.push([message, fields]) } },
    plugin('talker', (host) => host.logger.info('hello', { to: 'you' })),
  );
  await plugins.setup();
  expect(lines).toEqual([['hello', { to: 'you', plugin: 'talker' }]]);
});

test('each listener hears of ended transactions, whichever plugin ends them; one that throws harms nobody', async () => {
  const heard: string[] = [];
  const logged: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields) => logged.push(fields?.plugin) };
  let end: PluginHost['reportEndTransaction'] = () => {};
  const plugins = managerWith(
    { logger },
    plugin('first', (host) =>
      host.onEndTransaction(() => {
        throw new Error('not today');
      }),
    ),
    plugin('ends', (host) => {
      end = host.reportEndTransaction;
    }),
    plugin('second', (host) =>
      host.onEndTransaction(({ msgId, transactionState }) => heard.push(`${msgId} ${transactionState}`)),
    ),
  );
  await plugins.setup();
  await plugins.start(runtime);
  end({
    producerGroup: 'g',
    message: { topic: 'orders', tag: 'paid', keys: ['42'] },
    msgId: 'id',
    transactionId: 'id',
    brokerName: 'broker-a',
    brokerAddress: '127.0.0.1:10911',
    regionId: 'DefaultRegion',
    transactionState: 'commit',
    fromTransactionCheck: false,
  });
  expect(heard).toEqual(['id commit']);
  expect(logged).toEqual(['first']);
});

test('a listener for ended transactions cannot come after setup', async () => {
  let late: (() => void) | undefined;
  const plugins = manager(
    plugin('late', (host) => {
      late = () => host.onEndTransaction(() => {});
    }),
  );
  await plugins.setup();
  expect(late).toThrow(/onEndTransaction is possible only while setup runs/);
});
