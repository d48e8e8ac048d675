import { testKit } from 'multistage/testing';

const kit = await testKit({ now: new Date('2026-01-01T09:00:00Z') });
const mq = await kit.connect(); // closed with the kit
const time = () => new Date(kit.clock.now()).toISOString().slice(11, 19);

const producer = await mq.producer({ group: 'shop' });
await producer.send({ topic: 'orders', body: 'order 42' });

const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
let calls = 0;
await consumer.run((message) => {
  calls += 1;
  console.log(`${time()} ${message.body}, call ${calls}`);
  if (calls < 2) throw new Error('the bank is closed');
});

await kit.clock.settle(); // what can happen now happens
await kit.clock.advance('1m'); // nobody waits a minute for the retry
console.log(`${time()} ${kit.offsets('billing', 'orders').map(({ lag }) => lag)} behind`);

kit.drop('SEND_MESSAGE'); // stored, but nobody is told
const sending = producer.send({ topic: 'orders', body: 'order 43' }).catch((error) => error);
await kit.clock.advance('3s');
console.log(`${time()} ${(await sending).code}, ${(await kit.messages('orders')).length} orders stored`);

await kit.close();
