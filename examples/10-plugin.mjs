import { connect, fromAsync, rocketMQError } from 'multistage';
import { embedded } from 'multistage/server';

/** Lets each topic send so many messages and no more, and counts what handlers make of what arrives. */
function quota({ perTopic }) {
  const used = new Map();
  const delivered = { messages: 0 };
  return {
    name: 'quota',
    setup(host) {
      host.interceptSend({
        before: 'route',
        create: () => (context, next) => {
          const count = (used.get(context.topic) ?? 0) + 1;
          if (count > perTopic) {
            const facts = { plugin: 'quota', rule: 'perTopic', topic: context.topic };
            throw rocketMQError('RMQ_SEND_FORBIDDEN', `${context.topic} has used up its ${perTopic} messages`, facts);
          }
          used.set(context.topic, count);
          return next(context);
        },
      });
      // An asynchronous function will do where a few promises more do not matter.
      host.interceptSend({
        after: 'select',
        create: () =>
          fromAsync(async (context, next) => {
            const result = await next(context);
            console.log(`attempt ${context.attempt} at ${context.broker.name}: ${result.status}`);
            return result;
          }),
      });
      host.interceptDelivery({
        create: () => (context, next) => {
          delivered.messages += context.messages.length;
          return next(context);
        },
      });
      host.onStop(() => console.log(`stopped after ${delivered.messages} deliveries`));
      return { left: (topic) => perTopic - (used.get(topic) ?? 0) };
    },
  };
}

const plugin = quota({ perTopic: 1 });
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins: [plugin] });
const producer = await mq.producer({ group: 'rationed' });
await producer.send({ topic: 'rations', body: 'one' });
await producer.send({ topic: 'rations', body: 'two' }).catch((error) => console.log(`${error.code}: ${error.message}`));
console.log(`left: ${mq.plugin(plugin).left('rations')}`);

const consumer = await mq.consumer({ group: 'eaters', subscribe: { rations: '*' }, from: 'first' });
await new Promise((resolve) => consumer.run(async (message) => resolve(message)));
await mq.close();
