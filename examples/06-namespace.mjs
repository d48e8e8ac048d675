import { connect } from 'multistage';
import { namespace } from 'multistage/plugins/namespace';
import { embedded } from 'multistage/server';

// One server, two namespaces: the same topic and the same group in each, and they never meet.
const cluster = embedded({ dir: './multistage-data' });
for (const stage of ['staging', 'production']) {
  const mq = await connect({ cluster, plugins: [namespace({ namespace: stage })] });
  const producer = await mq.producer({ group: 'checkout' });
  const { queue } = await producer.send({ topic: 'orders', body: `an order in ${stage}` });

  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  const message = await new Promise((resolve) => consumer.run(async (received) => resolve(received)));
  console.log(`${stage}: sent to ${queue.topic}, received "${message.body}" from ${message.topic}`);
  await mq.close();
}

// Whoever has no namespace sees the names as the server has them.
const mq = await connect({ cluster });
const auditor = await mq.consumer({ group: 'audit', subscribe: { 'staging%orders': '*' }, from: 'first' });
const message = await new Promise((resolve) => auditor.run(async (received) => resolve(received)));
console.log(`audit: "${message.body}" in ${message.topic}`);
await mq.close();
