/**
 * Synchronous flush at the store's own door: so many producers of 1 KiB bodies that each wait for their message to be on
 * the disk, against raw group commit, which writes what is waiting with one `writev` and acknowledges it after the one
 * `fdatasync` in flight that covers it. Both in turn in every round. Goal with 256 waiting: at least 30 % of raw.
 *
 * What an `fdatasync` costs decides everything here, so its median in the raw runs is printed: the cheaper it is, the more
 * of the time is ours.
 *
 *   npm run build && node bench/store-sync.mjs [rounds]
 */
import { closeSync, fdatasync, ftruncateSync, mkdtempSync, openSync, rmSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeStoreFiles } from '../dist/esm/core/server/store/files/node-store-files.js';
import { openMessageStore } from '../dist/esm/core/server/store/open-message-store.js';
import { format, printRatios, spread } from './kit/ratios.mjs';
import { summarise } from './kit/raw-echo.mjs';

const DURATION_MS = 1_500;
const QUEUES = 8;
const rounds = Number(process.argv[2] ?? 5);

const message = {
  topic: 'bench',
  queueId: 0,
  flag: 0,
  sysFlag: 0,
  bornTimestamp: 1_760_000_000_000,
  bornHost: '127.0.0.1:50000',
  storeHost: '127.0.0.1:10911',
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.alloc(1024, 'x'),
  properties: Buffer.from('UNIQ_KEY\u00017F0000010001677A2CC5A6E1D3B80000\u0002WAIT\u0001true\u0002TAGS\u0001bench'),
  tagsCode: 93_623_257,
  waitStored: true,
};

async function storeRound(waiting) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
  const store = await openMessageStore({ dir, files: nodeStoreFiles, flushDiskType: 'SYNC_FLUSH' });
  try {
    return await keepWaiting(waiting, (answered, index) => {
      store.append({ ...message, queueId: index % QUEUES }, ({ status }) => answered(status === 'PUT_OK'));
    });
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
}

/** Records as large as the store's, in a sparse file of the same length. */
async function rawRound(waiting, syncsMs) {
  const path = join(tmpdir(), `multistage-bench-${process.pid}`);
  const file = openSync(path, 'w+');
  ftruncateSync(file, 2 ** 30);
  const record = Buffer.alloc(91 + message.topic.length + message.body.length + message.properties.length, 'x');
  let position = 0;
  let gathered = [];
  let syncing = false;
  const commit = () => {
    const covered = gathered;
    gathered = [];
    for (let from = 0; from < covered.length; from += 1024) {
      position += writevSync(file, Array(Math.min(1024, covered.length - from)).fill(record), position);
    }
    if (position > 2 ** 29) position = 0;
    syncing = true;
    const startedMs = performance.now();
    fdatasync(file, (error) => {
      syncsMs.push(performance.now() - startedMs);
      syncing = false;
      for (const answered of covered) answered(error === null);
      if (gathered.length > 0 && !syncing) commit();
    });
  };
  try {
    return await keepWaiting(waiting, (answered) => {
      gathered.push(answered);
      if (gathered.length === 1 && !syncing) setImmediate(() => gathered.length > 0 && !syncing && commit());
    });
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** Keeps so many producers waiting for their answer. */
function keepWaiting(waiting, append) {
  const latenciesMs = [];
  const beginMs = performance.now();
  return new Promise((resolve, reject) => {
    let running = waiting;
    const produce = (index) => {
      const startMs = performance.now();
      append((isStored) => {
        if (!isStored) reject(new Error('a message was not stored'));
        const nowMs = performance.now();
        latenciesMs.push(nowMs - startMs);
        if (nowMs - beginMs < DURATION_MS) produce(index);
        else if (--running === 0) resolve(summarise(latenciesMs, nowMs - beginMs));
      }, index);
    };
    for (let index = 0; index < waiting; index++) produce(index);
  });
}

for (const waiting of [1, 32, 256]) {
  const syncsMs = [];
  console.log(`\n${waiting} waiting`);
  const raw = { name: 'raw group commit', run: () => rawRound(waiting, syncsMs) };
  await printRatios(raw, { 'store, synchronous flush': () => storeRound(waiting) }, rounds);
  console.log(`fdatasync of the raw runs: p50 ${format(spread(syncsMs)).split(' ')[0]} ms`);
}
