/** Apache's own example of transactions, 5.5.0, on our server: by what it prints, and by what consumers get of it. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { waitFor } from '../kit/wait-for.js';
import { startExample } from './kit/examples.js';
import { SOON_CHECKED } from './kit/soon-checked.js';

const COUNT = 10;

test('transaction.TransactionProducer leaves all open, and commits every third when it is asked', async () => {
  const server = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0, ...SOON_CHECKED });
  onTestFinished(() => server.close());
  const example = await startExample(inject('java'), 'transaction.TransactionProducer', {
    nameServer: server.nameServers,
  });
  onTestFinished(() => example.stop());
  await example.prints(new RegExp(`(?:SendResult \\[sendStatus=SEND_OK, [^]*?){${COUNT}}`));

  const mq = await connect({ nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  const received: string[] = [];
  const consumer = await mq.consumer({ group: 'reads', subscribe: { TopicTest1234: '*' }, from: 'first' });
  await consumer.run((message) => {
    received.push(message.body.toString());
  });
  // Its listener counts from 0: of three one stays unknown, one is committed, one rolled back.
  const committed = [1, 4, 7].map((index) => `Hello RocketMQ ${index}`);
  await waitFor(() => received.length >= committed.length, { timeoutMs: 30_000, what: 'what it committed' });
  expect(received.sort()).toEqual(committed);
});
