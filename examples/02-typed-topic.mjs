import { connect, isRocketMQError, topic } from 'multistage';
import { embedded } from 'multistage/server';
import * as v from 'valibot'; // any Standard Schema does: valibot, zod, arktype …

const orders = topic('typed-orders', v.object({ id: v.string(), cents: v.pipe(v.number(), v.integer()) }));

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'typed-checkout' });

await producer.send({ topic: orders, value: { id: '42', cents: 1999 } });
try {
  await producer.send({ topic: orders, value: { id: '43', cents: 19.99 } });
} catch (error) {
  if (isRocketMQError(error, 'RMQ_VALUE_INVALID')) console.log(`refused before sending: ${error.issues[0].message}`);
}

const consumer = await mq.consumer({ group: 'typed-billing', subscribe: [orders], from: 'first' });
await new Promise((resolve) => {
  consumer.run(async (message) => {
    console.log(`order ${message.value.id} costs ${message.value.cents} cents`);
    resolve(message);
  });
});
await mq.close();
