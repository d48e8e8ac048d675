import { connect } from 'multistage';
import { embedded } from 'multistage/server';

// A name server and a broker in this process, data in ./multistage-data. On a cluster: connect({ nameServers: 'host:9876' }).
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });

const producer = await mq.producer({ group: 'checkout' });
const { msgId, queue } = await producer.send({ topic: 'orders', tag: 'created', keys: '42', body: 'order 42' });
console.log(`sent ${msgId} to queue ${queue.queueId}`);

const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: 'created || paid' }, from: 'first' });
await new Promise((resolve) => {
  consumer.run(async (message) => {
    console.log(`received ${message.tag}: ${message.body}`);
    resolve(message); // returning acknowledges; throwing has it delivered again
  });
});

await mq.close(); // finishes what is in flight, commits, stops the server
