import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeStoreFiles } from '../../../core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { tempDir } from '../../kit/temp-dir.js';
import { appendAll, bodiesOf, copyDirectory, readQueue, SMALL_FILES, storeMessage } from './store-kit.js';

const FILE_SIZE_BYTES = SMALL_FILES.mappedFileSizeCommitLog;
const TOPICS = ['one', 'two', 'three'];
const MESSAGES = 3000;

/** Of many lengths, so that files end in fillers of many lengths, and one fits to the byte. */
const bodyOf = (number: number): string => `${number} ${'x'.repeat((number * 37) % 900)}`;

test('hundreds of files of the log and of queues follow one another without a seam', async () => {
  const dir = tempDir();
  const options = { dir, files: nodeStoreFiles, ...SMALL_FILES, openFilesMax: 16 };
  const store = await openMessageStore(options);
  onTestFinished(() => store.close());
  for (let from = 0; from < MESSAGES; from += 250) {
    const messages = Array.from({ length: 250 }, (_, index) =>
      storeMessage({ topic: TOPICS[(from + index) % 3]!, body: bodyOf(from + index) }),
    );
    const results = await appendAll(store, messages);
    expect(results.every(({ status }) => status === 'PUT_OK')).toBe(true);
    for (const [index, { commitLogOffset }] of results.entries()) {
      // A record never spans files, and leaves room for a filler.
      const at = commitLogOffset % FILE_SIZE_BYTES;
      const record = await store.recordAt(commitLogOffset);
      expect(at + record!.totalSize + 8).toBeLessThanOrEqual(FILE_SIZE_BYTES);
      if (index % 50 === 0) expect(record!.body.includes(bodyOf(from + index))).toBe(true);
    }
  }
  const logFiles = readdirSync(join(dir, 'commitlog'));
  expect(logFiles.length).toBeGreaterThan(400);
  expect(logFiles).toEqual(logFiles.map((_, index) => String(index * FILE_SIZE_BYTES).padStart(20, '0')));
  expect(new Set(logFiles.map((name) => statSync(join(dir, 'commitlog', name)).size))).toEqual(
    new Set([FILE_SIZE_BYTES]),
  );

  // The same after a kill at this moment, and after a clean stop.
  const killed = tempDir();
  copyDirectory(nodeStoreFiles, dir, nodeStoreFiles, killed);
  await store.close();
  expect(readdirSync(join(dir, 'consumequeue/one/0'))).toHaveLength(MESSAGES / 3 / 10);
  for (const again of [dir, killed]) {
    const reopened = await openMessageStore({ ...options, dir: again });
    onTestFinished(() => reopened.close());
    for (const [number, topic] of TOPICS.entries()) {
      const expected = Array.from({ length: MESSAGES / 3 }, (_, index) => bodyOf(index * 3 + number));
      expect(bodiesOf(await readQueue(reopened, topic))).toEqual(expected);
    }
    expect(reopened.statistics.openFiles).toBeLessThanOrEqual(16);
  }
});
