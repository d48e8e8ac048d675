import { expect, onTestFinished, test } from 'vitest';
import { readRecord } from '../../../core/message/message-record.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFile, StoreFiles } from '../../../core/server/store/files/store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { append, bodiesOf, SMALL_FILES } from './store-kit.js';

const READERS = 12;

/** A disk that answers reads only when it is let. */
function slowDisk(): { readonly files: StoreFiles; readonly asked: (() => void)[]; hold: boolean } {
  const files = createMemoryStoreFiles();
  const disk = { files, asked: [] as (() => void)[], hold: false };
  const slow = (file: StoreFile): StoreFile => {
    const read = file.read.bind(file);
    file.read = async (target, position) => {
      if (disk.hold) await new Promise<void>((resolve) => disk.asked.push(resolve));
      return read(target, position);
    };
    return file;
  };
  const { open, create } = files;
  files.open = (path) => slow(open.call(files, path));
  files.create = (path, sizeBytes) => slow(create.call(files, path, sizeBytes));
  return disk;
}

test('many who read old messages ask the disk for two things at a time, and nobody who writes stands behind them', async () => {
  const disk = slowDisk();
  const { files } = disk;
  const options = { flushDiskType: 'SYNC_FLUSH', hotBytes: 0, readAtOnceBytes: 0 } as const;
  const open = () => openMessageStore({ dir: '/data/store', ...SMALL_FILES, ...options, files });
  const writer = await open();
  for (let index = 0; index < READERS; index++) await append(writer, { body: `${index}` });
  await writer.close();
  const store = await open();
  onTestFinished(() => store.close());
  disk.hold = true;
  const answers = Array.from({ length: READERS }, (_, offset) => store.get('orders', 0, offset, { messagesMax: 1 }));
  expect(disk.asked).toHaveLength(2);
  expect(await append(store, { body: 'written meanwhile' })).toMatchObject({ status: 'PUT_OK' });
  const bodies: string[] = [];
  for (const answer of answers) {
    expect(disk.asked.length).toBeLessThanOrEqual(2);
    disk.asked.shift()?.();
    const { records } = await answer;
    bodies.push(...bodiesOf(records.map((record) => readRecord(record, 0))));
  }
  expect(bodies).toEqual(Array.from({ length: READERS }, (_, index) => `${index}`));
  disk.hold = false;
  for (const answer of disk.asked) answer();
});
