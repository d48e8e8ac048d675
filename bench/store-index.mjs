/**
 * What finding messages by key costs: the index made of 1 KiB messages that were stored, in microseconds a message (each
 * has a unique key and one more); how long a question takes then; and how fast messages are appended for a few seconds
 * with and without an index, since its work is done between them.
 *
 *   npm run build && node bench/store-index.mjs [messages] [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeStoreFiles } from '../dist/esm/core/server/store/files/node-store-files.js';
import { openMessageStore } from '../dist/esm/core/server/store/open-message-store.js';

const messages = Number(process.argv[2] ?? 200_000);
const rounds = Number(process.argv[3] ?? 5);
const PER_TURN = 64;
const QUESTIONS = 200;
const STEADY_MS = 3_000;

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
  tagsCode: 93_623_257,
  waitStored: true,
};
let number = 0;
const keyed = () => {
  const id = String(number++).padStart(12, '0');
  const properties = Buffer.from(
    `UNIQ_KEY\u00017F0000010001677A2CC5${id}\u0002KEYS\u0001order-${id}\u0002TAGS\u0001bench`,
  );
  return { ...message, properties };
};

async function inStore(options, run) {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
  const store = await openMessageStore({ dir, files: nodeStoreFiles, ...options });
  try {
    return await run(store);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
}

/** Appends until told to stop; resolves with how many. */
function append(store, isEnough) {
  let stored = 0;
  return new Promise((resolve, reject) => {
    const done = ({ status }) => (status === 'PUT_OK' ? stored++ : reject(new Error(status)));
    const turn = () => {
      for (let index = 0; index < PER_TURN; index++) store.append(keyed(), done);
      store.flushTurn();
      if (isEnough(stored)) resolve(stored);
      else setImmediate(turn);
    };
    turn();
  });
}

const ask = (store, key) =>
  store.query({ topic: 'bench', key, messagesMax: 32, begin: 0, end: Number.MAX_SAFE_INTEGER });

function indexRound() {
  // Nothing is indexed before it is asked for.
  return inStore({ flushIntervalConsumeQueueMs: 2 ** 30 }, async (store) => {
    const first = number;
    const stored = await append(store, (count) => count >= messages);
    const startedMs = performance.now();
    await ask(store, 'nothing');
    const builtMs = performance.now() - startedMs;
    const askedMs = performance.now();
    for (let question = 0; question < QUESTIONS; question++) {
      const id = String(first + Math.floor((question * stored) / QUESTIONS)).padStart(12, '0');
      const { records } = await ask(store, `order-${id}`);
      if (records.length !== 1) throw new Error(`${records.length} messages with key order-${id}`);
    }
    return { build: (1000 * builtMs) / stored, question: (1000 * (performance.now() - askedMs)) / QUESTIONS };
  });
}

function steadyRound(messageIndexEnable) {
  return inStore({ messageIndexEnable }, async (store) => {
    const untilMs = performance.now() + STEADY_MS;
    return (await append(store, () => performance.now() >= untilMs)) / STEADY_MS;
  });
}

function spread(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, median, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

const seen = { build: [], question: [], with: [], without: [], ratio: [] };
for (let round = 0; round < rounds; round++) {
  const { build, question } = await indexRound();
  const without = await steadyRound(false);
  const withIndex = await steadyRound(true);
  seen.build.push(build);
  seen.question.push(question);
  seen.without.push(without);
  seen.with.push(withIndex);
  seen.ratio.push(withIndex / without);
}
console.log(`median (lowest–highest) of ${rounds} rounds`);
console.table({
  'index, µs a message of two keys': spread(seen.build),
  'question by key, µs': spread(seen.question),
  'append without index, thousand messages/s': spread(seen.without),
  'append with index, thousand messages/s': spread(seen.with),
  'with / without': spread(seen.ratio),
});
