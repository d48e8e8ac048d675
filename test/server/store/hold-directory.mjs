/**
 * Opens a data directory and holds it until it is killed. Prints `open`, or the code and holder of the refusal. Used by
 * one-opener.test.ts, on `dist`.
 *
 *   node test/server/store/hold-directory.mjs DIRECTORY
 */
import { nodeStoreFiles } from '../../../dist/esm/core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../dist/esm/core/server/store/open-message-store.js';

try {
  await openMessageStore({ dir: process.argv[2], files: nodeStoreFiles });
  process.stdout.write('open\n');
  setInterval(() => {}, 60_000);
} catch (error) {
  process.stdout.write(`${error.code} ${error.holder}\n`);
}
