import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'reminders' });
const started = Date.now();

// A level (1s, 5s, 10s, 30s, 1m …), which every broker knows, and an instant, which takes one with timers.
await producer.send({ topic: 'reminders', body: 'in a second', delay: '1s' });
const soon = new Date(started + 1_500);
await producer.send({ topic: 'reminders', body: 'at an instant', deliverAt: soon });

// Until it is due, what was timed can be taken back.
const { recallHandle } = await producer.send({ topic: 'reminders', body: 'never', delay: '90s' });
await producer.recall('reminders', recallHandle);

const consumer = await mq.consumer({ group: 'desk', subscribe: { reminders: '*' }, from: 'first' });
const seen = [];
await new Promise((resolve) => {
  consumer.run(async ({ body }) => {
    seen.push(`${body} after ${Math.floor((Date.now() - started) / 1_000)} s`);
    if (seen.length === 2) resolve();
  });
});
console.log(seen.join('\n'));
await mq.close();
