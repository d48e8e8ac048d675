import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Producer, RawMessage, RecallRecord } from '../../../core/index.js';
import { nextTurn as turnOfTheMachine } from '../../../core/testing/settle.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { BrokerTraceDispatcher } from '../../../plugins/tracing/broker-dispatcher.js';
import { resolveTracingOptions, type TracingOptions } from '../../../plugins/tracing/options.js';
import { nextTurn, waitFor } from '../../kit/wait-for.js';

const record = (msgId: string, regionId: string | undefined = 'north'): RecallRecord => ({
  type: 'Recall',
  timestamp: 1,
  regionId,
  group: 'g',
  topic: 'orders',
  msgId,
  keys: undefined,
  success: true,
});

/** A dispatcher whose sends the test ends. */
async function setup(options: TracingOptions = {}) {
  const clock = virtualClock();
  const sends: { message: RawMessage; keys: readonly string[]; end: (error?: Error) => void }[] = [];
  const warnings: { message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (message: string, fields?: object) => void warnings.push({ message, fields: { ...fields } }),
  };
  const asked: object[] = [];
  const producer = async (asking: object): Promise<Producer> => {
    asked.push(asking);
    const send = (message: RawMessage) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error === undefined ? resolve({}) : reject(error));
        sends.push({ message, keys: message.keys as readonly string[], end });
      });
    const close = async (): Promise<void> => {
      for (const { end } of sends) end(new Error('the producer closes'));
    };
    return { send, close } as unknown as Producer;
  };
  const dispatcher = new BrokerTraceDispatcher(resolveTracingOptions(options), { producer, clock, logger });
  await dispatcher.start();
  return { dispatcher, clock, sends, warnings, asked };
}

const append = (dispatcher: BrokerTraceDispatcher, from: number, to: number): boolean[] =>
  Array.from({ length: to - from }, (_, index) => dispatcher.append(record(`M${from + index}`)));

