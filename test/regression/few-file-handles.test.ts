/**
 * Where the system allowed the process fewer handles than the store wanted to keep (`ulimit -n 256` and some 60 topics
 * of 4 queues), the store refused every message from the first `EMFILE` on, for good, and its directory could not be
 * opened again. It now gives files back and makes do with what there is.
 */
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryStoreFiles } from '../../core/server/store/files/memory-store-files.js';
import { OpenFiles } from '../../core/server/store/files/open-files.js';
import type { StoreFile, StoreFiles } from '../../core/server/store/files/store-files.js';
import { openMessageStore } from '../../core/server/store/open-message-store.js';
import { replaced } from '../kit/replaced.js';
import { append, readEverything, SMALL_FILES } from '../server/store/store-kit.js';

const DIR = '/data';

/** A volume on which only so many files can be open at a time. */
function withHandles(handlesMax: number) {
  const volume = createMemoryStoreFiles();
  const held = { handles: 0, most: 0, others: 0 };
  const counted = (openFile: () => StoreFile): StoreFile => {
    if (held.handles + held.others >= handlesMax) {
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    }
    const file = openFile();
    held.handles++;
    held.most = Math.max(held.most, held.handles);
    const close = (): void => {
      held.handles--;
      file.close();
    };
    return replaced(file, { close });
  };
  const files: StoreFiles = replaced(volume, {
    create: (path, sizeBytes) => counted(() => volume.create(path, sizeBytes)),
    open: (path) => counted(() => volume.open(path)),
  });
  return { files, held };
}

test('a store with more queues than handles takes every message, and opens again', async () => {
  const { files, held } = withHandles(24);
  const options = { ...SMALL_FILES, dir: DIR, files };
  const topics = Array.from({ length: 60 }, (_, number) => `topic${number}`);
  const everything: Record<string, string[]> = Object.fromEntries(
    topics.map((topic) => [`${topic}/0`, ['one', 'two']]),
  );

  const store = await openMessageStore(options);
  onTestFinished(() => store.close());
  for (const body of ['one', 'two']) {
    for (const topic of topics) expect((await append(store, { topic, body })).status).toBe('PUT_OK');
  }
  await store.close();
  expect([store.refusal, held.handles, held.most]).toEqual(['the store is closed', 0, 24]);

  const again = await openMessageStore(options);
  onTestFinished(() => again.close());
  expect(await readEverything(again)).toEqual(everything);
});

test('half of the files are given up at once, and more are kept again when the shortage is over', () => {
  const { files, held } = withHandles(40);
  const open = new OpenFiles(files, 64);
  files.mkdir(DIR);
  for (let number = 0; number < 60; number++) files.create(`${DIR}/${number}`, 1).close();
  for (let number = 0; number < 41; number++) open.file(`${DIR}/${number}`);
  expect(open.count).toBe(20);
  for (let pass = 0; pass < 100; pass++) {
    for (let number = 0; number < 60; number++) open.file(`${DIR}/${number}`);
  }
  expect(open.count).toBeGreaterThan(20);
  open.closeAll();
  expect(held.handles).toBe(0);
});

test('a system that has no handle at all says so', () => {
  const { files, held } = withHandles(4);
  const open = new OpenFiles(files, 64);
  files.mkdir(DIR);
  files.create(`${DIR}/a`, 1).close();
  held.others = 4;
  expect(() => open.file(`${DIR}/a`)).toThrow('EMFILE');
});
