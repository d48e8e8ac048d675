import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeProperties } from '../../../core/message/properties.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { refuseAppends } from '../../fault/failing-store.js';
import { type BrokerParts, COMMIT, HALF, OPS, ROLLBACK, TransactionBroker } from './transaction-kit.js';

async function open(parts: BrokerParts = {}): Promise<TransactionBroker> {
  const broker = await TransactionBroker.open(parts);
  onTestFinished(() => broker.close());
  return broker;
}

describe('a half message', () => {
  test('waits in the half topic, and nobody can read it where it is sent', async () => {
    const broker = await open();
    const response = await broker.send('t1');
    expect(response).toMatchObject({ code: 0, ext: { queueId: 1, queueOffset: 0, MSG_REGION: 'DefaultRegion' } });
    expect(await broker.read()).toEqual([]);
    const [half] = await broker.read(HALF);
    expect(half).toMatchObject({ queueId: 0, flag: 7, sysFlag: 0, preparedTransactionOffset: 0 });
    expect({ ...decodeProperties(half!.properties) }).toEqual({
      UNIQ_KEY: 't1',
      WAIT: 'true',
      TAGS: 'paid',
      TRAN_MSG: 'true',
      PGROUP: 'payers',
      CLUSTER: 'DefaultCluster',
      REAL_TOPIC: 'orders',
      REAL_QID: '1',
    });
  });

  test.each<[string, Parameters<TransactionBroker['send']>[1], number, string]>([
    ['with a delay level', { properties: 'DELAY\u00013' }, 13, 'cannot be delayed'],
    ['with a timer', { properties: 'TIMER_DELAY_SEC\u00019' }, 13, 'cannot be delayed'],
    ['whose properties leave no room for the checks', { properties: `big\u0001${'x'.repeat(32_600)}` }, 13, 'illegal'],
  ])('%s is refused', async (_, parts, code, words) => {
    const broker = await open();
    expect(await broker.send('t1', parts)).toMatchObject({ code, remark: expect.stringContaining(words) });
    expect(await broker.read(HALF)).toEqual([]);
  });

  test('is refused where the broker takes no transactions', async () => {
    const broker = await open({ settings: { rejectTransactionMessage: true } });
    const remark = 'the broker[127.0.0.1] sending transaction message is forbidden';
    expect(await broker.send('t1')).toMatchObject({ code: 16, remark });
  });

  test('that a consumer sends back is a plain message of its retry topic', async () => {
    const broker = await open();
    const ext = { b: '%RETRY%readers', j: 1, f: 0, e: 0 };
    // The group has to be known.
    expect(await broker.send('t1', { ext })).toMatchObject({ code: 0 });
    expect(await broker.bodies('%RETRY%readers')).toEqual(['t1']);
    expect(await broker.read(HALF)).toEqual([]);
  });
});

