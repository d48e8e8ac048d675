import { describe, expect, onTestFinished, test } from 'vitest';
import { formatOffsetMsgId } from '../../../core/message/message-ids.js';
import { decodeProperties } from '../../../core/message/properties.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import {
  type BrokerParts,
  COMMIT,
  DISCARDED,
  FakeProducer,
  HALF,
  OPS,
  ROLLBACK,
  TransactionBroker,
} from './transaction-kit.js';

const INTERVAL_MS = 60_000;
const YEAR_MS = 365 * 86_400_000;
const ANOTHERS = 'TRAN_PREPARED_QUEUE_OFFSET\u00017\u0002TRANSACTION_CHECK_TIMES\u000115';

async function open(parts: BrokerParts = {}): Promise<TransactionBroker> {
  const broker = await TransactionBroker.open(parts);
  onTestFinished(() => broker.close());
  return broker;
}

describe('a transaction that its producer does not end', () => {
  test('is asked about, with the place where it lies then and the message as it will be delivered', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    await broker.clock.advance(INTERVAL_MS);
    const [check] = broker.producer.checks;
    const [, copy] = await broker.read(HALF);
    expect(broker.producer.checks).toHaveLength(1);
    expect(check!.ext).toEqual({
      tranStateTableOffset: 1,
      commitLogOffset: copy!.physicalOffset,
      msgId: 't1',
      transactionId: 't1',
      offsetMsgId: `7F00000100002A9F${copy!.physicalOffset.toString(16).toUpperCase().padStart(16, '0')}`,
    });
    expect(check!.record).toMatchObject({
      topic: 'orders',
      queueId: 1,
      queueOffset: 1,
      physicalOffset: copy!.physicalOffset,
      flag: 7,
      storeHost: '127.0.0.1:10911',
    });
    expect(check!.record.body.toString()).toBe('t1');
    expect(decodeProperties(check!.record.properties)).toMatchObject({ TRANSACTION_CHECK_TIMES: '1', WAIT: 'false' });
    expect(decodeProperties(copy!.properties)).toMatchObject({ TRANSACTION_CHECK_TIMES: '1', WAIT: 'true' });
    expect(half.queueOffset).toBe(0);
    await broker.end(check!, COMMIT, { fromTransactionCheck: true });
    expect(await broker.bodies()).toEqual(['t1']);
    expect(await broker.bodies(OPS)).toEqual(['1']);
  });

  test('is left alone while it is young', async () => {
    const broker = await open();
    await broker.clock.advance(INTERVAL_MS - 5_999);
    await broker.half('t1');
    await broker.clock.advance(5_999);
    expect(broker.producer.checks).toEqual([]);
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks.map(({ id }) => id)).toEqual(['t1']);
  });

  test('is left alone for as long as its producer asks, and that is no check of the fifteen', async () => {
    const broker = await open({ settings: { transactionCheckMax: 2 } });
    await broker.half('t1', 'CHECK_IMMUNITY_TIME_IN_SECONDS\u0001300');
    await broker.clock.advance(4 * INTERVAL_MS);
    expect(broker.producer.checks).toEqual([]);
    await broker.clock.advance(2 * INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(2);
    await broker.clock.advance(INTERVAL_MS);
    expect(await broker.bodies(DISCARDED)).toEqual(['t1']);
  });

  test('can be ended while it is left alone', async () => {
    const broker = await open();
    const half = await broker.half('t1', 'CHECK_IMMUNITY_TIME_IN_SECONDS\u0001300');
    await broker.clock.advance(3 * INTERVAL_MS);
    await broker.end(half, COMMIT);
    await broker.clock.advance(10 * INTERVAL_MS);
    expect(await broker.bodies()).toEqual(['t1']);
    expect(broker.producer.checks).toEqual([]);
  });

  test('is asked about at once when its producer has a clock that is ahead', async () => {
    const broker = await open();
    await broker.send('t1', { ext: { g: broker.clock.now() + 3_600_000 } });
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(1);
  });

  test('is asked about fifteen times, then it goes to the topic of the discarded, and never comes back', async () => {
    const discarded: unknown[] = [];
    const logger = { ...silentLogger, error: (_: string, fields?: object) => discarded.push(fields) };
    const broker = await open({ logger });
    const half = await broker.half('t1');
    await broker.clock.advance(15 * INTERVAL_MS);
    expect(
      broker.producer.checks.map(({ record }) => decodeProperties(record.properties).TRANSACTION_CHECK_TIMES),
    ).toEqual(Array.from({ length: 15 }, (_, index) => `${index + 1}`));
    expect(await broker.read(DISCARDED)).toEqual([]);
    await broker.clock.advance(3 * INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(15);
    expect(await broker.bodies(DISCARDED)).toEqual(['t1']);
    expect(discarded).toMatchObject([{ msgId: 't1', group: 'payers', topic: 'orders', checkTimes: 15 }]);
    await broker.end(half, COMMIT);
    expect(await broker.read()).toEqual([]);
  });

  test('that was discarded is asked about again when an operator wants it, once', async () => {
    const files = createMemoryStoreFiles();
    const broker = await TransactionBroker.open({ files, settings: { transactionCheckMax: 1 } });
    const half = await broker.half('t1');
    await broker.clock.advance(3 * INTERVAL_MS);
    const [discarded] = await broker.read(DISCARDED);
    const idOf = (offset: number) => formatOffsetMsgId('127.0.0.1:10911', offset);
    const remark = 'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.';
    for (const msgId of ['no id', idOf(half.commitLogOffset), idOf(99_999_999)]) {
      expect(await broker.resumeCheck(msgId), msgId).toMatchObject({ code: 1, remark });
    }
    expect(await broker.resumeCheck(idOf(discarded!.physicalOffset))).toMatchObject({ code: 0 });
    expect(await broker.resumeCheck(idOf(discarded!.physicalOffset))).toMatchObject({ code: 1, remark });
    const { length: before } = broker.producer.checks;
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(before + 1);
    // What the producer knew of it before is over; what it was asked about now counts, after a restart too.
    await broker.end(half, COMMIT);
    expect(await broker.read()).toEqual([]);
    const asked = broker.producer.checks.at(-1)!;
    await broker.close();
    const next = await open({ files, clock: virtualClock({ nowMs: broker.clock.now() }) });
    await next.end(asked, COMMIT);
    expect(await next.bodies()).toEqual(['t1']);
    await next.clock.advance(5 * INTERVAL_MS);
    expect(next.producer.checks).toEqual([]);
    expect(await next.bodies()).toEqual(['t1']);
  });

  test('is asked about, and can be committed, however old it is by its producer’s clock', async () => {
    const broker = await open();
    const half = await broker.half('old', undefined, { g: 0 });
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks.map(({ id }) => id)).toEqual(['old']);
    await broker.end(half, COMMIT);
    expect(await broker.bodies()).toEqual(['old']);
    expect(await broker.read(DISCARDED)).toEqual([]);
  });

  test.each([-YEAR_MS, YEAR_MS])(
    'is asked about when the clock is set by a year (%i ms), and discarded by no clock',
    async (ms) => {
      const broker = await open();
      await broker.half('before');
      await broker.half('patient', 'CHECK_IMMUNITY_TIME_IN_SECONDS\u000110');
      broker.clock.setNow(broker.clock.now() + ms);
      await broker.half('after');
      await broker.clock.advance(INTERVAL_MS);
      expect(broker.producer.checks.map(({ id }) => id).sort()).toEqual(['after', 'before', 'patient']);
      expect(await broker.read(DISCARDED)).toEqual([]);
    },
  );

  test('is asked of the members of its group in turn, also of one that came later, and of none that left', async () => {
    const broker = await open();
    for (const id of ['a', 'b', 'c', 'd']) await broker.half(id);
    const other = new FakeProducer();
    broker.join(other);
    await broker.clock.advance(INTERVAL_MS);
    expect([broker.producer.checks.length, other.checks.length]).toEqual([2, 2]);
    broker.leave(broker.producer);
    await broker.clock.advance(INTERVAL_MS);
    expect([broker.producer.checks.length, other.checks.length]).toEqual([2, 6]);
    other.close();
    await broker.clock.advance(INTERVAL_MS);
    expect(other.checks).toHaveLength(6);
    expect(await broker.read(OPS)).toEqual([]);
  });

  test('is asked of each member in turn, whatever other groups there are', async () => {
    const broker = await open();
    const others = [new FakeProducer(), new FakeProducer()];
    const second = new FakeProducer();
    broker.join(second);
    for (const other of others) broker.join(other, 'others');
    await broker.half('a');
    await broker.half('b', 'PGROUP\u0001others');
    await broker.clock.advance(4 * INTERVAL_MS);
    expect([broker.producer, second, ...others].map(({ checks }) => checks.length)).toEqual([2, 2, 2, 2]);
  });

  test('is asked of who reads, and of nobody while nobody does: a question that is lost would be one of the fifteen', async () => {
    const broker = await open({ settings: { transactionCheckMax: 2 } });
    await broker.half('t1');
    broker.producer.lagging = true;
    await broker.clock.advance(5 * INTERVAL_MS);
    expect(broker.producer.checks).toEqual([]);
    const second = new FakeProducer();
    broker.join(second);
    await broker.clock.advance(INTERVAL_MS);
    broker.producer.lagging = false;
    await broker.clock.advance(INTERVAL_MS);
    expect([broker.producer.checks.length, second.checks.length]).toEqual([1, 1]);
    await broker.end(second.checks[0]!, COMMIT);
    expect(await broker.bodies()).toEqual(['t1']);
  });

  test('is asked about again where the answer is that it is not known', async () => {
    const broker = await open();
    await broker.half('t1');
    await broker.clock.advance(INTERVAL_MS);
    broker.tell(broker.producer.checks[0]!, 0, { fromTransactionCheck: true });
    await broker.clock.advance(INTERVAL_MS);
    await broker.end(broker.producer.checks[1]!, ROLLBACK, { fromTransactionCheck: true });
    await broker.clock.advance(5 * INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(2);
    expect(await broker.read()).toEqual([]);
  });

  test('does not keep those behind it from their checks', async () => {
    const broker = await open();
    const count = 100;
    for (let index = 0; index < count; index++) {
      const half = await broker.half(`t${index}`);
      if (index % 3 === 0) await broker.end(half, COMMIT);
    }
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(66);
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks).toHaveLength(132);
  });
});

