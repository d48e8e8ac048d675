import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'checkout' });

// One key, one queue. Awaiting each send keeps the order also when one fails: a send with a key makes one attempt.
for (const body of ['created', 'paid', 'shipped']) {
  const { queue, queueOffset } = await producer.send({ topic: 'order-steps', body, shardingKey: 'order-42' });
  console.log(`${body} is at ${queueOffset} of queue ${queue.queueId}`);
}

const consumer = await mq.consumer({
  group: 'ledger',
  subscribe: { 'order-steps': '*' },
  from: 'first',
  ordered: true,
});
const steps = [];
await new Promise((resolve) => {
  consumer.run(async (message) => {
    steps.push(message.body.toString());
    if (steps.length === 3) resolve();
  });
});
console.log(steps.join(', '));
await mq.close();
