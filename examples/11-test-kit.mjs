import { connect, json, topic } from 'multistage';
import { testKit } from 'multistage/testing';

const orders = topic('orders', json());

/** What is tested: it is given a client, or what to connect to, and knows nothing of tests. */
async function openShop(options) {
  const mq = await connect(options);
  const producer = await mq.producer({ group: 'shop' });
  return {
    order: (id, cents) => producer.send({ topic: orders, value: { id, cents }, tag: 'created', keys: [id] }),
    close: () => mq.close(),
  };
}

const kit = await testKit();
const shop = await openShop({ cluster: kit.cluster });

await shop.order('42', 1999);
const [message] = await kit.messages(orders, { count: 1 });
console.log(`${message.tag} ${message.keys}: ${message.value.cents} cents`);

kit.refuse('SEND_MESSAGE', { code: 'MESSAGE_ILLEGAL', remark: 'not today' }); // the next one only
await shop.order('43', 100).catch((error) => console.log(`${error.code}: ${error.remark}`));

kit.cut(); // every connection, as when a network breaks
await shop.order('44', 100);
console.log(`${(await kit.messages('orders')).length} orders`);

await shop.close();
await kit.close();
