import { expect, test } from 'vitest';
import { createMemoryStoreFiles } from '../../../../core/server/store/files/memory-store-files.js';

test('a full volume takes what fits and then says so; removing a file makes room', async () => {
  const files = createMemoryStoreFiles(64 * 1024);
  files.mkdir('/');
  const file = files.create('/a', 1024 * 1024);
  const part = Buffer.alloc(32 * 1024, 1);
  expect(file.writevSync([part, part, part], 0)).toBe(64 * 1024);
  expect(() => file.writevSync([part], 64 * 1024)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  expect((await files.freeSpace('/')).freeBytes).toBe(0);
  file.writevSync([part], 0);
  files.removeFile('/a');
  expect((await files.freeSpace('/')).freeBytes).toBe(64 * 1024);
});

test('two volumes know nothing of each other', () => {
  const [one, other] = [createMemoryStoreFiles(), createMemoryStoreFiles()];
  one.mkdir('/data');
  one.create('/data/a', 1);
  other.mkdir('/data');
  expect(other.list('/data')).toEqual([]);
  one.lock('/data');
  other.lock('/data').release();
});
