import { describe, expect, test } from 'vitest';
import { connect, type Part, type Plugin, type TraceRecord } from '../../../core/index.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { TraceDispatcher, tracing } from '../../../plugins/tracing/index.js';
import { startDispatcher } from '../../../plugins/tracing/start-dispatcher.js';
import { fakeCluster } from '../../client/fake-cluster.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { waitFor } from '../../kit/wait-for.js';

const bindingPart = (part: Part<TraceDispatcher>): Plugin => ({
  name: 'collector',
  setup: (host) => host.bind(TraceDispatcher, part),
});
const binding = (dispatcher: TraceDispatcher): Plugin => bindingPart({ value: dispatcher });

const boom = (): never => {
  throw new Error('no collector there');
};

const listening = () => {
  const warnings: string[] = [];
  const blamed: unknown[] = [];
  const say = () => {};
  const warn = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    warnings.push(message);
    blamed.push(fields.boundBy);
  };
  return {
    warnings,
    blamed,
    logger: { debug: say, info: say, error: say, warn },
  };
};

/** A client with tracing whose traces go to `dispatcher`. */
async function setup(dispatcher: TraceDispatcher) {
  const { nameServers, broker } = await fakeCluster();
  const { warnings, blamed, logger } = listening();
  const plugin = tracing();
  const plugins = [plugin, binding(dispatcher)];
  const mq = closeAfterTest(await connect({ nameServers, plugins, logger }));
  const producer = await mq.producer({ group: 'shop' });
  return { mq, producer, broker, warnings, blamed, tracing: mq.plugin(plugin) };
}

describe('a dispatcher of one’s own', () => {
  test('gets records in place of the trace topic, from start to close', async () => {
    const steps: string[] = [];
    const records: TraceRecord[] = [];
    const { mq, producer, broker, tracing } = await setup({
      start: () => void steps.push('start'),
      append: (record) => records.push(record) > 0,
      flush: async () => void steps.push('flush'),
      close: () => void steps.push('close'),
    });
    expect(steps).toEqual(['start']);
    const { msgId } = await producer.send({ topic: 'T', body: 'x' });
    await tracing.flush();
    await mq.close();
    expect(steps).toEqual(['start', 'flush', 'close']);
    expect(records).toMatchObject([{ type: 'Pub', msgId }]);
    expect(broker.sends).toHaveLength(1);
    expect(tracing).toMatchObject({ traced: 1, dropped: 0, lost: 0 });
  });

  test('that has no room drops records, and says what it lost', async () => {
    const { producer, tracing } = await setup({ append: () => false, lost: 7 });
    await producer.send({ topic: 'T', body: 'x' });
    expect(tracing).toMatchObject({ traced: 0, dropped: 1, lost: 7 });
  });

  test('that answers by promise takes nothing, and its rejection is no unhandled one', async () => {
    const later = (async () => Promise.reject(new Error('the collector is away'))) as never;
    const { producer, tracing, warnings } = await setup({ append: later });
    await producer.send({ topic: 'T', body: 'x' });
    expect(tracing).toMatchObject({ traced: 0, dropped: 1 });
    expect(warnings).toEqual([expect.stringContaining('not a promise')]);
  });

  test('that throws harms no send, and is told about once, with the plugin that bound it', async () => {
    const { producer, tracing, warnings, blamed } = await setup({
      append: () => {
        throw new Error('broken');
      },
    });
    for (let index = 0; index < 3; index++) {
      expect(await producer.send({ topic: 'T', body: 'x' })).toMatchObject({ status: 'SEND_OK' });
    }
    expect(tracing.dropped).toBe(3);
    expect(warnings).toEqual(['the trace dispatcher throws what it should drop']);
    expect(blamed).toEqual(['collector']);
  });

  test('that does not start is a warning, and the client runs without traces', async () => {
    const appended: TraceRecord[] = [];
    const { producer, tracing, warnings, blamed } = await setup({
      start: () => Promise.reject(new Error('no collector there')),
      append: (record) => appended.push(record) > 0,
    });
    expect(warnings).toEqual(['the trace dispatcher did not start: nothing is traced']);
    expect(blamed).toEqual(['collector']);
    await producer.send({ topic: 'T', body: 'x' });
    expect(appended).toEqual([]);
    expect(tracing.dropped).toBe(1);
  });

  test.each<[string, Part<TraceDispatcher>]>([
    ['a function', { create: () => boom() }],
    [
      'a class',
      {
        type: class {
          constructor() {
            boom();
          }
        } as unknown as new () => TraceDispatcher,
      },
    ],
  ])('that cannot be made is a warning too: by %s', async (_, part) => {
    const { nameServers } = await fakeCluster();
    const { warnings, logger } = listening();
    const plugin = tracing();
    const mq = closeAfterTest(await connect({ nameServers, plugins: [plugin, bindingPart(part)], logger }));
    expect(warnings).toEqual(['the trace dispatcher did not start: nothing is traced']);
    const producer = await mq.producer({ group: 'shop' });
    expect(await producer.send({ topic: 'T', body: 'x' })).toMatchObject({ status: 'SEND_OK' });
    expect(mq.plugin(plugin)).toMatchObject({ traced: 0, dropped: 1 });
  });

  test('that takes for ever to start is given up', async () => {
    const clock = virtualClock();
    const { warnings, logger } = listening();
    const host = { clock, logger, stepTimeoutMs: 10_000 };
    const hanging: TraceDispatcher = { start: () => new Promise(() => {}), append: () => true };
    const starting = startDispatcher(() => hanging, host);
    await clock.advance(5_000);
    expect(await starting).toBeUndefined();
    expect(warnings).toHaveLength(1);
    const running: TraceDispatcher = { append: () => true };
    expect(await startDispatcher(() => running, host)).toBe(running);
    expect(clock.timers).toBe(0);
  });

  test('that is late is ended when it has started, and given up in time for the client to connect', async () => {
    const { nameServers } = await fakeCluster();
    const { warnings, logger } = listening();
    let onStarted = (): void => {};
    let closes = 0;
    const late: TraceDispatcher = {
      start: () =>
        new Promise((resolve) => {
          onStarted = resolve;
        }),
      append: () => true,
      close: () => void closes++,
    };
    const plugins = [tracing(), binding(late)];
    closeAfterTest(await connect({ nameServers, plugins, logger, pluginTimeoutMs: 50 }));
    expect(warnings).toEqual(['the trace dispatcher did not start: nothing is traced']);
    expect(closes).toBe(0);
    onStarted();
    await waitFor(() => closes === 1);
  });
});

test('traces of a client that cannot reach any broker are lost, and its close is not held up', async () => {
  const { nameServers, broker } = await fakeCluster();
  const { warnings, logger } = listening();
  const plugin = tracing();
  const mq = closeAfterTest(await connect({ nameServers, plugins: [plugin], logger }));
  // No route for the trace topic, and no default topic to make it from.
  await (await mq.producer({ group: 'shop' })).send({ topic: 'T', body: 'x' });
  await mq.close();
  expect(mq.plugin(plugin)).toMatchObject({ traced: 1, lost: 1 });
  expect(warnings).toEqual(['traces are lost: they could not be sent']);
  expect(broker.sends).toHaveLength(1);
});
