import { expect, onTestFinished, test } from 'vitest';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import type { AppendResult, StoreMessage } from '../../../core/server/store/message-store.js';
import { type OpenStoreOptions, openMessageStore } from '../../../core/server/store/open-message-store.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { nextTurn } from '../../kit/wait-for.js';
import { append, bodiesOf, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

interface Setup {
  readonly volume: FaultyVolume;
  readonly clock: VirtualClock;
  readonly store: FileMessageStore;
  /** Syncs of the commit log that were begun. */
  readonly syncs: () => number;
}

async function setup(options: Partial<OpenStoreOptions> = {}): Promise<Setup> {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openOn(volume, clock, options);
  let syncs = 0;
  volume.fault = (operation, path) => {
    if (operation === 'sync' && path.includes('commitlog')) syncs++;
    return undefined;
  };
  onTestFinished(() => volume.releaseSyncs());
  return { volume, clock, store, syncs: () => syncs };
}

async function openOn(
  files: FaultyVolume,
  clock: VirtualClock,
  options: Partial<OpenStoreOptions> = {},
): Promise<FileMessageStore> {
  const dir = '/data';
  const store = await openMessageStore({ dir, files, clock, flushDiskType: 'SYNC_FLUSH', ...SMALL_FILES, ...options });
  onTestFinished(async () => {
    files.releaseSyncs();
    await store.close();
  });
  return store;
}

/** Appends one turn's messages; their results come as they are answered. */
function turn(store: FileMessageStore, bodies: readonly string[], parts: Partial<StoreMessage> = {}): AppendResult[] {
  const results: AppendResult[] = [];
  for (const body of bodies) store.append({ ...storeMessage({ body }), ...parts }, (result) => results.push(result));
  store.flushTurn();
  return results;
}

/** Of what was not synced nothing is kept, no name and no sector. */
const leastKept = (): number => 0.7;

const statuses = (results: readonly AppendResult[]): string[] => results.map(({ status }) => status);

test('a message is acknowledged when the sync that covers it has ended, and can be read then', async () => {
  const { volume, store } = await setup();
  const arrivals: number[] = [];
  store.onArrival((_topic, _queueId, queueOffset) => arrivals.push(queueOffset));
  volume.holdSyncs();
  const results = turn(store, ['one', 'two']);
  await nextTurn();
  expect(results).toEqual([]);
  expect([store.maxOffset('orders', 0), arrivals]).toEqual([0, []]);
  expect(bodiesOf(await readQueue(store))).toEqual([]);
  volume.releaseSyncs();
  await nextTurn();
  expect(statuses(results)).toEqual(['PUT_OK', 'PUT_OK']);
  expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 1]);
  expect(arrivals).toEqual([0, 1]);
  expect(bodiesOf(await readQueue(store))).toEqual(['one', 'two']);
});

test('one sync is in flight; what is written meanwhile goes down at once and shares the next', async () => {
  const { volume, store, syncs } = await setup();
  volume.holdSyncs();
  const first = turn(store, ['first']);
  await nextTurn();
  const later = [turn(store, ['a', 'b']), turn(store, ['c']), turn(store, ['d', 'e'])];
  await nextTurn();
  expect(volume.syncsUnderWay).toBe(1);
  expect(store.statistics.commitLogMaxOffset).toBe(6 * (91 + 6) + 'firstabcde'.length);
  volume.releaseSyncs();
  volume.holdSyncs();
  await nextTurn();
  expect(statuses(first)).toEqual(['PUT_OK']);
  expect(later.flat()).toEqual([]);
  expect(volume.syncsUnderWay).toBe(1);
  volume.releaseSyncs();
  await nextTurn();
  expect(statuses(later.flat())).toEqual(['PUT_OK', 'PUT_OK', 'PUT_OK', 'PUT_OK', 'PUT_OK']);
  expect(syncs()).toBe(2);
});

test('waitStored: false does not wait for the disk', async () => {
  const { volume, store } = await setup();
  volume.holdSyncs();
  expect(statuses(turn(store, ['now'], { waitStored: false }))).toEqual(['PUT_OK']);
  expect(turn(store, ['later'])).toEqual([]);
  volume.releaseSyncs();
  await nextTurn();
  expect(bodiesOf(await readQueue(store))).toEqual(['now', 'later']);
});

