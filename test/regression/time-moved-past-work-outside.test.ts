/**
 * Large bodies are compressed and decompressed in threads, a broadcasting consumer writes its offsets to files, and a clock that
 * is moved by hand saw none of that: while nothing happened in the event loop it took everything for done. `advance` came back
 * without messages that were due, a request timed out although its reply was there, and a loop of more than some thousand sends
 * was cut short.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localOffsetsDir } from '../../core/consumer/broadcasting/local-offsets-dir.js';
import { testKit, virtualClock } from '../../core/testing/index.js';
import { transaction } from '../../plugins/transaction/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';

/** Compressed it is still so large that threads decompress it. */
const LARGE = Buffer.concat([randomBytes(100 * 1024), Buffer.alloc(100 * 1024)]);

test('large bodies that nobody awaits are sent, and handled, when time has moved', async () => {
  const kit = closeAfterTest(await testKit());
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  const lengths: number[] = [];
  await kit.createTopic('orders');
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  await consumer.run(({ body }) => void lengths.push(body.length));
  const sending = Array.from({ length: 5 }, () => producer.send({ topic: 'orders', body: LARGE }));
  await kit.clock.settle();
  expect(lengths).toEqual(Array(5).fill(LARGE.length));
  await Promise.all(sending);
});

test('a codec that a producer needs is loaded', async () => {
  const kit = closeAfterTest(await testKit());
  const sendOne = async () => {
    const producer = await (await kit.connect()).producer({ group: 'shop', compression: 'zstd' });
    await producer.send({ topic: 'orders', body: LARGE });
  };
  const sending = sendOne();
  await kit.clock.settle();
  expect(await kit.messages('orders')).toHaveLength(1);
  await sending;
});

test('a large request has its large reply before it is late', async () => {
  const kit = closeAfterTest(await testKit());
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await kit.createTopic('quotes');
  const consumer = await mq.consumer({ group: 'quoting', subscribe: { quotes: '*' }, from: 'first' });
  await consumer.run((message) => message.reply(LARGE));
  const asking = producer.request({ topic: 'quotes', body: LARGE }, { timeoutMs: 5_000 });
  await kit.clock.advance('1m');
  expect((await asking).body.length).toBe(LARGE.length);
});

test('the check of a large transaction is answered', async () => {
  const kit = closeAfterTest(await testKit());
  const transactions = transaction();
  const mq = await kit.connect({ plugins: [transactions] });
  const producer = await mq.plugin(transactions).producer({
    group: 'checkout',
    execute: () => 'unknown',
    check: () => 'commit',
  });
  await producer.send({ topic: 'orders', body: LARGE });
  await kit.clock.advance('1m');
  expect(await kit.messages('orders')).toHaveLength(1);
});

test('the offsets of a broadcasting consumer are in their file', async () => {
  const kit = closeAfterTest(await testKit());
  const mq = await kit.connect({ instanceName: 'reader' });
  await kit.createTopic('news', { queues: 1 });
  const localOffsetStoreDir = tempDir();
  const consumer = await mq.consumer({
    group: 'readers',
    subscribe: { news: '*' },
    from: 'first',
    messageModel: 'broadcasting',
    localOffsetStoreDir,
  });
  await consumer.run(() => {});
  const producer = await mq.producer({ group: 'press' });
  await producer.send({ topic: 'news', body: 'today' });
  await kit.clock.advance('5s');
  const dir = localOffsetsDir(localOffsetStoreDir, mq.clientId, 'readers');
  expect(await readFile(join(dir, 'offsets.json'), 'utf8')).toMatch(/"topic":"news"\}:1\b/);
});

test('very many delayed messages are there also where time runs meanwhile', async () => {
  const kit = closeAfterTest(await testKit({ running: true }));
  const producer = await (await kit.connect()).producer({ group: 'shop' });
  const deliverAt = kit.clock.now() + 600_000;
  const messages = Array.from({ length: 500 }, (_, index) => ({ topic: 'orders', body: `${index}`, deliverAt }));
  for await (const { error } of producer.sendAll(messages)) expect(error).toBeUndefined();
  await kit.clock.advance('601s');
  expect(await kit.messages('orders')).toHaveLength(500);
});

test('sends that each await the one before are not cut short', async () => {
  const kit = closeAfterTest(await testKit());
  const producer = await (await kit.connect()).producer({ group: 'shop' });
  let sent = 0;
  const sendAll = async () => {
    for (; sent < 6_000; sent++) await producer.send({ topic: 'orders', body: 'order' });
  };
  const sending = sendAll();
  await kit.clock.settle();
  expect(sent).toBe(6_000);
  await sending;
});

test('a handler that awaits something outside is waited for where it says so', async () => {
  const kit = closeAfterTest(await testKit());
  const mq = await kit.connect();
  const producer = await mq.producer({ group: 'shop' });
  await kit.createTopic('orders');
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  let saved = 0;
  const save = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (++saved === 1) throw new Error('the database is closed');
  };
  await consumer.run(() => {
    const saving = save();
    kit.clock.holdFor(saving);
    return saving;
  });
  await producer.send({ topic: 'orders', body: 'order 42' });
  await kit.clock.settle();
  expect(saved).toBe(1);
  await kit.clock.advance('1m');
  expect(saved).toBe(2);
});

test('what goes on without end and needs no time is an error, not a wait without end', async () => {
  const clock = virtualClock();
  let isOver = false;
  const askOn = (): void => {
    clock.now();
    if (!isOver) setImmediate(askOn);
  };
  askOn();
  await expect(clock.advance('1s')).rejects.toMatchObject({ code: 'RMQ_KIT_RESTLESS', turns: 200_000 });
  isOver = true;
  await clock.advance('1s');
  expect(clock.monotonic()).toBe(1_000);
});
