import { createServer } from 'node:http';
import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'shop' });
for (let id = 1; id <= 8; id++) await producer.send({ topic: 'orders', body: `${id}` });

const billing = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
billing.events$.subscribe((event) => {
  if (event.type === 'healthChanged') console.log(`billing is ${event.verdict}`, event.reasons); // to whoever is on call
});
const handled = new Promise((resolve) => {
  let count = 0;
  billing.run(() => ++count === 8 && resolve());
});
const books = await mq.litePullConsumer({ group: 'books', subscribe: { orders: '*' }, from: 'first' });
await books.poll();
await handled;

// The probe of an orchestrator: 503 has it take the process out, or start it anew.
const probe = createServer((_request, response) => {
  const { verdict, reasons } = mq.health(); // asks nobody: it cannot hang
  response.writeHead(verdict === 'healthy' ? 200 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ verdict, reasons }));
});
await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
const answer = await fetch(`http://127.0.0.1:${probe.address().port}/health`);
console.log(answer.status, await answer.text());
probe.close();

for (const { group, verdict, queues, sinceLastPollMs } of mq.health().consumers) {
  const behind = queues.reduce((sum, { lag = 0 }) => sum + lag, 0);
  const polled = sinceLastPollMs === undefined ? '' : `, polled ${Math.floor(sinceLastPollMs / 60_000)} minutes ago`;
  console.log(`${group} is ${verdict}, ${behind > 0 ? 'behind' : 'up to date'}${polled}`);
}
await mq.close();