describe('records on their way to the trace topic', () => {
  test('wait for one another, but not for long', async () => {
    const { dispatcher, clock, sends, asked } = await setup({ flushIntervalMs: 200 });
    expect(asked).toMatchObject([{ internal: true }]);
    append(dispatcher, 0, 3);
    await clock.advance(199);
    expect(sends).toHaveLength(0);
    append(dispatcher, 3, 4);
    await clock.advance(1);
    expect(sends.map(({ keys }) => keys)).toEqual([['M0', 'M1', 'M2', 'M3']]);
    expect(sends[0]?.message.topic).toBe('RMQ_SYS_TRACE_TOPIC');
    await clock.advance(10_000);
    expect(sends).toHaveLength(1);
  });

  test('go at once when they fill a message, but not while the sender runs', async () => {
    const { dispatcher, sends, clock } = await setup({ batchMax: 10 });
    append(dispatcher, 0, 25);
    expect(sends).toHaveLength(0);
    await waitFor(() => sends.length === 2);
    expect(sends.map(({ keys }) => keys.length)).toEqual([10, 10]);
    await clock.advance(500);
    expect(sends.map(({ keys }) => keys.length)).toEqual([10, 10, 5]);
  });

  test('go at once also while a test fakes every timer of its runner', async () => {
    vi.useFakeTimers({ toFake: ['setImmediate', 'clearImmediate', 'setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { dispatcher, sends } = await setup({ batchMax: 10 });
    append(dispatcher, 0, 10);
    await turnOfTheMachine();
    expect(sends.map(({ keys }) => keys.length)).toEqual([10]);
  });

  test('a burst is encoded over several turns of the event loop', async () => {
    const { dispatcher, sends } = await setup();
    append(dispatcher, 0, 1_000);
    const perTurn: number[] = [];
    while (sends.length < 10) {
      const before = sends.length;
      await nextTurn();
      perTurn.push(sends.length - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(2);
  });

  test('find room for so many while brokers take none, and are dropped beyond that', async () => {
    const { dispatcher, sends } = await setup({ batchMax: 1, queueMax: 50 });
    const taken = append(dispatcher, 0, 50);
    await waitFor(() => sends.length === 50);
    taken.push(...append(dispatcher, 50, 100));
    await nextTurn();
    // 64 messages are in flight, 36 records wait.
    expect(sends).toHaveLength(64);
    taken.push(...append(dispatcher, 100, 120));
    expect(taken.filter((one) => one)).toHaveLength(114);
    expect(dispatcher.lost).toBe(0);
    for (const { end } of sends.splice(0)) end();
    await waitFor(() => sends.length === 50);
  });

  test('that could not be sent are lost, counted, and told about now and then', async () => {
    const { dispatcher, sends, clock, warnings } = await setup({ batchMax: 2 });
    for (let round = 0; round < 3; round++) {
      append(dispatcher, 0, 2);
      await waitFor(() => sends.length === round + 1);
      sends[round]?.end(new Error('no route'));
      await nextTurn();
    }
    expect(dispatcher.lost).toBe(6);
    expect(warnings).toEqual([
      { message: expect.stringContaining('lost'), fields: { lost: 2, error: new Error('no route') } },
    ]);
    await clock.advance(30_000);
    append(dispatcher, 0, 2);
    await waitFor(() => sends.length === 4);
    sends[3]?.end(new Error('no route'));
    await nextTurn();
    expect(warnings.map(({ fields }) => fields?.lost)).toEqual([2, 8]);
  });

  test('with CLOUD need a region to know their topic', async () => {
    const { dispatcher, sends, clock } = await setup({ accessChannel: 'CLOUD' });
    dispatcher.append(record('A', 'north'));
    dispatcher.append(record('B', 'south'));
    dispatcher.append({ ...record('C'), regionId: undefined });
    await clock.advance(500);
    expect(sends.map(({ message }) => message.topic)).toEqual(['rmq_sys_TRACE_DATA_north', 'rmq_sys_TRACE_DATA_south']);
    expect(dispatcher.lost).toBe(1);
  });
});

describe('flush and close', () => {
  test('flush ends when what was there has been sent, not what came after', async () => {
    const { dispatcher, sends } = await setup();
    append(dispatcher, 0, 150);
    const ends: string[] = [];
    void dispatcher.flush().then(() => ends.push('flushed'));
    await waitFor(() => sends.length === 2);
    append(dispatcher, 150, 160);
    sends[0]?.end();
    await nextTurn();
    expect(ends).toEqual([]);
    sends[1]?.end();
    await waitFor(() => ends.length === 1);
    expect(sends).toHaveLength(2);
  });

  test('flush of nothing ends at once', async () => {
    const { dispatcher, sends } = await setup();
    await dispatcher.flush();
    expect(sends).toEqual([]);
  });

  test('close sends what waits and takes nothing more', async () => {
    const { dispatcher, sends, clock } = await setup();
    append(dispatcher, 0, 3);
    const closed = dispatcher.close();
    expect(sends.map(({ keys }) => keys.length)).toEqual([3]);
    expect(dispatcher.append(record('late'))).toBe(false);
    sends[0]?.end();
    await closed;
    expect(clock.timers).toBe(0);
  });

  test('close waits 5 s for brokers that do not answer, gives up what they have, and counts it with what stays behind', async () => {
    const { dispatcher, sends, clock, warnings } = await setup({ batchMax: 1 });
    append(dispatcher, 0, 70);
    const ends: string[] = [];
    void dispatcher.close().then(() => ends.push('closed'));
    await waitFor(() => sends.length === 64);
    await clock.advance(4_999);
    expect(ends).toEqual([]);
    await clock.advance(1);
    await waitFor(() => ends.length === 1);
    expect(dispatcher.lost).toBe(70);
    expect(warnings.map(({ message }) => message)).toEqual(['traces are lost: the client closes']);
    expect(clock.timers).toBe(0);
  });
});
