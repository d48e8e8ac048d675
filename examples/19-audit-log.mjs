import { createWriteStream, readFileSync } from 'node:fs';
import { connect, outcomeOf, settled } from 'multistage';
import { embedded } from 'multistage/server';
import { tap } from 'rxjs';

/** Writes a line of JSON for each end of a send and for each message of a delivery that ended, and changes neither. */
function auditLog({ file }) {
  return {
    name: 'audit-log',
    setup(host) {
      const log = createWriteStream(file, { flags: 'a' });
      log.on('error', (error) => host.logger.error('the audit log cannot be written', { error }));
      const write = (fields) => log.write(`${JSON.stringify({ at: new Date(host.clock.now()), ...fields })}\n`);
      // Around everything: once per send, however many attempts it takes.
      host.interceptSend({
        before: 'check',
        create:
          ({ group }) =>
          (context, next) => {
            const { msgId, exchange } = context.send;
            const fields = { did: exchange ?? 'send', group, topic: context.topic, msgId };
            return settled(next(context), {
              value: ({ status, queueOffset }) => write({ ...fields, status, queueOffset }),
              error: (error) => write({ ...fields, failed: error.code }),
            });
          },
      });
      host.interceptDelivery({
        create:
          ({ group }) =>
          (context, next) => {
            const { messages, attempt } = context;
            const tell = (outcome) => {
              for (const [index, { topic, msgId }] of messages.entries()) {
                write({ did: 'deliver', group, topic, msgId, attempt, outcome: outcomeOf(outcome, index).kind });
              }
            };
            return next(context).pipe(tap(tell));
          },
      });
      host.onStop(() => new Promise((resolve) => log.end(resolve)));
    },
  };
}

const mq = await connect({
  cluster: embedded({ dir: './multistage-data' }),
  plugins: [auditLog({ file: './audit.log' })],
});
const producer = await mq.producer({ group: 'shop' });
await producer.send({ topic: 'orders', body: 'order 42' });
await producer.send({ topic: 'not a topic', body: 'order 43' }).catch((error) => console.log(error.code));
const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
await new Promise((resolve) => consumer.run(() => resolve()));
await mq.close();

for (const line of readFileSync('./audit.log', 'utf8').trim().split('\n')) {
  const { did, group, topic, status, failed, outcome } = JSON.parse(line);
  console.log(`${group}: ${did} ${topic}: ${status ?? failed ?? outcome}`);
}
