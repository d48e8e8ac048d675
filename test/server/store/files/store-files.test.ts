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
