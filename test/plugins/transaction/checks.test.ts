import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { LocalTransactionState, Plugin, PluginHost, ReceivedMessage } from '../../../core/index.js';
import { silentLogger } from '../../../core/index.js';
import { virtualClock } from '../../../core/testing/index.js';
import type { CheckedMessage } from '../../../plugins/transaction/index.js';
import { TransactionChecks } from '../../../plugins/transaction/transaction-checks.js';
import { waitFor } from '../../kit/wait-for.js';
import { INTERVAL_MS, message, open, openKit } from './transaction-kit.js';

describe('a check', () => {
  test('gets the message as plugins read it, who changed it when it was sent', async () => {
    const swap = (body: Uint8Array | string) => Buffer.from(Buffer.from(body as string).map((byte) => byte ^ 1));
    const swapping: Plugin = {
      name: 'swapping',
      setup(host) {
        host.interceptSend({
          before: 'select',
          create: () => (context, next) =>
            next(context.with({ message: { ...context.message, body: swap(context.message.body) } })),
        });
        host.interceptRead(async (message) => ({ ...message, body: swap(message.body) }));
      },
    };
    const kit = await openKit();
    const { producer, warnings } = await open(kit, { plugins: [swapping] });
    const checked: string[] = [];
    const payers = await producer({
      execute: () => 'unknown',
      check: ({ body }) => {
        checked.push(body.toString());
        return checked.length > 1 ? 'commit' : 'unknown';
      },
    });
    await payers.send(message);
    await kit.clock.advance(3 * INTERVAL_MS);
    expect(checked).toEqual(['order 42', 'order 42']);
    expect((await kit.messages('orders')).map(({ body }) => body)).toEqual([swap('order 42')]);
    expect(warnings).toEqual([]);
  });

  test('of a message that a plugin cannot read is told about under its name, and asked again', async () => {
    const kit = await openKit();
    const failures = [
      () => undefined,
      () => Promise.reject(new Error('no key')),
      () => new Promise(() => {}), // for ever
    ];
    const failing: Plugin = {
      name: 'failing',
      setup: (host) => host.interceptRead((read) => (failures.shift() ?? (() => read))() as typeof read),
    };
    const { producer, warnings } = await open(kit, { plugins: [failing] });
    const payers = await producer({ execute: () => 'unknown', check: () => 'commit' });
    await payers.send(message);
    await kit.clock.advance(5 * INTERVAL_MS);
    const failed = { error: expect.objectContaining({ code: 'RMQ_PLUGIN_FAILED', plugin: 'failing' }) };
    expect(warnings.map(({ fields }) => fields)).toMatchObject([failed, failed, failed]);
    expect(await kit.messages('orders')).toHaveLength(1);
  });

  test('runs a bounded number at a time, and loses none', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    let running = 0;
    let most = 0;
    const payers = await producer({
      checkConcurrency: 3,
      execute: () => 'unknown',
      check: async () => {
        most = Math.max(most, ++running);
        await wait(1);
        running--;
        return 'commit' as const;
      },
    });
    await Promise.all(Array.from({ length: 50 }, () => payers.send(message)));
    await kit.clock.advance(INTERVAL_MS);
    expect(await kit.messages('orders', { count: 50 })).toHaveLength(50);
    expect(most).toBe(3);
    await kit.clock.advance(3 * INTERVAL_MS);
    expect(await kit.messages('orders')).toHaveLength(50);
  });

  test.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('no database'))],
    ['never answers', () => new Promise(() => {})],
  ])('that %s is unknown: the next time it is asked again, and others are answered', async (_, first) => {
    const kit = await openKit();
    const { producer, warnings } = await open(kit);
    let asked = 0;
    const payers = await producer({
      checkConcurrency: 1,
      checkTimeoutMs: 10_000,
      execute: () => 'unknown',
      check: () => (asked++ === 0 ? (first() as never) : 'commit'),
    });
    await payers.send(message);
    await kit.clock.advance(INTERVAL_MS + 10_000);
    expect(warnings).toMatchObject([{ message: 'a check failed' }]);
    await kit.clock.advance(INTERVAL_MS);
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
    expect(asked).toBe(2);
  });

  test('that takes longer than the broker’s patience runs once, and its answer goes to the newest question', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    let answer: (state: LocalTransactionState) => void = () => {};
    let asked = 0;
    const payers = await producer({
      checkTimeoutMs: 10 * INTERVAL_MS,
      execute: () => 'unknown',
      check: () => {
        asked++;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    await payers.send(message);
    await kit.clock.advance(4 * INTERVAL_MS);
    expect(asked).toBe(1);
    answer('commit');
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
    await kit.clock.advance(3 * INTERVAL_MS);
    expect(await kit.messages('orders')).toHaveLength(1);
    expect(asked).toBe(1);
  });

  test('is answered by whoever of the group is there: one that left, or came later', async () => {
    const kit = await openKit();
    const first = await open(kit);
    const sender = await first.producer({ execute: () => 'unknown', check: () => 'unknown' });
    await sender.send(message);
    const second = await open(kit);
    await second.producer({ check: () => 'commit' });
    await kit.clock.settle();
    await sender.close();
    await kit.clock.advance(INTERVAL_MS + 30_000);
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test('for a group without a transactional producer is logged, and the broker asks on', async () => {
    const kit = await openKit();
    const { mq, producer, warnings } = await open(kit);
    const payers = await producer({ execute: () => 'unknown' });
    await payers.send(message);
    await payers.close();
    const plain = await mq.producer({ group: 'payers' });
    await plain.send({ topic: 'others', body: 'x' });
    await kit.clock.advance(2 * INTERVAL_MS);
    expect(warnings.map(({ message: words }) => words)).toContain(
      'a broker asked about a transaction of no group of this client',
    );
    await plain.close();
    await producer({ check: () => 'rollback' });
    await kit.clock.advance(2 * INTERVAL_MS);
    expect(await kit.messages('orders')).toEqual([]);
  });

  test('shows a body that was compressed, and the properties that its sender gave', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const checked: CheckedMessage[] = [];
    const payers = await producer({
      compressThresholdBytes: 100,
      execute: () => 'unknown',
      check: (asked) => {
        checked.push(asked);
        return 'rollback';
      },
    });
    await payers.send({ topic: 'orders', body: 'x'.repeat(5_000), properties: { shop: '7' } });
    await kit.clock.advance(INTERVAL_MS);
    await waitFor(() => checked.length > 0);
    expect(checked[0]!.body.toString()).toBe('x'.repeat(5_000));
    expect(checked[0]!.properties).toMatchObject({ shop: '7', TRANSACTION_CHECK_TIMES: '1' });
  });

  test('survives a server that is started again', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const payers = await producer({ execute: () => 'unknown', check: () => 'commit' });
    await payers.send(message);
    await kit.restart();
    await kit.clock.advance(3 * INTERVAL_MS);
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });
});

