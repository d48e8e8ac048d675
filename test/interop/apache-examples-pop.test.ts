/** Java's push consumer of 5.5.0 popping from our server: Apache's own example, and a consumer that sends a message back. */

import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { encodeMessageRequestMode } from '../../core/remoting/protocol/message-request-mode.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { startServer } from '../../core/server/index.js';
import { waitFor } from '../kit/wait-for.js';
import { invoke, rawClient } from '../server/kit/running.js';
import { startExample } from './kit/examples.js';
import { drive } from './kit/java.js';
import { ANSWERED, PATIENT } from './kit/patience.js';
import { describeOutcome } from './kit/processes.js';

const COUNT = 12;

test('simple.PopConsumer pops what is sent; a message that is sent back comes again, and none that was acknowledged', async () => {
  const server = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => server.close());
  const mq = await connect({ ...PATIENT, nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: 'sends_to_pop' });
  const send = async (topic: string) => {
    for (let n = 0; n < COUNT; n++) await producer.send({ topic, body: String(n), tag: 't' });
  };
  await Promise.all([send('TopicTest'), send('popped')]);
  const setting = { topic: 'popped', consumerGroup: 'group_popped', mode: 'POP', popShareQueueNum: 0 } as const;
  const mode = encodeMessageRequestMode(setting);
  const { code } = await invoke(rawClient(), server.brokerAddress, RequestCode.SET_MESSAGE_REQUEST_MODE, {}, mode);
  expect(code).toBe(0);

  const java = inject('java');
  const runtime = { ...java, classPath: java.serverClassPath['5.5.0'] };
  const scenario = drive(runtime, server.nameServers, 'pop', ['popped', String(COUNT)]);
  const example = await startExample(java, 'simple.PopConsumer', { nameServer: server.nameServers });
  onTestFinished(() => example.stop());
  const received = () => [
    ...example.output.matchAll(/Receive New Messages: \[MessageExt \[.*?queueId=(\d+).*?queueOffset=(\d+)/g),
  ];
  await waitFor(() => received().length >= COUNT, { ...ANSWERED, what: `${COUNT} messages of the example` });
  expect(new Set(received().map(([, queueId, offset]) => `${queueId} ${offset}`)).size).toBe(COUNT);
  // The name that only a broker which hands out puts on a message.
  expect(example.output).toContain('POP_CK=');
  const outcome = await scenario;
  expect(outcome.exitCode, describeOutcome('pop', outcome)).toBe(0);
});
