import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { nodeStoreFiles } from '../../../core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { type Fault, FaultyVolume } from '../../fault/faulty-volume.js';
import { tempDir } from '../../kit/temp-dir.js';
import { append, appendAll, bodiesOf, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

async function setup(): Promise<{ volume: FaultyVolume; clock: VirtualClock; store: FileMessageStore }> {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openMessageStore({ dir: '/data', files: volume, clock, ...SMALL_FILES });
  onTestFinished(() => store.close());
  return { volume, clock, store };
}

const failing = (operation: string, code: string, where = ''): Fault => {
  return (happening, path) => {
    if (happening === operation && path.includes(where)) throw Object.assign(new Error(code), { code });
    return undefined;
  };
};

test('a disk beyond the watermark refuses writes, keeps reading, and takes writes again when there is room', async () => {
  const { volume, clock, store } = await setup();
  await append(store, { body: 'before' });
  volume.space = { freeBytes: 50, totalBytes: 1000 };
  await clock.advance(10_000);
  expect(await append(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE', queueOffset: -1 });
  expect(store.refusal).toBe('the disk is full: 95.0 % used, at most 90.0 % are allowed');
  expect(store.statistics.diskUsedRatio).toBeCloseTo(0.95);
  expect(bodiesOf(await readQueue(store))).toEqual(['before']);
  volume.space = { freeBytes: 500, totalBytes: 1000 };
  await clock.advance(10_000);
  expect(store.refusal).toBeUndefined();
  expect(await append(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
});

test('a disk that is too full from the start is said so', async () => {
  const volume = new FaultyVolume();
  volume.space = { freeBytes: 1, totalBytes: 1000 };
  const store = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  onTestFinished(() => store.close());
  expect(store.refusal).toMatch(/disk is full/);
});

test.each(['ENOSPC', 'EIO'])(
  'a write that fails with %s refuses the turn, and the store mends when it can',
  async (code) => {
    const { volume, clock, store } = await setup();
    await append(store, { body: 'before' });
    volume.fault = failing('write', code, 'commitlog');
    const refused = await appendAll(store, [storeMessage(), storeMessage({ queueId: 1 })]);
    expect(refused.map(({ status }) => status)).toEqual(['SERVICE_NOT_AVAILABLE', 'SERVICE_NOT_AVAILABLE']);
    expect(store.refusal).toBe(`a write failed (${code})`);
    expect((await append(store)).status).toBe('SERVICE_NOT_AVAILABLE');
    expect(bodiesOf(await readQueue(store))).toEqual(['before']);
    await clock.advance(10_000);
    expect(store.refusal).toBe(`a write failed (${code})`);
    volume.fault = () => undefined;
    await clock.advance(10_000);
    expect(store.refusal).toBeUndefined();
    expect(await append(store, { body: 'after' })).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(bodiesOf(await readQueue(store))).toEqual(['before', 'after']);
    expect(store.statistics).toMatchObject({ messagesPut: 2, putFailures: 3 });
  },
);

test('a write that stops half-way leaves nothing behind that could come back', async () => {
  const { volume, clock, store } = await setup();
  await append(store, { body: 'before' });
  let writes = 0;
  volume.fault = (operation, path) => {
    if (operation !== 'write' || !path.includes('commitlog')) return undefined;
    if (writes++ === 0) return 250;
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  };
  const bodies = ['one', 'two', 'three', 'four'];
  const refused = await appendAll(
    store,
    bodies.map((body) => storeMessage({ body })),
  );
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set(['SERVICE_NOT_AVAILABLE']));
  volume.fault = () => undefined;
  await clock.advance(10_000);
  await append(store, { body: 'x' });
  const reopened = await openMessageStore({ dir: '/data', files: volume.loseProcess(), ...SMALL_FILES });
  onTestFinished(() => reopened.close());
  expect(bodiesOf(await readQueue(reopened))).toEqual(['before', 'x']);
});

test('short writes are gone on with', async () => {
  const { volume, store } = await setup();
  volume.fault = (operation) => (operation === 'write' ? 7 : undefined);
  const bodies = Array.from({ length: 20 }, (_, index) => `${index}`);
  await appendAll(
    store,
    bodies.map((body) => storeMessage({ body })),
  );
  expect(bodiesOf(await readQueue(store))).toEqual(bodies);
});

test('a stop whose every write stops short leaves all of it', async () => {
  const { volume, store } = await setup();
  const { storeTimestamp } = await append(store, { body: 'x' });
  volume.fault = (operation) => (operation === 'write' ? 5 : undefined);
  await store.writeConfig('topics.json', '{"all":"of it"}');
  await store.close();
  volume.fault = () => undefined;
  const times = Buffer.alloc(16);
  volume.open('/data/checkpoint').readSync(times, 0);
  expect([0, 8].map((at) => Number(times.readBigInt64BE(at)))).toEqual([storeTimestamp, storeTimestamp]);
  const reopened = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  onTestFinished(() => reopened.close());
  expect(await reopened.readConfig('topics.json')).toBe('{"all":"of it"}');
  expect(bodiesOf(await readQueue(reopened))).toEqual(['x']);
});

test('a disk that cannot be read leaves the numbers that need no disk', async () => {
  const { volume, store } = await setup();
  const { storeTimestamp } = await append(store);
  await store.close();
  const reopened = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  onTestFinished(() => reopened.close());
  volume.fault = failing('read', 'EIO', 'commitlog');
  expect(reopened.statistics).toMatchObject({ earliestStoreTimestamp: -1, queues: 1 });
  volume.fault = () => undefined;
  expect(reopened.statistics).toMatchObject({ earliestStoreTimestamp: storeTimestamp, queues: 1 });
});

test('a file that cannot be made refuses what should have gone into it', async () => {
  const { volume, clock, store } = await setup();
  volume.fault = failing('create', 'EMFILE', 'commitlog');
  expect((await append(store)).status).toBe('CREATE_MAPPED_FILE_FAILED');
  volume.fault = () => undefined;
  await clock.advance(10_000);
  expect(await append(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
});

test('a new file whose name cannot be put on the disk takes no message', async () => {
  const { volume, clock, store } = await setup();
  volume.fault = failing('syncDirectory', 'EIO', 'commitlog');
  expect((await append(store)).status).toBe('CREATE_MAPPED_FILE_FAILED');
  await clock.advance(10_000);
  expect((await append(store)).status).toBe('CREATE_MAPPED_FILE_FAILED');
  volume.fault = () => undefined;
  await clock.advance(10_000);
  expect((await append(store)).status).toBe('PUT_OK');
});

test('a failed sync makes the store read-only until it is opened again, and its stop is not clean', async () => {
  const { volume, clock, store } = await setup();
  await append(store, { body: 'kept' });
  volume.fault = failing('sync', 'EIO', 'commitlog');
  await clock.advance(500);
  volume.fault = () => undefined;
  expect(store.refusal).toBe('a sync failed (EIO); the store has to be opened again');
  await clock.advance(60_000);
  expect((await append(store)).status).toBe('SERVICE_NOT_AVAILABLE');
  expect(bodiesOf(await readQueue(store))).toEqual(['kept']);
  await store.close();
  expect(volume.exists('/data/abort')).toBe(true);
  const reopened = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  onTestFinished(() => reopened.close());
  expect((await append(reopened)).status).toBe('PUT_OK');
});

test('queue files that cannot be written refuse new messages and lose none', async () => {
  const { volume, clock, store } = await setup();
  volume.fault = failing('create', 'ENOSPC', 'consumequeue');
  await append(store, { body: 'one' });
  await clock.advance(1000);
  expect(store.refusal).toBe('a write failed (ENOSPC)');
  expect(bodiesOf(await readQueue(store))).toEqual(['one']);
  volume.fault = () => undefined;
  await clock.advance(10_000);
  await append(store, { body: 'two' });
  expect(bodiesOf(await readQueue(store))).toEqual(['one', 'two']);
});

test('the checkpoint never names what was not synced', async () => {
  const { volume, clock, store } = await setup();
  const timesIn = (): bigint[] => {
    const bytes = Buffer.alloc(24);
    volume.open('/data/checkpoint').readSync(bytes, 0);
    return [0, 8, 16].map((at) => bytes.readBigInt64BE(at));
  };
  const { storeTimestamp } = await append(store);
  await clock.advance(59_000);
  expect(timesIn()).toEqual([0n, 0n, 0n]);
  volume.fault = failing('sync', 'EIO', 'consumequeue');
  await clock.advance(2000);
  expect(timesIn()).toEqual([0n, 0n, 0n]);
  volume.fault = () => undefined;
  await store.close();
  const reopened = await openMessageStore({ dir: '/data', files: volume, clock, ...SMALL_FILES });
  await reopened.close();
  expect(timesIn()).toEqual([BigInt(storeTimestamp), BigInt(storeTimestamp), 0n]);
});

test.each(['EACCES', 'EROFS', 'ENOSPC'])('a directory that cannot be written (%s) is unusable', async (code) => {
  const volume = new FaultyVolume();
  volume.fault = failing('create', code);
  await expect(openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES })).rejects.toMatchObject({
    code: 'RMQ_STORE_UNUSABLE',
    cause: { code },
  });
  volume.fault = () => undefined;
  const store = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  await store.close();
});

test('a data directory under a file, or one that is a file, is unusable', async () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'file'), '');
  for (const path of [join(dir, 'file'), join(dir, 'file', 'below')]) {
    await expect(openMessageStore({ dir: path, files: nodeStoreFiles })).rejects.toMatchObject({
      code: 'RMQ_STORE_UNUSABLE',
    });
  }
});

test('a checkpoint of another length is refused, and the directory is let go', async () => {
  const dir = tempDir();
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'checkpoint'), 'short');
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openMessageStore({ dir, files: nodeStoreFiles })).rejects.toMatchObject({
      code: 'RMQ_STORE_UNUSABLE',
      path: `${dir}/checkpoint`,
    });
  }
});
