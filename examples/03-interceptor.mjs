import { connect, eachMessage, settled } from 'multistage';
import { embedded } from 'multistage/server';

/** A plugin is a name and a setup; this one stamps every message and counts how sends end. */
function audit() {
  const counts = { sent: 0, failed: 0 };
  return {
    name: 'audit',
    setup(host) {
      host.interceptSend({
        before: 'check',
        create: () => (context, next) => {
          const stamp = (message) => ({ ...message, properties: { ...message.properties, sentBy: 'audit' } });
          return settled(next(context.with(eachMessage(context, stamp))), {
            value: () => {
              counts.sent += 1;
            },
            error: () => {
              counts.failed += 1;
            },
          });
        },
      });
      return counts;
    },
  };
}

const plugin = audit();
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins: [plugin] });
const producer = await mq.producer({ group: 'audited' });
console.log(producer.describe());
await producer.send({ topic: 'audited-orders', body: 'one' });
await producer
  .send({ topic: 'not a topic', body: 'two' })
  .catch((error) => console.log(`${error.code}: ${error.message}`));
console.log(mq.plugin(plugin));
await mq.close();
