// What happened to a message: who sent it, who handled it, how long that took and how it ended.
import { connect, describeTrace } from 'multistage';
import { tracing } from 'multistage/plugins/tracing';
import { embedded } from 'multistage/server';

const traces = tracing();
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins: [traces] });
const producer = await mq.producer({ group: 'shop' });
const { msgId } = await producer.send({ topic: 'traced-orders', body: 'order 42', keys: ['42'] });

const subscribe = { 'traced-orders': '*' };
const handlerRetry = { attempts: 1, initialDelayMs: 100 };
const billing = await mq.consumer({ group: 'billing', subscribe, from: 'first', handlerRetry });
let calls = 0;
await billing.run(async () => {
  calls += 1;
  if (calls === 1) throw new Error('the bank does not answer');
});
const audit = await mq.consumer({ group: 'audit', subscribe, from: 'first' });
await audit.run(async () => {});

// One record of the send, two of each call of a handler. They go to the broker at least every half second.
while (mq.plugin(traces).traced < 7) await new Promise((resolve) => setTimeout(resolve, 50));
await mq.plugin(traces).flush();
console.log(describeTrace(await mq.admin.trace(msgId)));
await mq.close();
