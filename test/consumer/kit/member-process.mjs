import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'multistage';
import { hurriedClock } from './hurried-clock.mjs';

/**
 * A member of two groups, one that reads in order and one that reads side by side, in a process of its own, with the options
 * (JSON) of its first argument. Says what it handles, a line each, and takes a while for it. Ends with its standard input.
 */
const { nameServers, topic, times } = JSON.parse(process.argv[2] ?? '{}');
const mq = await connect({ nameServers, clock: hurriedClock(times), requestTimeoutMs: 60_000 });
process.stdin.resume();
process.stdin.once('close', () => process.exit());
for (const group of ['in_order', 'side_by_side']) {
  const consumer = await mq.consumer({
    ...{ group, subscribe: { [topic]: '*' }, from: 'first', ordered: group === 'in_order', concurrency: 4 },
    ...{ requestTimeoutMs: 60_000 },
  });
  await consumer.run(async ({ queueId, queueOffset }) => {
    process.stdout.write(`${JSON.stringify({ group, queueId, queueOffset })}\n`);
    await pause(5);
  });
}
