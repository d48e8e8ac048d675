/** Synchronous flush from end to end: what a producer is told, on a disk whose syncs a test holds back. */
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Producer } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';

async function setup(syncFlushTimeoutMs = 5000): Promise<{ volume: FaultyVolume; producer: Producer }> {
  const volume = new FaultyVolume();
  const store = {
    files: volume,
    flushDiskType: 'SYNC_FLUSH',
    syncFlushTimeoutMs,
    mappedFileSizeCommitLog: 65_536,
  } as const;
  const mq = closeAfterTest(await connect({ cluster: embedded({ dir: '/data', store }) }));
  const producer = await mq.producer({ group: 'flush' });
  // The topic and everything that comes with it is there before the disk slows down.
  await producer.send({ topic: 'flushed', body: 'first' });
  onTestFinished(() => volume.releaseSyncs());
  return { volume, producer };
}

test('a send resolves when its message is on the disk', async () => {
  const { volume, producer } = await setup();
  volume.holdSyncs();
  let ended = false;
  const sending = producer.send({ topic: 'flushed', body: 'waits' }).finally(() => {
    ended = true;
  });
  await waitFor(() => volume.syncsUnderWay > 0, { what: 'the sync of the message' });
  expect(ended).toBe(false);
  volume.releaseSyncs();
  expect(await sending).toMatchObject({ status: 'SEND_OK' });
});

test('a disk that takes too long is the status FLUSH_DISK_TIMEOUT of a result, with the place of the message', async () => {
  const { volume, producer } = await setup(50);
  volume.holdSyncs();
  const result = await producer.send({ topic: 'flushed', body: 'late' });
  expect(result).toMatchObject({ status: 'FLUSH_DISK_TIMEOUT', queueOffset: expect.any(Number) });
  expect(result.offsetMsgId).toMatch(/^[0-9A-F]{32}$/);
});

test('waitStored: false is answered before the disk has it', async () => {
  const { volume, producer } = await setup();
  volume.holdSyncs();
  const result = await producer.send({ topic: 'flushed', body: 'at once', waitStored: false });
  expect(result.status).toBe('SEND_OK');
  expect(volume.syncsUnderWay).toBeGreaterThan(0);
});

test('a failed sync is FLUSH_DISK_TIMEOUT for who waits, and later sends are refused', async () => {
  const { volume, producer } = await setup();
  volume.fault = (operation, path) => {
    if (operation !== 'sync' || !path.includes('commitlog')) return undefined;
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  expect((await producer.send({ topic: 'flushed', body: 'unsure' })).status).toBe('FLUSH_DISK_TIMEOUT');
  await expect(producer.send({ topic: 'flushed', body: 'refused' })).rejects.toMatchObject({
    code: 'RMQ_SEND_FAILED',
    attempts: expect.arrayContaining([
      expect.objectContaining({ error: expect.objectContaining({ responseCode: 14 }) }),
    ]),
  });
});
