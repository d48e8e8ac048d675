import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMemoryStoreFiles } from '../../../../core/server/store/files/memory-store-files.js';
import { nodeStoreFiles } from '../../../../core/server/store/files/node-store-files.js';
import { storeFilesContract } from '../../../contract/store-files.js';
import { tempDir } from '../../../kit/temp-dir.js';

storeFilesContract('on disk', () => ({ files: nodeStoreFiles, dir: tempDir() }));
storeFilesContract('in memory', () => {
  const files = createMemoryStoreFiles();
  files.mkdir('/data');
  return { files, dir: '/data' };
});

test('a directory is made with those above it, and again, and not where a file is', () => {
  const dir = tempDir();
  nodeStoreFiles.mkdir(`${dir}/a/b/c`);
  nodeStoreFiles.mkdir(`${dir}/a/b/c`);
  expect(nodeStoreFiles.list(`${dir}/a/b`)).toEqual(['c']);
  writeFileSync(`${dir}/file`, '');
  for (const path of [`${dir}/file`, `${dir}/file/below`]) {
    expect(() => nodeStoreFiles.mkdir(path)).toThrow(expect.objectContaining({ code: 'EEXIST', path: `${dir}/file` }));
  }
});

// Node's own recursive mkdir tries for ever there, and takes the whole process with it.
test.runIf(process.platform === 'linux')('where no directory can be made, trying ends', () => {
  expect(() => nodeStoreFiles.mkdir('/proc/nothing/can/be/made')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});
