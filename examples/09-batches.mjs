import { connect, isRocketMQError } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const readings = Array.from({ length: 500 }, (_, n) => ({ topic: 'readings', keys: String(n), body: `reading ${n}` }));

// A list that is there already: one request, or a few.
const producer = await mq.producer({ group: 'meters' });
try {
  const results = await producer.sendBatch(readings);
  console.log(`${results.length} results, the last ${results.at(-1).status}`);
} catch (error) {
  if (!isRocketMQError(error, 'RMQ_BATCH_INCOMPLETE')) throw error;
  console.log(`${error.results.length} are stored, ${error.unsent.length} are to be sent again`);
}

// Sends that come one by one, from many places: the producer waits up to 5 ms for company.
const gathering = await mq.producer({ group: 'meters-gathering', autoBatch: { lingerMs: 5 } });
const sent = await Promise.all(readings.map((reading) => gathering.send(reading)));
console.log(`${sent.length} sends, each with its own result: ${new Set(sent.map(({ msgId }) => msgId)).size} ids`);
await mq.close();
