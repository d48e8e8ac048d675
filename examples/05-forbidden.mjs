import { connect, isRocketMQError } from 'multistage';
import { forbidden } from 'multistage/plugins/forbidden';
import { embedded } from 'multistage/server';

const consents = new Set(['ada']);
const rules = [
  // Once per send, before a route is looked for. A rule may ask elsewhere: it may be asynchronous.
  { name: 'consent', at: 'send', check: async ({ message }) => !consents.has(message.properties?.user) },
  // Before each attempt, when queue and broker are known. Text is the reason.
  { name: 'no-tests-here', check: ({ topic, broker }) => topic === 'test' && `${broker.name} is a production broker` },
];
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins: [forbidden({ rules })] });
const producer = await mq.producer({ group: 'newsletter' });

for (const [topic, user] of [
  ['news', 'ada'],
  ['news', 'bob'],
  ['test', 'ada'],
]) {
  try {
    const { status } = await producer.send({ topic, body: 'hello', properties: { user } });
    console.log(`${topic} for ${user}: ${status}`);
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_SEND_FORBIDDEN')) throw error;
    console.log(`${topic} for ${user}: forbidden by rule ${error.rule}`);
  }
}
await mq.close();
