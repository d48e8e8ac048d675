import { connect } from 'multistage';
import { embedded } from 'multistage/server';

/** The same number from 0 to 99 for the same text. */
function percentileOf(text) {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return hash % 100;
}

/**
 * Sends the messages of some customers to another topic, where the new release of a service reads, and bulk messages to the
 * last queue of a topic, so that nobody waits behind them.
 */
function canary({ topics, percent }) {
  const counts = { canary: 0, bulk: 0 };
  return {
    name: 'canary',
    setup(host) {
      // The topic can be changed until `route` has found its queues.
      host.interceptSend({
        before: 'route',
        create: () => (context, next) => {
          const { customer } = context.message.properties ?? {};
          const isChosen = customer !== undefined && percentileOf(customer) < percent;
          if (!isChosen || !topics.includes(context.topic)) return next(context);
          counts.canary += 1;
          return next(context.with({ topic: `${context.topic}_canary` }));
        },
      });
      // The queue of each attempt: a retry may have come to another broker.
      host.interceptSend({
        after: 'select',
        create: () => (context, next) => {
          if (context.message.tag !== 'bulk') return next(context);
          counts.bulk += 1;
          const queues = context.publishInfo.queues.filter(({ brokerName }) => brokerName === context.broker.name);
          return next(context.with({ queue: queues.at(-1) }));
        },
      });
      return counts;
    },
  };
}

const plugin = canary({ topics: ['orders'], percent: 50 });
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins: [plugin] });
const producer = await mq.producer({ group: 'shop' });
for (const customer of ['ada', 'bob', 'cy']) {
  const { queue } = await producer.send({ topic: 'orders', body: 'an order', properties: { customer } });
  console.log(`${customer}: ${queue.topic}`);
}
const queues = await producer.fetchPublishMessageQueues('orders');
const bulk = await producer.send({ topic: 'orders', body: 'all of 2025', tag: 'bulk' });
console.log(`bulk: queue ${bulk.queue.queueId} of ${queues.length}`);
console.log(mq.plugin(plugin));
await mq.close();
