/**
 * What does a transaction cost, counted in plain sends?
 *
 * A plain send is one request, one record. A transaction is a half message, its end, the message, and the record that it has
 * its end: two requests, three records. Our client in this process, our server in one of its own, over TCP; 256 in flight
 * of 1 KiB; the local branch answers at once. A transaction counts when its result is there. Sides in turn in every round; the
 * figure is the ratio of plain sends to transactions a second of the same round. Goal: at most 3.5.
 *
 *   npm run build && node bench/transaction.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { transaction } from 'multistage/plugins/transaction';
import { drive } from './kit/drive.mjs';
import { format, spread } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const LOAD = { depth: 256, durationMs: 1_500 };
const WARM_UP_ROUNDS = 2;
const GOAL = 3.5;
const rounds = Number(process.argv[2] ?? 5);
const message = { topic: 'bench', body: Buffer.alloc(1_024, 'x') };

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const server = await startServerProcess(dir);
const transactions = transaction();
const mq = await connect({ nameServers: server.nameServers, plugins: [transactions] });

try {
  const plain = await mq.producer({ group: 'plain' });
  const transactional = await mq
    .plugin(transactions)
    .producer({ group: 'transactional', execute: () => 'commit', check: () => 'commit' });
  const sides = {
    'plain sends': () => plain.send(message),
    transactions: () => transactional.send(message),
  };
  const rates = { 'plain sends': [], transactions: [] };
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [name, send] of Object.entries(sides)) {
      const { requestsPerSecond } = await drive(send, LOAD);
      if (round >= 0) rates[name].push(requestsPerSecond);
    }
  }
  for (const [name, values] of Object.entries(rates)) {
    console.log(`${name.padEnd(14)} ${Math.round(spread(values).median).toLocaleString('en-US').padStart(8)}/s`);
  }
  const ratio = spread(rates['plain sends'].map((rate, round) => rate / rates.transactions[round]));
  const verdict = ratio.median <= GOAL ? 'met' : 'missed';
  console.log(`a transaction costs ${format(ratio, 2)} plain sends. Goal ${GOAL}: ${verdict}`);
} finally {
  await mq.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
