import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'shop' });
for (const order of ['40', '41', '42']) {
  await producer.send({ topic: 'shipments', keys: order, body: `ship order ${order}` });
}

const warehouse = await mq.consumer({ group: 'warehouse', subscribe: { shipments: '*' }, from: 'first' });
const shipped = new Set(); // in an application: a unique key in its database
const done = new Promise((resolve) => {
  warehouse.run(async (message, { attempt }) => {
    const [order] = message.keys;
    if (shipped.has(order)) return; // it came before: acknowledged, and nothing is done twice
    if (order === '40') return message.deadLetter('there is no order 40'); // nobody tries it again
    if (order === '41' && attempt === 0) return message.retry({ after: '1s' }); // throwing: 10 seconds, then longer
    shipped.add(order);
    console.log(`order ${order} shipped, attempt ${attempt}`);
    if (shipped.size === 2) resolve();
  });
});
await done;

// Dead letters are messages of a topic: somebody looks at them, and sends them again or not.
const office = await mq.consumer({ group: 'office', subscribe: { '%DLQ%warehouse': '*' }, from: 'first' });
for await (const message of office.messages()) {
  console.log(`dead: ${message.body}, sent to ${message.properties.RETRY_TOPIC}`);
  message.ack();
  break;
}
await mq.close();
