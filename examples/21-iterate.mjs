import { connect, json, on, topic } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const meters = topic('meters', json());
const producer = await mq.producer({ group: 'field' });
for (let watts = 1; watts <= 6; watts++) await producer.send({ topic: meters, value: { watts } });
await producer.send({ topic: 'alarms', body: 'door open' });

// One by one, as they are asked for. Leaving the loop closes the consumer.
const slow = await mq.consumer({ group: 'slow', subscribe: [meters], from: 'first' });
let sum = 0;
for await (const message of slow.messages()) {
  sum += message.value.watts;
  message.ack(); // what is not acknowledged comes again
  if (sum === 21) break;
}
console.log(`sum ${sum}, the consumer is ${slow.state}`);

// Several of one queue at a time: returning acknowledges all of them.
const batches = await mq.consumer({ group: 'batches', subscribe: [meters], from: 'first', batchSize: 10 });
let stored = 0;
await new Promise((resolve) => {
  batches.runBatch(async (messages) => {
    stored += messages.length; // one INSERT for all of them, say
    if (stored === 6) resolve();
  });
});
console.log(`${stored} stored`);

// A handler for each topic, until a signal says stop.
const stop = new AbortController();
const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
const both = await mq.consumer({ group: 'both', subscribe: [meters, 'alarms'], from: 'first' });
const seen = { watts: 0, alarms: 0 };
const look = () => {
  if (seen.watts === 21 && seen.alarms === 1) stop.abort();
};
const handlers = [
  on(meters, (message) => {
    seen.watts += message.value.watts;
    look();
  }),
  on('alarms', () => {
    seen.alarms += 1;
    look();
  }),
];
await both.run(handlers, { signal: stop.signal });
await stopped;
await both.close(); // waits for what the signal began
console.log(`${seen.watts} watts, ${seen.alarms} alarm`);
await mq.close();