describe('each is delivered once', () => {
  test('when its producer ends it late, after it was asked, and then answers all that it was asked', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    await broker.clock.advance(3 * INTERVAL_MS);
    const { checks } = broker.producer;
    expect(checks).toHaveLength(3);
    await broker.end(half, COMMIT);
    for (const check of checks) await broker.end(check, COMMIT, { fromTransactionCheck: true });
    await broker.clock.advance(5 * INTERVAL_MS);
    expect(await broker.bodies()).toEqual(['t1']);
    expect(checks).toHaveLength(3);
  });

  test('when its end comes just while it is being asked about', async () => {
    const broker = await open({ store: { flushDiskType: 'SYNC_FLUSH' } });
    const half = await broker.half('t1');
    // The round begins, and the store answers later.
    const round = broker.clock.advance(INTERVAL_MS);
    const ended = broker.end(half, COMMIT);
    await round;
    expect(await ended).toMatchObject({ code: 0 });
    await broker.clock.advance(5 * INTERVAL_MS);
    expect(await broker.bodies()).toEqual(['t1']);
    expect(broker.producer.checks.length).toBeLessThan(2);
  });

  test('when the store refuses while it is to be asked about', async () => {
    const broker = await open();
    await broker.half('t1');
    const append = broker.store.append.bind(broker.store);
    broker.store.append = (_message, done) =>
      done({ status: 'SERVICE_NOT_AVAILABLE', commitLogOffset: -1, queueOffset: -1, storeTimestamp: 0 });
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks).toEqual([]);
    broker.store.append = append;
    await broker.clock.advance(INTERVAL_MS);
    await broker.end(broker.producer.checks[0]!, COMMIT);
    expect(await broker.bodies()).toEqual(['t1']);
  });

  test('when it is ended right after the store refused to have it stored once more', async () => {
    const broker = await open();
    const half = await broker.half('t1');
    const release = refuse(broker, 't1', 'SERVICE_NOT_AVAILABLE');
    await broker.clock.advance(INTERVAL_MS);
    release();
    expect(await broker.end(half, COMMIT)).toMatchObject({ code: 0 });
    expect(await broker.bodies()).toEqual(['t1']);
  });

  test('when a message is one of a transaction that was another’s before, and brings what its checks wrote', async () => {
    const broker = await open();
    const [a, b] = [await broker.half('a', ANOTHERS), await broker.half('b', ANOTHERS)];
    await broker.clock.advance(INTERVAL_MS);
    expect(broker.producer.checks.map(({ id }) => id)).toEqual(['a', 'b']);
    await broker.end(b, COMMIT);
    await broker.end(a, COMMIT);
    expect(await broker.bodies()).toEqual(['b', 'a']);
  });
});

