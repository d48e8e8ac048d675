/** Apache's own examples of request and reply, 5.5.0, on our server: a replier and two askers, by what they print. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { EXAMPLES_NAME_SERVER_PORT, type RunningExample, startExample } from './kit/examples.js';

async function example(name: string): Promise<RunningExample> {
  const running = await startExample(inject('java'), name);
  onTestFinished(() => running.stop());
  return running;
}

test('rpc.ResponseConsumer replies to rpc.RequestProducer and rpc.AsyncRequestProducer', async () => {
  const server = await startServer({ store: 'memory', nameServerPort: EXAMPLES_NAME_SERVER_PORT, brokerPort: 0 });
  onTestFinished(() => server.close());
  const mq = await connect({ nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  // A Java consumer looks for a topic that it did not find only every 30 s.
  const { status } = await (await mq.producer({ group: 'makes_topics' })).send({ topic: 'RequestTopic', body: 'x' });
  expect(status).toBe('SEND_OK');
  const replier = await example('rpc.ResponseConsumer');
  await replier.prints(/^Consumer Started\./m);
  await replier.prints(/Receive New Messages/);

  const asker = await example('rpc.RequestProducer');
  await asker.prints(/^request to <RequestTopic> cost: \d+ replyMessage: MessageExt \[.*MSG_TYPE=reply/m);
  const asyncAsker = await example('rpc.AsyncRequestProducer');
  await asyncAsker.prints(/^request to <RequestTopic> cost: \d+ replyMessage: MessageExt \[.*MSG_TYPE=reply/m);
  await replier.prints(/^reply to \S+ , SendResult \[sendStatus=SEND_OK, .*topic=DefaultCluster_REPLY_TOPIC/m);
});
