import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'shop' });
for (const size of ['large', 'small', 'small', 'small', 'broken']) {
  await producer.send({ topic: 'parcels', body: size });
}

// The broker gives out what nobody has: a large parcel holds up no small one, and no queue belongs to anybody.
const consumer = await mq.consumer({
  group: 'depot',
  subscribe: { parcels: '*' },
  from: 'first',
  messageRequestMode: 'pop',
  popInvisibleTimeMs: 5_000, // a member that dies has its messages go to others after so long
});
const packed = [];
await new Promise((resolve) => {
  consumer.run(async (message, { attempt }) => {
    if (`${message.body}` === 'broken' && attempt === 0) return message.retry({ after: '1s' });
    if (`${message.body}` === 'large') await new Promise((done) => setTimeout(done, 50)); // longer than 5 seconds is fine too
    packed.push(`${message.body}`);
    if (packed.length === 5) resolve();
  });
});
console.log(packed.join(', '));
const [{ brokerName, queueId }] = consumer.assignment();
console.log(`popped from all queues of ${brokerName}: ${queueId}`);
await mq.close(); // what is done is acknowledged, what was not begun goes to others