test('is asked about with all that its producer put between its properties, and holds up no others', async () => {
  const broker = await open();
  const odd = await broker.half('odd', 'note\u0001a\u0001b');
  for (let index = 0; index < 40; index++) await broker.half(`t${index}`);
  await broker.clock.advance(INTERVAL_MS);
  const { checks } = broker.producer;
  expect(checks).toHaveLength(41);
  expect(decodeProperties(checks[0]!.record.properties)).toMatchObject({ note: 'a\u0001b', WAIT: 'false' });
  await broker.end(checks[0]!, COMMIT);
  await broker.end(odd, COMMIT);
  expect(await broker.bodies()).toEqual(['odd']);
});

test('what an Apache broker left without room for another property is given up, and holds up no others', async () => {
  const broker = await open();
  const { storeHost } = (await broker.half('t0').then(() => broker.read(HALF)))[0]!;
  const marks = 'UNIQ_KEY\u0001full\u0002PGROUP\u0001payers\u0002REAL_TOPIC\u0001orders\u0002REAL_QID\u00010\u0002';
  const properties = Buffer.from(`${marks}filler\u0001`.padEnd(32_767, 'x'));
  const message = { topic: HALF, queueId: 0, flag: 0, sysFlag: 0, reconsumeTimes: 0, preparedTransactionOffset: 0 };
  const whole = { ...message, bornTimestamp: broker.clock.now(), bornHost: storeHost, storeHost, tagsCode: 0 };
  broker.store.append({ ...whole, body: Buffer.from('full'), properties, waitStored: false }, () => {});
  for (let index = 1; index < 40; index++) await broker.half(`t${index}`);
  await broker.clock.advance(INTERVAL_MS);
  expect(broker.producer.checks).toHaveLength(40);
  expect(await broker.bodies(DISCARDED)).toEqual(['full']);
});

