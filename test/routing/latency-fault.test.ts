import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MessageQueue } from '../../core/message/message.js';
import { plainResourceNames } from '../../core/message/resource-names.js';
import { QueueRotation } from '../../core/pipeline/queue-rotation.js';
import type { RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { betterHalf, type FaultItem, FaultTable } from '../../core/routing/latency-fault/fault-table.js';
import {
  type LatencyFaultForm,
  type LatencyFaultOptions,
  notAvailableDuration,
  resolveLatencyFault,
} from '../../core/routing/latency-fault/latency-fault-options.js';
import { LatencyFaults } from '../../core/routing/latency-fault/latency-faults.js';
import { ReachabilityDetector } from '../../core/routing/latency-fault/reachability-detector.js';
import { silentLogger } from '../../core/runtime/logger.js';

type Failure = 'unreachable' | 'refused' | 'timeout' | undefined;

/** Latency-fault tolerance on a clock that stands where it is put. */
function setup(options: LatencyFaultOptions, random = () => 0) {
  const clock = { nowMs: 1_000, monotonic: () => clock.nowMs };
  const faults = new LatencyFaults(resolveLatencyFault(options), clock, random);
  const record = (broker: string, elapsedMs: number, failure?: Failure) =>
    faults.record(broker, elapsedMs, failure, 'orders');
  const item = (broker: string) => [...faults.table.items].find(({ brokerName }) => brokerName === broker);
  const rotation = new QueueRotation(faults, random);
  return { clock, faults, record, item, rotation };
}

const topicOf = (brokers: readonly string[], queuesPerBroker = 2, topic = 'orders') => ({
  topic,
  order: false,
  autoCreate: false,
  queues: brokers.flatMap((brokerName) =>
    Array.from({ length: queuesPerBroker }, (_, queueId): MessageQueue => ({ topic, brokerName, queueId })),
  ),
});

describe('the tables', () => {
  test.each([
    ['4.9', 0, 0],
    ['4.9', 49, 0],
    ['4.9', 50, 0],
    ['4.9', 549.9, 0],
    ['4.9', 550, 30_000],
    ['4.9', 999, 30_000],
    ['4.9', 1_000, 60_000],
    ['4.9', 2_000, 120_000],
    ['4.9', 3_000, 180_000],
    ['4.9', 14_999, 180_000],
    ['4.9', 15_000, 600_000],
    ['4.9', 30_000, 600_000],
    ['5.x', 0, 0],
    ['5.x', 100, 0],
    ['5.x', 549, 0],
    ['5.x', 550, 2_000],
    ['5.x', 1_799, 2_000],
    ['5.x', 1_800, 5_000],
    ['5.x', 3_000, 6_000],
    ['5.x', 5_000, 10_000],
    ['5.x', 10_000, 10_000],
    ['5.x', 15_000, 30_000],
  ] as const)('of %s: %d ms of latency are %d ms off', (form, latencyMs, durationMs) => {
    expect(notAvailableDuration(resolveLatencyFault({ form }), latencyMs)).toBe(durationMs);
  });

  test('can be replaced', () => {
    const settings = resolveLatencyFault({ form: '5.x', latencyMaxMs: [10, 20], notAvailableDurationMs: [100, 200] });
    expect([5, 10, 19, 20, 1_000].map((latencyMs) => notAvailableDuration(settings, latencyMs))).toEqual([
      0, 100, 100, 200, 200,
    ]);
    expect(resolveLatencyFault({ form: '5.x', detector: {} }).detector).toEqual({ intervalMs: 2_000, timeoutMs: 200 });
    expect(resolveLatencyFault({ form: '5.x' }).detector).toBeUndefined();
  });

  test.each([
    ['latencyFault', null],
    ['latencyFault.form', {}],
    ['latencyFault.form', { form: 'toString' }],
    ['latencyFault.from', { form: '5.x', from: 1 }],
    ['latencyFault.latencyMaxMs', { form: '5.x', latencyMaxMs: [50, 100, 100, 1, 2, 3, 4] }],
    ['latencyFault.latencyMaxMs', { form: '5.x', latencyMaxMs: [], notAvailableDurationMs: [] }],
    ['latencyFault.latencyMaxMs', { form: '5.x', latencyMaxMs: [-1], notAvailableDurationMs: [0] }],
    ['latencyFault.notAvailableDurationMs', { form: '4.9', latencyMaxMs: [50] }],
    ['latencyFault.notAvailableDurationMs', { form: '4.9', notAvailableDurationMs: 'long' }],
    ['latencyFault.detector', { form: '4.9', detector: {} }],
    ['latencyFault.detector', { form: '5.x', detector: 1 }],
    ['latencyFault.detector.periodMs', { form: '5.x', detector: { periodMs: 1 } }],
    ['latencyFault.detector.intervalMs', { form: '5.x', detector: { intervalMs: 0 } }],
    ['latencyFault.detector.timeoutMs', { form: '5.x', detector: { timeoutMs: Number.NaN } }],
  ])('refuse a wrong %s', (option, options) => {
    expect(() => resolveLatencyFault(options as never)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }),
    );
  });
});

