import { connect, isRocketMQError, json, topic } from 'multistage';
import { embedded } from 'multistage/server';

const prices = topic('prices', json());
const quote = json();
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });

const desk = await mq.consumer({ group: 'price-desk', subscribe: [prices], from: 'first' });
await desk.run(async (message) => {
  const cents = { ACME: 1999, GLOBEX: 4200 }[message.value.symbol];
  // Who asks for something unknown gets no reply.
  if (cents !== undefined) await message.reply({ symbol: message.value.symbol, cents }, { as: quote });
});

const producer = await mq.producer({ group: 'shop' });
const ask = (symbol, timeoutMs) =>
  producer.request({ topic: prices, value: { symbol } }, { timeoutMs, replyAs: quote });

// Any number may be under way at once; each gets its own reply.
for (const { value } of await Promise.all([ask('ACME', 10_000), ask('GLOBEX', 10_000)])) {
  console.log(`${value.symbol} costs ${value.cents} cents`);
}
try {
  await ask('HOOLI', 500);
} catch (error) {
  if (!isRocketMQError(error, 'RMQ_REPLY_TIMEOUT')) throw error;
  console.log(`no reply within ${error.timeoutMs} ms`);
}
await mq.close();
