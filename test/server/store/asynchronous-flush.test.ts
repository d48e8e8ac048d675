import { expect, onTestFinished, test } from 'vitest';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { nextTurn } from '../../kit/wait-for.js';
import { storeMessage } from './store-kit.js';

const MIB = 1024 * 1024;
const FLUSH_MS = 500;

async function setup(): Promise<{
  volume: FaultyVolume;
  clock: VirtualClock;
  store: FileMessageStore;
  syncs: () => number;
}> {
  const volume = new FaultyVolume();
  const clock = virtualClock();
  const store = await openMessageStore({ dir: '/data', files: volume, clock, mappedFileSizeCommitLog: 64 * MIB });
  let syncs = 0;
  volume.fault = (operation, path) => {
    if (operation === 'sync' && path.includes('commitlog')) syncs++;
    return undefined;
  };
  onTestFinished(async () => {
    volume.releaseSyncs();
    await store.close();
  });
  return { volume, clock, store, syncs: () => syncs };
}

/** Answered as soon as it is written. */
async function appendMib(store: FileMessageStore): Promise<void> {
  const answered: string[] = [];
  store.append(storeMessage({ body: 'x'.repeat(MIB) }), ({ status }) => answered.push(status));
  store.flushTurn();
  await nextTurn();
  expect(answered).toEqual(['PUT_OK']);
}

test('what is written waits for its time to go to the disk', async () => {
  const { clock, store, syncs } = await setup();
  await appendMib(store);
  await clock.advance(FLUSH_MS - 1);
  expect(syncs()).toBe(0);
  await clock.advance(1);
  expect(syncs()).toBe(1);
});

test('4 MiB that wait go to the disk at once, and what comes meanwhile waits for the next', async () => {
  const { volume, store, syncs } = await setup();
  volume.holdSyncs();
  for (let written = 0; written < 4; written++) {
    expect(volume.syncsUnderWay).toBe(0);
    await appendMib(store);
  }
  expect(volume.syncsUnderWay).toBe(1);
  for (let written = 0; written < 5; written++) await appendMib(store);
  expect(volume.syncsUnderWay).toBe(1);
  volume.releaseSyncs();
  await nextTurn();
  expect(syncs()).toBe(1);
  await appendMib(store);
  await nextTurn();
  expect(syncs()).toBe(2);
});