test('what the store takes nowhere any more holds up no others, and is given up', async () => {
  const errors: unknown[] = [];
  const broker = await open({ logger: { ...silentLogger, error: (_, fields) => errors.push(fields) } });
  await broker.half('illegal now');
  for (let index = 0; index < 40; index++) await broker.half(`t${index}`);
  refuse(broker, 'illegal now', 'MESSAGE_ILLEGAL');
  await broker.clock.advance(2 * INTERVAL_MS);
  expect(broker.producer.checks).toHaveLength(80);
  expect(await broker.bodies(OPS)).toEqual(['0']);
  expect(errors).toMatchObject([{ msgId: 'illegal now', status: 'MESSAGE_ILLEGAL' }]);
});

/** From now on the store refuses what has this body. Gives what ends that. */
function refuse(
  broker: TransactionBroker,
  id: string,
  status: 'SERVICE_NOT_AVAILABLE' | 'MESSAGE_ILLEGAL',
): () => void {
  const { store } = broker;
  const append = store.append.bind(store);
  const appendTogether = store.appendTogether.bind(store);
  const refused = { status, queueOffset: -1, storeTimestamp: 0 } as const;
  const isIt = ({ body }: { readonly body: Uint8Array } | undefined = { body: new Uint8Array() }): boolean =>
    Buffer.from(body).toString() === id;
  store.append = (message, done) => (isIt(message) ? done({ ...refused, commitLogOffset: -1 }) : append(message, done));
  store.appendTogether = (messages, done) =>
    isIt(messages[0]) ? done({ ...refused, commitLogOffsets: [] }) : appendTogether(messages, done);
  return () => Object.assign(store, { append, appendTogether });
}
