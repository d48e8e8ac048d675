import { connect, isRocketMQError } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const { admin } = mq;

await admin.createTopic('orders', { queueNum: 4 });
console.log(`${(await admin.fetchPublishMessageQueues('orders')).length} queues`);

const producer = await mq.producer({ group: 'checkout' });
const began = Date.now();
const sent = await producer.send({ topic: 'orders', keys: ['42', 'ada'], body: 'order 42' });
await producer.send({ topic: 'orders', keys: ['43', 'ada'], body: 'order 43' });

// What happened to the orders of a customer? By a key, and by time.
const { messages } = await admin.queryMessage('orders', 'ada', { begin: began });
for (const { body, queueId, queueOffset } of messages) console.log(`${body} is at ${queueOffset} of queue ${queueId}`);

// One message, by the id of its send; and the place in its queue.
const message = await admin.viewMessage('orders', sent.msgId);
console.log(`keys ${message.keys.join(' and ')}, stored ${message.storeTimestamp >= began ? 'now' : 'before'}`);
const first = await admin.minOffset(sent.queue);
const last = (await admin.maxOffset(sent.queue)) - 1;
const hourAgo = await admin.searchOffset(sent.queue, began - 3_600_000);
console.log(`its queue holds ${first} to ${last}; an hour ago it was at ${hourAgo}`);

try {
  await admin.viewMessage('orders', 'an id of nobody');
} catch (error) {
  if (!isRocketMQError(error, 'RMQ_MESSAGE_NOT_FOUND')) throw error;
  console.log(`${error.code}: ${error.msgId}`);
}

// It goes with its messages; one that is made again under its name begins empty.
await admin.deleteTopic('orders');
await admin.createTopic('orders', { queueNum: 1 });
console.log(`made again it holds ${await admin.maxOffset(sent.queue)} messages`);
await mq.close();
