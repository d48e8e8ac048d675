/**
 * With `consumequeue/` deleted, which is how an operator has it made anew, only what the last three files of the commit
 * log held came back after a clean stop, and only what followed the checkpoint after a kill: older messages were there
 * and could not be read. Without any queue the whole log is read now.
 */
import { expect, onTestFinished, test } from 'vitest';
import { type OpenStoreOptions, openMessageStore } from '../../core/server/store/open-message-store.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { virtualClock } from '../kit/virtual-clock.js';
import { append, readEverything, SMALL_FILES } from '../server/store/store-kit.js';

const DIR = '/data';

async function openOn(files: FaultyVolume, options: Partial<OpenStoreOptions> = {}) {
  const store = await openMessageStore({ dir: DIR, files, ...SMALL_FILES, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A store whose log has many files, with a checkpoint behind the last of them. */
async function writtenFor(volume: FaultyVolume) {
  const clock = virtualClock();
  const store = await openOn(volume, { clock });
  for (let number = 0; number < 60; number++) {
    await append(store, {
      topic: number % 2 === 0 ? 'orders' : 'bills',
      queueId: number % 4,
      body: `${number}`.padEnd(400),
    });
    await clock.advance(1_000);
  }
  await clock.advance(60_000);
  expect(volume.list(`${DIR}/commitlog`).length).toBeGreaterThan(5);
  return { store, everything: await readEverything(store) };
}

test('after a clean stop every queue is made anew from the whole log', async () => {
  const volume = new FaultyVolume();
  const { store, everything } = await writtenFor(volume);
  await store.close();
  volume.removeDirectory(`${DIR}/consumequeue`);
  expect(await readEverything(await openOn(volume))).toEqual(everything);
});

test('after a kill too, wherever the checkpoint is', async () => {
  const volume = new FaultyVolume();
  const { everything } = await writtenFor(volume);
  const killed = volume.loseProcess();
  killed.removeDirectory(`${DIR}/consumequeue`);
  expect(await readEverything(await openOn(killed))).toEqual(everything);
});