test('a sync that takes longer than syncFlushTimeout is FLUSH_DISK_TIMEOUT, and the message stays stored', async () => {
  const { volume, clock, store } = await setup({ syncFlushTimeoutMs: 3000 });
  volume.holdSyncs();
  const early = turn(store, ['early']);
  await clock.advance(2000);
  const late = turn(store, ['late']);
  await clock.advance(999);
  expect([early, late]).toEqual([[], []]);
  await clock.advance(1);
  expect(early).toEqual([
    expect.objectContaining({ status: 'FLUSH_DISK_TIMEOUT', queueOffset: 0, commitLogOffset: 0 }),
  ]);
  expect(late).toEqual([]);
  await clock.advance(1500);
  volume.releaseSyncs();
  await clock.advance(5000);
  expect(statuses([...early, ...late])).toEqual(['FLUSH_DISK_TIMEOUT', 'PUT_OK']);
  expect(bodiesOf(await readQueue(store))).toEqual(['early', 'late']);
  expect(await append(store, { body: 'next' })).toMatchObject({ status: 'PUT_OK', queueOffset: 2 });
});

test('a failed sync is final: who waits is told that it is not on the disk, and new messages are refused', async () => {
  const { volume, clock, store } = await setup();
  await append(store, { body: 'safe' });
  volume.fault = (operation, path) => {
    if (operation === 'sync' && path.includes('commitlog')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  const results = turn(store, ['one', 'two']);
  await nextTurn();
  expect(statuses(results)).toEqual(['FLUSH_DISK_TIMEOUT', 'FLUSH_DISK_TIMEOUT']);
  volume.fault = () => undefined;
  await clock.advance(60_000);
  expect(store.refusal).toBe('a sync failed (EIO); the store has to be opened again');
  expect(statuses(turn(store, ['three']))).toEqual(['SERVICE_NOT_AVAILABLE']);
  expect(bodiesOf(await readQueue(store))).toEqual(['safe']);
  await store.close();
  expect(volume.exists('/data/abort')).toBe(true);
  const reopened = await openOn(volume, clock);
  expect(bodiesOf(await readQueue(reopened))).toEqual(['safe', 'one', 'two']);
  expect(await append(reopened, { body: 'three' })).toMatchObject({ status: 'PUT_OK', queueOffset: 3 });
});

test('what a failed sync made the system forget is written again at the next start', async () => {
  const { volume, clock, store } = await setup();
  await append(store, { body: 'safe' });
  volume.fault = (operation, path) => {
    if (operation !== 'sync' || !path.includes('commitlog')) return undefined;
    throw Object.assign(new Error('EIO'), { code: 'EIO', dropsDirty: true });
  };
  await append(store, { body: 'forgotten' });
  await store.close();
  expect(volume.exists('/data/multistage.unsynced')).toBe(true);
  const again = volume.loseProcess();
  const reopened = await openOn(again, clock);
  expect(again.exists('/data/multistage.unsynced')).toBe(false);
  await append(reopened, { body: 'behind it' });
  const last = await openOn(again.losePower(leastKept), clock);
  expect(bodiesOf(await readQueue(last))).toEqual(['safe', 'forgotten', 'behind it']);
});

test('closing answers who still waits', async () => {
  const { store } = await setup();
  const results = turn(store, ['one', 'two']);
  await store.close();
  expect(statuses(results)).toEqual(['PUT_OK', 'PUT_OK']);
});

test('space is filled with zeros ahead of the records, within the file, and a bad disk only makes that end', async () => {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openOn(volume, clock, { mappedFileSizeCommitLog: 4 * 1024 ** 2 });
  let written = 0;
  volume.fault = (operation, path) => {
    if (operation !== 'write' || !path.includes('commitlog')) return undefined;
    if (written++ === 1) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    return undefined;
  };
  // The record, the filling that fails, the next record: filling is not tried again in that file.
  expect(await append(store, { body: 'one' })).toMatchObject({ status: 'PUT_OK' });
  expect(await append(store, { body: 'two' })).toMatchObject({ status: 'PUT_OK' });
  expect(written).toBe(3);
  expect(store.refusal).toBeUndefined();
});

test('after a power failure what was acknowledged is there with the file that it began', async () => {
  const { volume, clock, store } = await setup();
  const results: AppendResult[] = [];
  for (let index = 0; index < 12; index++) results.push(await append(store, { body: `${index}`.padEnd(900, '.') }));
  expect(new Set(statuses(results))).toEqual(new Set(['PUT_OK']));
  expect(volume.list('/data/commitlog').length).toBeGreaterThan(2);
  const after = await openOn(volume.losePower(leastKept), clock);
  expect((await readQueue(after)).length).toBe(12);
});

test('flushDiskType is ASYNC_FLUSH or SYNC_FLUSH', async () => {
  const options = { dir: '/data', files: new FaultyVolume(), flushDiskType: 'sync' as 'SYNC_FLUSH' };
  await expect(openMessageStore(options)).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'flushDiskType',
  });
});
