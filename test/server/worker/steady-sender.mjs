/**
 * A foreign client: sends one message after the other to a cluster and remembers how long the slowest took. Prints `sending`
 * after the first, adds a byte to a file after each, and prints what it saw as JSON when its input ends. Used by
 * busy-application.test.ts, on `dist`.
 *
 *   node test/server/worker/steady-sender.mjs NAME_SERVERS FILE
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../../dist/esm/core/index.js';

let isAsked = false;
process.stdin.on('end', () => {
  isAsked = true;
});
process.stdin.resume();

const [nameServers, progress] = process.argv.slice(2);
const mq = await connect({ nameServers });
const producer = await mq.producer({ group: 'steady', timeoutMs: 10_000, retries: 0 });
const seen = { failed: 0, slowestMs: 0 };
await producer.send({ topic: 'steady', body: 'the topic is made with it' });
process.stdout.write('sending\n');
while (!isAsked) {
  const startedMs = performance.now();
  try {
    await producer.send({ topic: 'steady', body: 'x' });
  } catch {
    seen.failed++;
  }
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedMs);
  appendFileSync(progress, '.');
  await pause(5);
}
await mq.close();
process.stdout.write(JSON.stringify(seen));
