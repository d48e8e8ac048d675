import type { Container } from 'inversify';
import { expect, test } from 'vitest';
import { FaultStrategy } from '../../core/pipeline/fault-strategy.js';
import {
  type LatencyFaultOptions,
  resolveLatencyFault,
} from '../../core/routing/latency-fault/latency-fault-options.js';
import { LatencyFaults } from '../../core/routing/latency-fault/latency-faults.js';
import { Clock } from '../../core/runtime/clock.js';
import { hello, pipelineKit, type SeenRequest } from './pipeline-kit.js';

const bindFaults = (options: LatencyFaultOptions) => (container: Container) => {
  const faults = new LatencyFaults(resolveLatencyFault(options), container.get<Clock>(Clock), () => 0);
  container.bind<FaultStrategy>(FaultStrategy).toConstantValue(faults);
};

/** A hundred sends a second on two brokers that take as long as told; counts what each got in a stretch of time. */
async function underLoad(options: LatencyFaultOptions) {
  const delayMs = new Map([
    ['broker-a', 3],
    ['broker-b', 3],
  ]);
  const got = new Map<string, number>();
  const brokerOf = (request: SeenRequest) => request.address.split(':')[0] as string;
  const kit = await pipelineKit({
    bind: bindFaults(options),
    script: (request) => {
      const broker = brokerOf(request);
      got.set(broker, (got.get(broker) ?? 0) + 1);
      kit.clock.setTimer(delayMs.get(broker) as number, () => request.answer());
    },
  });
  const sends: Promise<unknown>[] = [];
  const during = async (durationMs: number) => {
    got.clear();
    for (let passedMs = 0; passedMs < durationMs; passedMs += 10) {
      sends.push(kit.producer.send(hello));
      await kit.clock.advance(10);
    }
    return { a: got.get('broker-a') ?? 0, b: got.get('broker-b') ?? 0 };
  };
  const allSent = async () => {
    await kit.clock.advance(5_000);
    return Promise.all(sends);
  };
  return { delayMs, during, allSent };
}

test('a broker that slows down sheds its load within a second, and gets it back when it is fast again', async () => {
  const { delayMs, during, allSent } = await underLoad({ form: '5.x' });
  expect(await during(1_000)).toEqual({ a: 50, b: 50 });
  delayMs.set('broker-b', 600);
  const slowing = await during(1_000);
  // It had its share until the first answer told, 600 ms later.
  expect(slowing.b).toBeGreaterThan(20);
  expect(slowing.b).toBeLessThan(35);
  expect(await during(1_000)).toEqual({ a: 100, b: 0 });
  delayMs.set('broker-b', 3);
  // Answers that were on their way still count: two seconds after the last of them it is back.
  await during(1_500);
  expect(await during(1_000)).toEqual({ a: 50, b: 50 });
  expect(await allSent()).toHaveLength(550);
});

test('a broker that stays slow gets no more than a look in every two seconds', async () => {
  const { delayMs, during } = await underLoad({ form: '5.x' });
  delayMs.set('broker-b', 600);
  await during(1_000);
  const { a, b } = await during(10_000);
  expect(a + b).toBe(1_000);
  expect(b).toBeLessThan(130);
});

test('in the form 4.9 it is left alone for half a minute', async () => {
  const { delayMs, during } = await underLoad({ form: '4.9' });
  delayMs.set('broker-b', 600);
  await during(1_500);
  delayMs.set('broker-b', 3);
  expect(await during(5_000)).toEqual({ a: 500, b: 0 });
});

test('with latencies of its own a producer is as strict as it wants', async () => {
  const { delayMs, during } = await underLoad({ form: '5.x', latencyMaxMs: [20], notAvailableDurationMs: [500] });
  delayMs.set('broker-b', 25);
  expect((await during(400)).b).toBeLessThan(5);
});

test('a failed broker is left alone by the sends after the one that met it', async () => {
  const kit = await pipelineKit({
    bind: bindFaults({ form: '5.x' }),
    script: (request) =>
      queueMicrotask(() =>
        request.address.startsWith('broker-a') ? request.fail('RMQ_CONNECT_FAILED') : request.answer(),
      ),
  });
  const results = [];
  for (let count = 0; count < 8; count++) results.push(await kit.producer.send(hello));
  expect(results.map(({ attempts }) => attempts)).toEqual([2, 1, 1, 1, 1, 1, 1, 1]);
  await kit.clock.advance(10_000);
  for (let count = 0; count < 4; count++) await kit.producer.send(hello);
  expect(kit.requests.filter((request) => request.address.startsWith('broker-a'))).toHaveLength(2);
});

test('when every broker is at fault sends go on', async () => {
  for (const form of ['4.9', '5.x'] as const) {
    const kit = await pipelineKit({
      bind: bindFaults({ form }),
      script: (request) => queueMicrotask(() => (kit.requests.length <= 3 ? request.answer(14) : request.answer())),
    });
    await expect(kit.producer.send(hello)).rejects.toMatchObject({ code: 'RMQ_SEND_FAILED' });
    expect(await kit.producer.send(hello)).toMatchObject({ status: 'SEND_OK', attempts: 1 });
  }
});

test('a strategy whose choice does not exist gets plainly the next queue', async () => {
  const turns: number[] = [];
  const kit = await pipelineKit({
    bind: (container) =>
      container.bind<FaultStrategy>(FaultStrategy).toConstantValue({
        record: () => {},
        isAvailable: () => false,
        choose: (_queues, turn) => {
          turns.push(turn.step());
          return 99;
        },
      }),
  });
  const { queue } = await kit.producer.send(hello);
  expect(turns).toEqual([0]);
  expect(kit.publishInfo('orders').queues).toContainEqual(queue);
});
