/**
 * With `consumequeue/` deleted, which is how an operator has it made anew, only what the last three files of the commit
 * log held came back after a clean stop, and only what followed the checkpoint after a kill: older messages were there
 * and could not be read. Without any queue the whole log is read now. When only some of it was deleted after a clean stop
 * the rest was trusted, and what was missing stayed away; a clean stop now notes which queues there are.
 */
import { expect, onTestFinished, test } from 'vitest';
import { type OpenStoreOptions, openMessageStore } from '../../core/server/store/open-message-store.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
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

const QUEUE = `${DIR}/consumequeue/orders/0`;

test.each([
  ['a topic', (volume: FaultyVolume) => volume.removeDirectory(`${DIR}/consumequeue/bills`)],
  ['a queue', (volume: FaultyVolume) => volume.removeDirectory(QUEUE)],
  ['the first file of a queue', (volume: FaultyVolume) => volume.removeFile(`${QUEUE}/${volume.list(QUEUE)[0]}`)],
  ['the last file of a queue', (volume: FaultyVolume) => volume.removeFile(`${QUEUE}/${volume.list(QUEUE).at(-1)}`)],
  [
    'the last entry of a queue',
    (volume: FaultyVolume) => {
      const file = volume.open(`${QUEUE}/${volume.list(QUEUE).at(-1)}`);
      file.zero(4 * 20, 20);
      file.close();
    },
  ],
])('what was deleted after a clean stop is made anew: %s', async (_, damage) => {
  const volume = new FaultyVolume();
  const { store, everything } = await writtenFor(volume);
  await store.close();
  damage(volume);
  const again = await openOn(volume);
  expect(await readEverything(again)).toEqual(everything);
  expect(await append(again, { topic: 'orders', body: 'next' })).toMatchObject({ queueOffset: 15 });
  await again.close();
  expect((await readEverything(await openOn(volume)))['orders/0']).toHaveLength(16);
});

const NOTE = `${DIR}/multistage.queues`;

function contentOf(volume: FaultyVolume, path: string): Buffer {
  const file = volume.open(path);
  const bytes = Buffer.alloc(file.sizeBytes);
  file.readSync(bytes, 0);
  file.close();
  return bytes;
}

function replace(volume: FaultyVolume, path: string, content: Buffer): void {
  volume.removeFile(path);
  const file = volume.create(path, content.length);
  file.writevSync([content], 0);
  file.close();
}

test('a topic that another broker removed after it wrote stays removed', async () => {
  const volume = new FaultyVolume();
  const { store } = await writtenFor(volume);
  await store.close();
  const note = contentOf(volume, NOTE);
  const another = await openOn(volume);
  await append(another, { topic: 'orders', queueId: 0, body: 'from another' });
  await another.close();
  replace(volume, NOTE, note);
  volume.removeDirectory(`${DIR}/consumequeue/bills`);
  expect(Object.keys(await readEverything(await openOn(volume)))).toEqual(['orders/0', 'orders/2']);
});

test.each(['', '[', '{}', '{"commitLogStart":0,"commitLogEnd":9,"queues":[5]}'])(
  'a note of the queues that is damaged (%j) counts for nothing',
  async (text) => {
    const volume = new FaultyVolume();
    const { store, everything } = await writtenFor(volume);
    await store.close();
    replace(volume, NOTE, Buffer.from(text));
    expect(await readEverything(await openOn(volume))).toEqual(everything);
  },
);
