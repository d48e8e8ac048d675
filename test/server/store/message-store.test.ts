import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import { nodeStoreFiles } from '../../../core/server/store/files/node-store-files.js';
import { storeContract } from '../../contract/store.js';
import { tempDir } from '../../kit/temp-dir.js';

storeContract('on disk', () => ({ files: nodeStoreFiles, dir: tempDir() }));
storeContract('in memory', () => ({ files: createMemoryStoreFiles(), dir: '/data' }));
