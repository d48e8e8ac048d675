/**
 * Writes to very many queues and reads them back, in a process of its own that may be allowed few files. Prints what it saw
 * as JSON. Used by open-files.test.ts, on `dist`.
 *
 *   node test/server/store/many-queues.mjs DIRECTORY QUEUES OPEN_FILES_MAX
 */
import { readdirSync } from 'node:fs';
import { nodeStoreFiles } from '../../../dist/esm/core/server/store/files/node-store-files.js';
import { openMessageStore } from '../../../dist/esm/core/server/store/open-message-store.js';

const [dir, queues, openFilesMax] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const options = {
  dir,
  files: nodeStoreFiles,
  mappedFileSizeCommitLog: 1024 * 1024,
  mappedFileSizeConsumeQueue: 2000,
  flushIntervalConsumeQueueMs: 20,
  openFilesMax,
};
const ROUNDS = 3;
const properties = Buffer.alloc(0);
const seen = { openFilesMax: 0, handlesMax: 0, wrong: 0, refused: 0, read: 0 };

function look(store) {
  seen.openFilesMax = Math.max(seen.openFilesMax, store.statistics.openFiles);
  seen.handlesMax = Math.max(seen.handlesMax, readdirSync('/proc/self/fd').length);
}

function message(topic, body) {
  return {
    topic,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: '127.0.0.1:1',
    storeHost: '127.0.0.1:2',
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(body),
    properties,
    tagsCode: 0,
    waitStored: true,
  };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
/** A step that has no divisor in common with the count visits each queue once, never two neighbours in a row. */
const queueAt = (index) => (index * 733) % queues;

let store = await openMessageStore(options);
for (let round = 0; round < ROUNDS; round++) {
  for (let index = 0; index < queues; index++) {
    const topic = `topic-${queueAt(index)}`;
    store.append(message(topic, `${topic} ${round}`), ({ status }) => {
      if (status !== 'PUT_OK') seen.refused++;
    });
    if (index % 100 === 0) await nextTurn();
  }
  await nextTurn();
  // The queues have to reach their files, not only the memory: that takes a handle each.
  while (store.statistics.unwrittenQueueEntries > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  look(store);
}
await store.close();
store = await openMessageStore(options);
for (let index = 0; index < queues; index++) {
  const topic = `topic-${queueAt(index)}`;
  const result = await store.get(topic, 0, 0, { messagesMax: 32 });
  seen.read += result.records.length;
  for (const [round, record] of result.records.entries()) {
    if (!record.includes(`${topic} ${round}`)) seen.wrong++;
  }
  if (index % 100 === 0) look(store);
}
seen.queues = store.statistics.queues;
await store.close();
seen.handlesLeft = readdirSync('/proc/self/fd').length;
process.stdout.write(JSON.stringify(seen));