test('a half message at each of two brokers, of a send that was tried again: both hear the end before the checks are closed', async () => {
  const told: string[] = [];
  let deliver: () => void = () => {};
  const delivered = new Promise<void>((resolve) => {
    deliver = resolve;
  });
  const host: Partial<PluginHost> = {
    clock: virtualClock(),
    logger: silentLogger,
    reportEndTransaction: () => {},
    oneway: (target, { ext }) => {
      told.push(`${(target as { address: string }).address} ${ext?.commitLogOffset}`);
      return delivered;
    },
  };
  let answer: (state: LocalTransactionState) => void = () => {};
  const state = new Promise<LocalTransactionState>((resolve) => {
    answer = resolve;
  });
  const options = { group: 'payers', wireGroup: 'payers', check: () => state, concurrency: 1, timeoutMs: 1_000 };
  const checks = new TransactionChecks(host as PluginHost, options);
  const half = { msgId: 'ID', topic: 'orders', keys: [], properties: {} } as Partial<ReceivedMessage>;
  const ask = (address: string, commitLogOffset: string): void =>
    checks.add({ message: half as ReceivedMessage, ext: { commitLogOffset }, address });
  ask('broker-a:1', '10');
  ask('broker-b:1', '20');
  ask('broker-a:1', '11');
  answer('commit');
  await waitFor(() => told.length === 2);
  expect(told).toEqual(['broker-a:1 11', 'broker-b:1 20']);
  let isClosed = false;
  const closing = checks.close().then(() => {
    isClosed = true;
  });
  await wait(1);
  expect(isClosed).toBe(false);
  deliver();
  await closing;
});