describe('the end of a transaction', () => {
  test('delivers what was committed, as 4.9 stores it, and writes down that it is done', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    const [message] = await broker.read();
    expect(message).toMatchObject({
      topic: 'orders',
      queueId: 1,
      queueOffset: 0,
      flag: 7,
      sysFlag: 8,
      preparedTransactionOffset: half.commitLogOffset,
    });
    expect(message!.body.toString()).toBe('t1');
    expect(decodeProperties(message!.properties)).toMatchObject({
      TRAN_MSG: 'true',
      REAL_TOPIC: 'orders',
      TAGS: 'paid',
    });
    const [op] = await broker.read(OPS);
    expect(op!.body.toString()).toBe('0');
    expect({ ...decodeProperties(op!.properties) }).toEqual({ WAIT: 'true', TAGS: 'd' });
    // Directly behind one another: see ARCHITECTURE.md.
    expect(op!.physicalOffset).toBe(message!.physicalOffset + message!.totalSize);
  });

  test('delivers nothing of what was rolled back', async () => {
    const broker = await open();
    await broker.half('t0');
    const half = await broker.half('t1');
    expect(await broker.end(half, ROLLBACK)).toMatchObject({ code: 0 });
    expect(await broker.read()).toEqual([]);
    expect(await broker.bodies(OPS)).toEqual(['1']);
  });

  test.each([0, 4, 99])('that says neither (%i) is answered with nothing, and changes nothing', async (value) => {
    const broker = await open();
    const half = await broker.half('t1');
    const asked = broker.tell(half, value);
    await broker.clock.advance(10);
    expect(asked.answered).toBe(false);
    expect(await broker.read(OPS)).toEqual([]);
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a place where no message is', { commitLogOffset: 5 }, 'Find prepared transaction message failed'],
    ['a place before the first', { commitLogOffset: -1 }, 'Find prepared transaction message failed'],
    ['another group', { producerGroup: 'others' }, 'The producer group wrong'],
    ['another offset', { tranStateTableOffset: 1 }, 'The transaction state table offset wrong'],
  ])('for %s is refused', async (_, ext, remark) => {
    const broker = await open();
    const half = await broker.half('t1');
    expect(await broker.end(half, COMMIT, ext)).toMatchObject({ code: 1, remark });
    expect(await broker.read()).toEqual([]);
  });

  test('of a message that a power failure took is not the end of the one that lies there now', async () => {
    const broker = await open();
    const [lost, id] = ['7F00000100002A9F0000000000000001', '7F00000100002A9F0000000000000002'];
    const half = await broker.half(id);
    expect(await broker.end(half, COMMIT, { msgId: lost })).toMatchObject({ code: 1, remark: 'The message id wrong' });
    expect(await broker.read()).toEqual([]);
    const offset = half.commitLogOffset.toString(16).toUpperCase().padStart(16, '0');
    expect(await broker.end(half, COMMIT, { msgId: `7F00000100002A9F${offset}` })).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual([id]);
  });

  test.each(['', 'whatever', undefined])('may name the message as it likes (%j), or not at all', async (msgId) => {
    const broker = await open();
    const half = await broker.half('7F00000100002A9F0000000000000002');
    expect(await broker.end(half, COMMIT, { msgId })).toMatchObject({ code: 0 });
  });

  test('does not make a half message of a plain one', async () => {
    const broker = await open();
    const sent = await broker.send('plain', {
      ext: { f: 0, j: 0, i: 'PGROUP\u0001payers\u0002REAL_TOPIC\u0001orders\u0002REAL_QID\u00010' },
    });
    const commitLogOffset = Number(`0x${(sent.ext!.msgId as string).slice(16)}`);
    const half = { id: 'plain', group: 'payers', queueOffset: 0, commitLogOffset };
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 1 });
    expect(await broker.bodies()).toEqual(['plain']);
  });

  test('without a field that it needs is refused', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    await expect(broker.end(half, COMMIT, { producerGroup: undefined })).rejects.toThrow(/producerGroup/);
  });

  test('comes once: a second one changes nothing, whatever it says', async () => {
    const broker = await open();
    const first = await broker.half('t1');
    const second = await broker.half('t2');
    const answers = await Promise.all([
      broker.end(first, COMMIT),
      broker.end(first, COMMIT),
      broker.end(second, ROLLBACK),
      broker.end(second, COMMIT),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(await broker.end(first, ROLLBACK)).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual(['t1']);
    expect(await broker.bodies(OPS)).toEqual(['0', '1']);
  });

  test('is found out about after a clean stop: what is open stays open, the rest is done', async () => {
    const files = createMemoryStoreFiles();
    const clock = virtualClock();
    const before = await TransactionBroker.open({ files, clock });
    const [a, b, c] = [await before.half('a'), await before.half('b'), await before.half('c')];
    await before.end(a, COMMIT);
    await before.end(c, COMMIT);
    await before.close();
    const after = await open({ files, clock });
    expect(after.offsets.query('CID_RMQ_SYS_TRANS', HALF, 0)).toBe(1);
    // The end of `c` has to be read again, that of `a` has not; both are in front of it.
    expect(after.offsets.query('CID_RMQ_SYS_TRANS', OPS, 0)).toBe(1);
    for (const half of [a, b, c]) await after.end(half, COMMIT);
    expect((await after.bodies()).sort()).toEqual(['a', 'b', 'c']);
  });

  test('that a crash left without its record is the only one, also where the disk is full at the next start', async () => {
    const files = createMemoryStoreFiles();
    const clock = virtualClock();
    const before = await TransactionBroker.open({ files, clock });
    const half = await before.half('t1');
    const { store } = before;
    const appendTogether = store.appendTogether.bind(store);
    const unanswered = {
      status: 'SERVICE_NOT_AVAILABLE',
      commitLogOffsets: [],
      queueOffset: -1,
      storeTimestamp: 0,
    } as const;
    store.appendTogether = ([message], done) => appendTogether([message!], () => done(unanswered));
    await before.end(half, COMMIT);
    await before.close();
    const after = await open({ files, clock, beforeLoad: (opened) => refuseAppends(opened, 2) });
    expect(await after.bodies()).toEqual(['t1']);
    expect(await after.end(half, COMMIT)).toMatchObject({ code: 0 });
    await clock.advance(5 * 60_000);
    expect(after.producer.checks).toEqual([]);
    expect(await after.bodies()).toEqual(['t1']);
    expect(await after.bodies(OPS)).toEqual(['0']);
  });

  test('is not noted down as done, at a stop either, before it is on the disk itself', async () => {
    const broker = await TransactionBroker.open();
    const half = await broker.half('t1');
    await broker.end(half, COMMIT);
    const { store } = broker;
    const writeConfig = store.writeConfig.bind(store);
    const unsyncedAt: Record<string, number> = {};
    store.writeConfig = (name, text) => {
      const { commitLogMaxOffset, flushedOffset } = store.statistics;
      unsyncedAt[name] = commitLogMaxOffset - flushedOffset;
      return writeConfig(name, text);
    };
    await broker.close();
    expect(unsyncedAt).toMatchObject({ 'consumerOffset.json': 0 });
  });

  test('is waited for by what would be too old otherwise', async () => {
    const everyHour = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0')).join(';');
    const broker = await open({
      store: { fileReservedTimeHours: 0, deleteWhen: everyHour, deleteCommitLogFilesIntervalMs: 0 },
    });
    const half = await broker.half('t1');
    for (let index = 0; index < 3; index++) await broker.send('x'.repeat(40_000), { ext: { f: 0, i: '' } });
    await broker.store.removeOldFiles();
    expect(broker.store.statistics.commitLogMinOffset).toBe(0);
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    await broker.store.removeOldFiles();
    expect(broker.store.statistics.commitLogMinOffset).toBeGreaterThan(0);
  });

  test('of a message that is larger than new ones may be delivers it all the same', async () => {
    const broker = await open();
    const half = await broker.half('larger than that');
    broker.store.change({ maxMessageSize: 5 });
    await broker.clock.advance(60_000);
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual(['larger than that']);
    expect(await broker.send('new ones')).toMatchObject({ code: 13 });
  });

  test('that the store finds illegal is told in 4.9.7’s words', async () => {
    const broker = await open({ settings: { maxMessageSize: 5_000 } });
    const half = await broker.half('t1');
    broker.store.appendTogether = (_messages, done) =>
      done({ status: 'MESSAGE_ILLEGAL', commitLogOffsets: [], queueOffset: -1, storeTimestamp: 0 });
    expect(await broker.end(half, COMMIT)).toMatchObject({
      code: 13,
      remark:
        'The message is illegal, maybe msg body or properties length not matched. ' +
        'msg body length limit 5000B, msg properties length limit 32KB.',
    });
  });

  test('that the store did not take leaves the transaction open', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    const append = broker.store.appendTogether.bind(broker.store);
    broker.store.appendTogether = (_messages, done) =>
      done({ status: 'SERVICE_NOT_AVAILABLE', commitLogOffsets: [], queueOffset: -1, storeTimestamp: 0 });
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 14 });
    broker.store.appendTogether = append;
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual(['t1']);
  });
});
