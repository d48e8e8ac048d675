/**
 * A foreign client: sends one message after the other to a cluster and remembers how long each took. Prints `sending` after
 * the first, and what it saw as JSON when its input ends. Used by busy-application.test.ts, on `dist`.
 *
 *   node test/server/worker/steady-sender.mjs NAME_SERVERS
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../../dist/esm/core/index.js';

let isAsked = false;
process.stdin.on('end', () => {
  isAsked = true;
});
process.stdin.resume();

const mq = await connect({ nameServers: process.argv[2] });
const producer = await mq.producer({ group: 'steady', timeoutMs: 10_000, retries: 0 });
const seen = { sends: 0, failed: 0, slowestMs: 0 };
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
  seen.sends++;
  await pause(5);
}
await mq.close();
process.stdout.write(JSON.stringify(seen));
