/** A consumer that stands where messages were removed for their age or number goes on with what is still there. */
import { expect, test } from 'vitest';
import { type Client, connect, type Producer } from '../../core/index.js';
import { type RunningServer, startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

const FILE_SIZE_BYTES = 16_384;

async function setup(): Promise<{ server: RunningServer; mq: Client; producer: Producer }> {
  const store = {
    mappedFileSizeCommitLog: FILE_SIZE_BYTES,
    mappedFileSizeConsumeQueue: 200,
    maxHashSlotNum: 16,
    maxIndexNum: 50,
    commitLogSizeBytesMax: 2 * FILE_SIZE_BYTES,
    cleanResourceIntervalMs: 20,
    deleteCommitLogFilesIntervalMs: 0,
  };
  const server = closeAfterTest(
    await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0, store, defaultTopicQueueNums: 1 }),
  );
  const mq = closeAfterTest(await connect({ nameServers: server.nameServers }));
  return { server, mq, producer: await mq.producer({ group: 'p' }) };
}

async function sendAndForget({ server, producer }: { server: RunningServer; producer: Producer }): Promise<void> {
  for (let number = 0; number < 100; number++) {
    await producer.send({ topic: 'kept-for-a-while', body: `${number} ${'x'.repeat(1500)}` });
  }
  const kept = 4 * FILE_SIZE_BYTES;
  await waitFor(
    () => {
      const { commitLogMinOffset, commitLogMaxOffset } = server.statistics.store;
      return commitLogMinOffset > 0 && commitLogMaxOffset - commitLogMinOffset < kept;
    },
    { what: 'old messages to go' },
  );
}

const numberOf = (body: Uint8Array): number => Number(Buffer.from(body).toString().split(' ')[0]);

test('one that was away while they went', async () => {
  const { server, mq, producer } = await setup();
  const options = {
    group: 'c',
    subscribe: { 'kept-for-a-while': '*' },
    from: 'first',
  } as const;
  await producer.send({ topic: 'kept-for-a-while', body: '-1' });
  const before = await mq.consumer(options);
  let seen = 0;
  await before.run(() => void seen++);
  await waitFor(() => seen === 1, { what: 'the first message' });
  await before.close();
  await sendAndForget({ server, producer });

  const after = await mq.consumer(options);
  const numbers: number[] = [];
  await after.run(({ body }) => void numbers.push(numberOf(body)));
  await waitFor(() => numbers.includes(99), { what: 'the last message' });
  numbers.sort((one, other) => one - other);
  expect(numbers[0]).toBeGreaterThan(10);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 100 - numbers.length + index));
});

test('one that was busy while they went', async () => {
  const { server, mq, producer } = await setup();
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const consumer = await mq.consumer({
    group: 'c',
    subscribe: { 'kept-for-a-while': '*' },
    from: 'first',
    pullBatchSize: 2,
    pullThresholdForQueue: 2,
  });
  const numbers: number[] = [];
  await producer.send({ topic: 'kept-for-a-while', body: '-1' });
  await consumer.run(async ({ body }) => {
    numbers.push(numberOf(body));
    await gate;
  });
  await waitFor(() => numbers.length > 0, { what: 'the first message' });
  await sendAndForget({ server, producer });
  const held = numbers.length;
  open();
  await waitFor(() => numbers.includes(99), { what: 'the last message' });
  const later = numbers.slice(held);
  expect(held).toBeLessThan(10);
  expect(later.length).toBeLessThan(80);
  expect(new Set(numbers).size).toBe(numbers.length);
});
