/**
 * What the store takes and gives: 1 KiB bodies appended to 8 queues, so many a turn, then read back 32 at a time; beside
 * it the two ways to write a turn, one copy and one write against a vectored write of the parts. Several rounds in turn,
 * medians and spread.
 *
 *   npm run build && node bench/store-append.mjs [messages] [rounds]
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { nodeStoreFiles } from '../dist/esm/core/server/store/files/node-store-files.js';
import { openMessageStore } from '../dist/esm/core/server/store/open-message-store.js';

const messages = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 5);
const TURNS = [1, 16, 64, 256];
const QUEUES = 8;
const HEADER_BYTES = 88;
const TAIL_BYTES = 80;

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

async function storeRound(perTurn) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
  const store = await openMessageStore({ dir, files: nodeStoreFiles });
  const putMs = await timed(() => append(store, perTurn));
  let read = 0;
  const getMs = await timed(async () => {
    for (let queueId = 0; queueId < QUEUES; queueId++) read += await readAll(store, queueId);
  });
  await store.close();
  rmSync(dir, { recursive: true });
  if (read < messages) throw new Error(`appended ${messages}, read ${read}`);
  return { put: messages / putMs, get: read / getMs };
}

function append(store, perTurn) {
  let taken = 0;
  let stored = 0;
  return new Promise((resolve, reject) => {
    const done = ({ status }) => (status === 'PUT_OK' ? stored++ : reject(new Error(status)));
    const turn = () => {
      for (let index = 0; index < perTurn; index++) store.append({ ...message, queueId: taken++ % QUEUES }, done);
      store.flushTurn();
      if (stored < messages) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}

async function readAll(store, queueId) {
  let read = 0;
  for (let offset = 0; ; ) {
    const result = await store.get(message.topic, queueId, offset, { messagesMax: 32 });
    if (result.status !== 'FOUND') return read;
    read += result.records.length;
    offset = result.nextBeginOffset;
  }
}

/** Header and properties are made up, the body is checksummed; then the turn goes down in one of the two ways. */
function rawRound(isVectored, perTurn) {
  const path = join(tmpdir(), `multistage-bench-${process.pid}`);
  const file = openSync(path, 'w+');
  ftruncateSync(file, 2 ** 30);
  const turn = Buffer.alloc(perTurn * (HEADER_BYTES + message.body.length + TAIL_BYTES));
  let position = 0;
  const startedMs = performance.now();
  for (let written = 0; written < messages; written += perTurn) {
    const parts = [];
    let used = 0;
    let from = 0;
    for (let index = 0; index < perTurn; index++) {
      for (let at = 0; at < HEADER_BYTES; at += 4) turn.writeInt32BE(index, used + at);
      used += HEADER_BYTES;
      crc32(message.body);
      if (isVectored) {
        parts.push(turn.subarray(from, used), message.body);
        from = used;
      } else {
        turn.set(message.body, used);
        used += message.body.length;
      }
      turn.fill(1, used, used + TAIL_BYTES);
      used += TAIL_BYTES;
    }
    if (isVectored) position += writevSync(file, [...parts, turn.subarray(from, used)], position);
    else position += writeSync(file, turn, 0, used, position);
  }
  const elapsedMs = performance.now() - startedMs;
  closeSync(file);
  rmSync(path);
  return messages / elapsedMs;
}

async function timed(run) {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

function spread(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, median, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map(Math.round);
  return `${median} (${low}–${high})`;
}

const rows = TURNS.map((perTurn) => ({ perTurn, put: [], get: [], copied: [], vectored: [] }));
for (let round = 0; round < rounds; round++) {
  for (const row of rows) {
    const { put, get } = await storeRound(row.perTurn);
    row.put.push(put);
    row.get.push(get);
    row.copied.push(rawRound(false, row.perTurn));
    row.vectored.push(rawRound(true, row.perTurn));
  }
}
console.log(`thousand messages of 1 KiB a second, median (lowest–highest) of ${rounds} rounds`);
console.table(
  rows.map((row) => ({
    'messages a turn': row.perTurn,
    append: spread(row.put),
    get: spread(row.get),
    'raw, copied': spread(row.copied),
    'raw, vectored': spread(row.vectored),
  })),
);
