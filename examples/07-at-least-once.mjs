import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'shop' });
for (const order of ['41', '42']) await producer.send({ topic: 'shipments', keys: order, body: `ship order ${order}` });

const consumer = await mq.consumer({
  group: 'warehouse',
  subscribe: { shipments: '*' },
  from: 'first',
  handlerRetry: { attempts: 5, initialDelayMs: 100 }, // here, before the broker gets it back
});
consumer.events$.subscribe((event) => {
  if (event.type === 'failed') console.log(`attempt ${event.attempt}: ${event.error.message}`);
});

const shipped = new Set(); // in an application: a unique key in its database
const allDone = new Promise((resolve) => {
  let open = 2;
  consumer.run(async (message, { attempt }) => {
    const [order] = message.keys;
    if (shipped.has(order)) return; // it came before: acknowledged, and nothing is done twice
    if (order === '41' && attempt < 2) throw new Error(`order ${order} has no address`); // comes again
    if (order === '41') {
      await producer.send({ topic: 'shipments-parked', keys: order, body: message.body }); // for a person to look at
    } else {
      shipped.add(order);
    }
    console.log(`order ${order} ${shipped.has(order) ? 'shipped' : 'parked'}`);
    open -= 1;
    if (open === 0) resolve();
  });
});
await allDone;
await mq.close();
