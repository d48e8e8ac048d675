import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  connect,
  json,
  type LocalTransactionState,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
  topic,
} from '../../../core/index.js';
import { namespace } from '../../../plugins/namespace/index.js';
import {
  type CheckedMessage,
  type HalfMessage,
  type TransactionProducerOptions,
  transaction,
} from '../../../plugins/transaction/index.js';
import { fakeCluster } from '../../client/fake-cluster.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { waitFor } from '../../kit/wait-for.js';
import { INTERVAL_MS, message, open, openKit } from './transaction-kit.js';

describe('a send in a transaction', () => {
  test('runs the local branch with the argument while nobody can read the message, and commits it', async () => {
    const kit = await openKit();
    const { producer, ends } = await open(kit);
    const seen: { half: HalfMessage; argument: { id: number }; readable: number }[] = [];
    const payers = await producer<{ id: number }>({
      execute: async (half, argument) => {
        seen.push({ half, argument, readable: (await kit.messages('orders')).length });
        return 'commit' as const;
      },
    });
    const result = await payers.send(message, { id: 42 });
    expect(result).toMatchObject({ status: 'SEND_OK', localState: 'commit', attempts: 1, queueOffset: 0 });
    expect(result.transactionId).toBe(result.msgId);
    const [{ half, argument, readable }] = seen as [(typeof seen)[number]];
    expect([argument, readable]).toEqual([{ id: 42 }, 0]);
    expect(half).toMatchObject({ message, transactionId: result.msgId, result: { offsetMsgId: result.offsetMsgId } });
    const [stored] = await kit.messages('orders', { count: 1 });
    expect(stored).toMatchObject({ msgId: result.msgId, value: 'order 42', tag: 'paid', keys: ['42'] });
    expect(stored!.properties).toMatchObject({ TRAN_MSG: 'true', PGROUP: 'payers' });
    expect(ends).toEqual([
      {
        producerGroup: 'payers',
        message: { topic: 'orders', tag: 'paid', keys: ['42'] },
        msgId: result.msgId,
        transactionId: result.msgId,
        brokerName: 'broker-a',
        brokerAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        regionId: 'DefaultRegion',
        transactionState: 'commit',
        fromTransactionCheck: false,
      },
    ]);
  });

  test('that the local branch rolls back is never delivered', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const payers = await producer({ execute: () => 'rollback' });
    expect(await payers.send(message)).toMatchObject({ localState: 'rollback' });
    await kit.clock.advance(5 * INTERVAL_MS);
    expect(await kit.messages('orders')).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('the bank is closed'))],
    ['throws nothing at all', () => Promise.reject()],
    ['answers what is no state', () => 'paid'],
  ])('whose local branch %s is unknown, and the broker asks', async (_, execute) => {
    const kit = await openKit();
    const { producer, warnings, ends } = await open(kit);
    const checked: CheckedMessage[] = [];
    const payers = await producer({
      execute: execute as () => LocalTransactionState,
      check: (asked) => {
        checked.push(asked);
        return 'commit';
      },
    });
    const result = await payers.send(message);
    expect(result).toMatchObject({ localState: 'unknown', localError: expect.any(Error) });
    expect(warnings).toMatchObject([{ message: 'a local branch failed; the broker will ask' }]);
    await kit.clock.advance(INTERVAL_MS);
    expect(checked).toMatchObject([
      { topic: 'orders', tag: 'paid', keys: ['42'], msgId: result.msgId, transactionId: result.msgId, checkTimes: 1 },
    ]);
    expect(checked[0]!.body.toString()).toBe('order 42');
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
    expect(ends.map(({ transactionState, fromTransactionCheck }) => [transactionState, fromTransactionCheck])).toEqual([
      ['unknown', false],
      ['commit', true],
    ]);
  });

  test('whose local branch takes too long fails by name, and is committed when the branch ends after all', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    let finish: (state: LocalTransactionState) => void = () => {};
    let signal: AbortSignal | undefined;
    const payers = await producer({
      timeoutMs: 5_000,
      execute: (half) => {
        signal = half.signal;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const sending = payers.send(message);
    const failed = expect(sending).rejects.toMatchObject({
      code: 'RMQ_SEND_TIMEOUT',
      plugin: 'transaction',
      sent: 'maybe',
    });
    await waitFor(() => signal);
    await kit.clock.advance(5_000);
    await failed;
    expect(signal?.aborted).toBe(true);
    finish('commit');
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test.each([ResponseCode.FLUSH_DISK_TIMEOUT, ResponseCode.FLUSH_SLAVE_TIMEOUT, ResponseCode.SLAVE_NOT_AVAILABLE])(
    'whose half message is not stored safely (%i) is rolled back without its local branch',
    async (code) => {
      const { nameServers, nameServer, broker } = await fakeCluster();
      nameServer.routes.set('orders', broker.route(0, 1));
      const ends: RemotingCommand[] = [];
      const offset = 2 ** 53 - 1;
      const msgId = `7F00000100002A9F${offset.toString(16).toUpperCase().padStart(16, '0')}`;
      broker.server.process(RequestCode.SEND_MESSAGE_V2, () => ({ code, ext: { msgId, queueId: 0, queueOffset: 7 } }));
      broker.server.process(RequestCode.END_TRANSACTION, (request) => {
        ends.push(request);
        return undefined;
      });
      const transactions = transaction();
      const mq = closeAfterTest(await connect({ nameServers, plugins: [transactions] }));
      let ran = false;
      const payers = await mq.plugin(transactions).producer({
        group: 'payers',
        check: () => 'unknown',
        execute: () => {
          ran = true;
          return 'commit';
        },
      });
      const result = await payers.send(message);
      expect(result).toMatchObject({ localState: 'rollback', status: expect.not.stringMatching('SEND_OK') });
      await waitFor(() => ends.length > 0);
      expect(ran).toBe(false);
      // 4.9 says no transaction id, and gets none back.
      expect({ ...ends[0]!.ext }).toEqual({
        topic: 'orders',
        producerGroup: 'payers',
        tranStateTableOffset: '7',
        commitLogOffset: String(offset),
        commitOrRollback: '12',
        fromTransactionCheck: 'false',
        msgId: result.msgId,
        bname: 'broker-a',
      });
    },
  );

  test('that no broker takes fails as any send, and nothing is begun', async () => {
    const kit = await openKit();
    const { producer, ends } = await open(kit);
    const payers = await producer({ retries: 0 });
    kit.refuse('SEND_MESSAGE_V2', { code: 'NO_PERMISSION' });
    await expect(payers.send(message)).rejects.toMatchObject({ code: 'RMQ_SEND_FAILED', cause: { responseCode: 16 } });
    expect(ends).toEqual([]);
  });

  test('of which the broker does not hear the end is asked about', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const payers = await producer({ check: () => 'commit' });
    kit.drop('END_TRANSACTION', { what: 'request' });
    expect(await payers.send(message)).toMatchObject({ localState: 'commit' });
    expect(await kit.messages('orders')).toEqual([]);
    await kit.clock.advance(INTERVAL_MS);
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test('is sent without a delay, as Java does; a message beside it keeps its own', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const payers = await producer();
    await payers.send({ ...message, delayLevel: 3 });
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test('has values, waits for no others, and goes beside plain sends of the same producer', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const orders = topic('orders', json<{ id: number }>());
    const payers = await producer({ autoBatch: { lingerMs: 1 } });
    const sends = [
      payers.send({ topic: orders, value: { id: 1 } }),
      payers.send({ topic: orders, value: { id: 2 } }),
      payers.producer.send({ topic: 'orders', body: '{"id":3}' }),
    ];
    await waitFor(() => kit.clock.advance(1).then(() => Promise.all([sends[2]])));
    await Promise.all(sends);
    const values = (await kit.messages(orders, { count: 3 })).map(({ value }) => value.id);
    expect(values.sort()).toEqual([1, 2, 3]);
  });

  test('has an argument that the compiler asks for where there is one', async () => {
    const kit = await openKit();
    const { producer } = await open(kit);
    const payers = await producer<number>();
    expectTypeOf(payers.send).parameter(1).toEqualTypeOf<number>();
    // @ts-expect-error: the argument is missing
    await expect(payers.send(message)).resolves.toMatchObject({ localState: 'commit' });
  });

  test('shows its interceptor', async () => {
    const kit = await openKit();
    const { producer, mq } = await open(kit);
    const payers = await producer();
    expect(payers.producer.describe().match(/transaction/g)).toHaveLength(1);
    const plain = await mq.producer({ group: 'plain' });
    expect(plain.describe()).not.toContain('transaction');
  });
});

describe('in a namespace', () => {
  test('the group and the topic carry it on the wire, and nobody sees it', async () => {
    const kit = await openKit();
    const { producer, ends } = await open(kit, { plugins: [namespace({ namespace: 'staging' })] });
    const checked: CheckedMessage[] = [];
    let state: LocalTransactionState = 'commit';
    const payers = await producer({
      execute: () => state,
      check: (asked) => {
        checked.push(asked);
        return 'commit';
      },
    });
    await payers.send(message);
    state = 'unknown';
    await payers.send(message);
    await kit.clock.advance(INTERVAL_MS);
    const stored = await kit.messages('staging%orders', { count: 2 });
    expect(stored.map(({ properties }) => properties.PGROUP)).toEqual(['staging%payers', 'staging%payers']);
    expect(checked).toMatchObject([{ topic: 'orders' }]);
    expect(ends).toHaveLength(3);
    expect(JSON.stringify(ends)).not.toContain('staging');
  });
});

describe('a transactional producer', () => {
  test.each<[string, Partial<TransactionProducerOptions>]>([
    ['execute', { execute: undefined as never }],
    ['check', { check: 'yes' as never }],
    ['checkConcurrency', { checkConcurrency: 0 }],
    ['checkTimeoutMs', { checkTimeoutMs: -1 }],
    ['topics', { topics: ['no topic'] }],
  ])('is not made with a wrong %s', async (option, options) => {
    const kit = await openKit();
    const { producer } = await open(kit);
    await expect(producer(options)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option });
  });

  test('is one of its group in a client, transactional or not, until it is closed', async () => {
    const kit = await openKit();
    const { mq, producer } = await open(kit);
    const first = await producer();
    await expect(producer()).rejects.toMatchObject({ code: 'RMQ_GROUP_DUPLICATE' });
    await first.close();
    const plain = await mq.producer({ group: 'payers' });
    await expect(producer()).rejects.toMatchObject({ code: 'RMQ_GROUP_DUPLICATE' });
    await plain.close();
    const again = await producer();
    expect(await again.send(message)).toMatchObject({ localState: 'commit' });
    await again[Symbol.asyncDispose]();
    await expect(again.send(message)).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  });

  test('is not made when its client is closed', async () => {
    const kit = await openKit();
    const { mq, producer } = await open(kit);
    await mq.close();
    await expect(producer()).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  });

  test('ends what it has begun before it is closed', async () => {
    const kit = await openKit();
    const { mq, producer } = await open(kit);
    let finish: (state: LocalTransactionState) => void = () => {};
    let begun = false;
    const payers = await producer({
      execute: () => {
        begun = true;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const sending = payers.send(message);
    await waitFor(() => begun);
    const closing = mq.close();
    finish('commit');
    expect(await sending).toMatchObject({ localState: 'commit' });
    await closing;
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test('also what has outlived its send: the broker hears how the local branch ended', async () => {
    const kit = await openKit();
    const { mq, producer } = await open(kit);
    let finish: (state: LocalTransactionState) => void = () => {};
    const payers = await producer({
      timeoutMs: 1_000,
      execute: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    const sending = expect(payers.send(message)).rejects.toMatchObject({ code: 'RMQ_SEND_TIMEOUT' });
    await kit.clock.advance('1s');
    await sending;
    const closing = payers.close();
    finish('commit');
    await closing;
    await mq.close();
    expect(await kit.messages('orders', { count: 1 })).toHaveLength(1);
  });

  test('waits no longer than it is told to: for a branch and for a check that do not end', async () => {
    const kit = await openKit();
    const { producer, warnings } = await open(kit);
    const checked = { count: 0 };
    const payers = await producer({
      timeoutMs: 1_000,
      execute: () => new Promise(() => {}),
      check: () => {
        checked.count++;
        return new Promise(() => {});
      },
    });
    const sending = expect(payers.send(message)).rejects.toMatchObject({ code: 'RMQ_SEND_TIMEOUT' });
    await kit.clock.advance(2 * INTERVAL_MS);
    await sending;
    expect(checked.count).toBeGreaterThan(0);
    const closing = payers.close({ timeoutMs: 500 });
    await kit.clock.advance(500);
    await closing;
    expect(warnings.at(-1)).toMatchObject({
      message: expect.stringContaining('in the middle'),
      fields: { group: 'payers' },
    });
    await payers.close({ timeoutMs: 500, signal: AbortSignal.abort() });
  });
});