describe('after an attempt', () => {
  test.each<[LatencyFaultForm, Failure, boolean, number, boolean]>([
    // form, failure, detector, ms off after an attempt of 10 ms, still reachable
    ['4.9', undefined, false, 0, true],
    ['4.9', 'unreachable', false, 600_000, true],
    ['4.9', 'timeout', false, 600_000, true],
    ['4.9', 'refused', false, 600_000, true],
    ['5.x', undefined, false, 0, true],
    ['5.x', 'unreachable', false, 10_000, true],
    ['5.x', 'timeout', false, 10_000, true],
    ['5.x', 'refused', false, 10_000, false],
    ['5.x', undefined, true, 0, true],
    ['5.x', 'unreachable', true, 10_000, false],
    ['5.x', 'timeout', true, 10_000, false],
    ['5.x', 'refused', true, 10_000, false],
  ])('%s, failure %s, detector %s: off for %d ms, reachable %s', (form, failure, detector, offMs, reachable) => {
    const { clock, faults, record, item } = setup({ form, ...(detector ? { detector: {} } : {}) });
    expect(faults.isAvailable('a')).toBe(true);
    record('a', 10, failure);
    expect(item('a')).toMatchObject({ latencyMs: 10, reachable });
    expect(faults.isAvailable('a')).toBe(offMs === 0);
    if (offMs > 0) {
      clock.nowMs += offMs - 1;
      expect(faults.isAvailable('a')).toBe(false);
      clock.nowMs += 1;
    }
    expect(faults.isAvailable('a')).toBe(true);
  });

  test('4.9 believes the latest, 5.x never shortens', () => {
    for (const [form, available] of [
      ['4.9', true],
      ['5.x', false],
    ] as const) {
      const { faults, record, item } = setup({ form });
      record('a', 4_000);
      record('a', 600);
      expect(item('a')?.availableFromMs).toBe(1_000 + (form === '4.9' ? 30_000 : 6_000));
      record('a', 5);
      expect(faults.isAvailable('a')).toBe(available);
      expect(item('a')?.latencyMs).toBe(5);
    }
  });
});

describe('the better half', () => {
  const items = (...facts: [name: string, latencyMs: number, availableFromMs: number][]): FaultItem[] =>
    facts.map(([brokerName, latencyMs, availableFromMs]) => {
      return { brokerName, latencyMs, availableFromMs, reachable: true, topic: 't', probeFromMs: 0 };
    });
  test.each([
    ['the only one', items(['a', 9, 900]), ['a']],
    ['one of three', items(['a', 9, 900], ['b', 8, 900], ['c', 7, 900]), ['c']],
    ['the available before the faster', items(['a', 1, 900], ['b', 8, 100]), ['b']],
    ['the faster before the one that is back sooner', items(['a', 5, 300], ['b', 4, 900]), ['b']],
    ['the one that is back sooner', items(['a', 5, 900], ['b', 5, 800], ['c', 5, 700], ['d', 6, 600]), ['c', 'b']],
    ['none of none', [], []],
  ])('is %s', (_what, all, expected) => {
    expect(betterHalf(all, 200).map(({ brokerName }) => brokerName)).toEqual(expected);
  });
});

describe('the queue that is chosen', () => {
  const names = (rotation: QueueRotation, info: ReturnType<typeof topicOf>, times: number, failed?: string) =>
    Array.from({ length: times }, () => {
      const { brokerName, queueId } = rotation.next(info, failed);
      return `${brokerName}${queueId}`;
    });

  test.each(['4.9', '5.x'] as const)('%s: all in turn while none is at fault', (form) => {
    const { rotation } = setup({ form });
    expect(names(rotation, topicOf(['a', 'b']), 5)).toEqual(['a0', 'a1', 'b0', 'b1', 'a0']);
  });

  test.each(['4.9', '5.x'] as const)('%s: none of a broker that is off, until it is back', (form) => {
    const { clock, rotation, record } = setup({ form });
    record('a', 600);
    const info = topicOf(['a', 'b', 'c']);
    expect(names(rotation, info, 8).filter((name) => name.startsWith('a'))).toEqual([]);
    clock.nowMs += 30_000;
    expect(names(rotation, info, 6).filter((name) => name.startsWith('a'))).toHaveLength(2);
  });

  test('4.9 with all off: the better half of what failed, its brokers and queues in turn', () => {
    const { rotation, record } = setup({ form: '4.9' });
    for (const [broker, latencyMs] of Object.entries({ a: 4_000, b: 600, c: 3_500, d: 700 })) record(broker, latencyMs);
    expect(names(rotation, topicOf(['a', 'b', 'c', 'd']), 5)).toEqual(['b0', 'd0', 'b1', 'd1', 'b0']);
  });

  test('4.9 where the better half has no queue of the topic: plainly the next', () => {
    const { rotation, record } = setup({ form: '4.9' });
    record('a', 4_000);
    record('elsewhere', 1);
    expect(new Set(names(rotation, topicOf(['a']), 4))).toEqual(new Set(['a0', 'a1']));
  });

  test('4.9 goes back to the broker that failed only when it counts as available', () => {
    const { rotation, record } = setup({ form: '4.9' });
    record('a', 10, 'timeout');
    expect(names(rotation, topicOf(['a', 'b']), 3, 'a')).toEqual(['b0', 'b1', 'b0']);
  });

  test('5.x with all off: those that can be reached, other than the one that failed', () => {
    const { rotation, record } = setup({ form: '5.x' });
    record('a', 10, 'refused');
    record('b', 10, 'timeout');
    record('c', 600);
    const info = topicOf(['a', 'b', 'c'], 1);
    expect(new Set(names(rotation, info, 6))).toEqual(new Set(['b0', 'c0']));
    expect(new Set(names(rotation, info, 6, 'b'))).toEqual(new Set(['c0']));
  });

  test('5.x with none to be reached, or only the one that failed: plainly the next', () => {
    const { rotation, record } = setup({ form: '5.x' });
    expect(names(rotation, topicOf(['only'], 1), 2, 'only')).toEqual(['only0', 'only0']);
    record('a', 10, 'refused');
    record('b', 10, 'refused');
    expect(new Set(names(rotation, topicOf(['a', 'b'], 1), 4))).toEqual(new Set(['a0', 'b0']));
  });

  test('5.x begins a retry at a random place', () => {
    let chance = 0;
    const { rotation } = setup({ form: '5.x' }, () => chance);
    const info = topicOf(['a', 'b', 'c'], 1);
    expect(rotation.next(info).brokerName).toBe('a');
    chance = 0.99;
    expect(rotation.next(info, 'a').brokerName).toBe('c');
  });

  test('is always one of the topic, whatever happened', () => {
    const brokerName = fc.constantFrom('a', 'b', 'c', 'd');
    const attempt = fc.record({
      brokerName,
      elapsedMs: fc.integer({ min: 0, max: 20_000 }),
      failure: fc.constantFrom<Failure>('unreachable', 'refused', 'timeout', undefined),
      thenMs: fc.integer({ min: 0, max: 40_000 }),
      brokers: fc.uniqueArray(brokerName, { minLength: 1 }),
      queues: fc.integer({ min: 1, max: 4 }),
      topic: fc.constantFrom('orders', 'payments'),
      failedBroker: fc.option(brokerName, { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom<LatencyFaultForm>('4.9', '5.x'),
        fc.array(attempt, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (form, attempts, chance) => {
          const { clock, record, rotation, faults } = setup({ form }, () => chance);
          for (const { thenMs, brokers, queues, topic, failedBroker, ...done } of attempts) {
            record(done.brokerName, done.elapsedMs, done.failure);
            clock.nowMs += thenMs;
            const info = topicOf(brokers, queues, topic);
            const queue = rotation.next(info, failedBroker);
            expect(info.queues).toContain(queue);
            const free = brokers.some(
              (broker) => faults.isAvailable(broker) && (form === '4.9' || broker !== failedBroker),
            );
            if (free) expect(faults.isAvailable(queue.brokerName)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('the reachability detector', () => {
  function detector(answer: (address: string) => RemotingCommand | Error) {
    const clock = { nowMs: 0, monotonic: () => clock.nowMs };
    const table = new FaultTable();
    const asked: { address: string; code: number; ext: unknown; timeoutMs: number }[] = [];
    const addresses = new Map([
      ['a', 'host-a:1'],
      ['b', 'host-b:1'],
    ]);
    const probe = new ReachabilityDetector({
      table,
      intervalMs: 2_000,
      timeoutMs: 200,
      routes: { brokerAddress: (name) => addresses.get(name) },
      remoting: {
        invoke: async (address, { code, ext }, { timeoutMs }) => {
          asked.push({ address, code, ext, timeoutMs });
          const response = answer(address);
          if (response instanceof Error) throw response;
          return response;
        },
      },
      names: { ...plainResourceNames, topicToWire: (topic) => `ns%${topic}` },
      clock,
      logger: silentLogger,
    });
    return { clock, table, asked, addresses, probe };
  }
  const response = (code: number) => ({ code, remark: undefined }) as RemotingCommand;

  test('asks brokers that cannot be reached for the last offset of queue 0, and counts in those that answer', async () => {
    const { table, asked, probe } = detector((address) =>
      address === 'host-a:1' ? response(0) : new Error('silence'),
    );
    table.item('a', 'orders').reachable = false;
    table.item('b', 'payments').reachable = false;
    table.item('c', 'orders');
    await probe.round();
    expect(asked).toEqual([
      {
        address: 'host-a:1',
        code: RequestCode.GET_MAX_OFFSET,
        ext: { topic: 'ns%orders', queueId: 0 },
        timeoutMs: 200,
      },
      {
        address: 'host-b:1',
        code: RequestCode.GET_MAX_OFFSET,
        ext: { topic: 'ns%payments', queueId: 0 },
        timeoutMs: 200,
      },
    ]);
    expect([table.isReachable('a'), table.isReachable('b')]).toEqual([true, false]);
  });

  test('asks each again only when its time has come, and takes no refusal for an answer', async () => {
    let code = 2;
    const { clock, table, asked, probe } = detector(() => response(code));
    table.item('a', 'orders').reachable = false;
    await probe.round();
    clock.nowMs = 1_999;
    await probe.round();
    expect(asked).toHaveLength(1);
    code = 0;
    clock.nowMs = 2_000;
    await probe.round();
    expect(asked).toHaveLength(2);
    expect(table.isReachable('a')).toBe(true);
    clock.nowMs = 10_000;
    await probe.round();
    expect(asked).toHaveLength(2);
  });

  test('forgets a broker that no route names any more', async () => {
    const { table, asked, addresses, probe } = detector(() => response(0));
    table.item('a', 'orders').reachable = false;
    addresses.delete('a');
    await probe.round();
    expect(asked).toEqual([]);
    expect([...table.items]).toEqual([]);
  });
});
