/** Apache's own example of message traces, 5.5.0, on our server: what it sends leaves a trace each. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect, decodeTraces, type ReceivedMessage, type TraceRecord } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { EXAMPLES_NAME_SERVER_PORT, startExample } from './kit/examples.js';
import { waitFor } from './kit/ports.js';

test('tracemessage.TraceProducer sends 128 messages, and as many traces', async () => {
  const server = await startServer({
    store: 'memory',
    nameServerPort: EXAMPLES_NAME_SERVER_PORT,
    brokerPort: 0,
    traceTopicEnable: true,
  });
  onTestFinished(() => server.close());
  const example = await startExample(inject('java'), 'tracemessage.TraceProducer');
  onTestFinished(() => example.stop());
  const sent = () =>
    [...example.output.matchAll(/^SendResult \[sendStatus=SEND_OK, msgId=(\w+), offsetMsgId=(\w+)/gm)].map(
      ([, msgId, offsetMsgId]) => [msgId, offsetMsgId],
    );
  await waitFor('128 results', async () => sent().length >= 128, { timeoutMs: 30_000 });

  const mq = await connect({ nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  const traces: TraceRecord[] = [];
  const subscribe = { RMQ_SYS_TRACE_TOPIC: '*' };
  const reader = await mq.consumer({ group: 'reads_traces', subscribe, from: 'first' });
  await reader.run((message: ReceivedMessage) => void traces.push(...decodeTraces(`${message.body}`).records));
  await waitFor('128 traces', async () => traces.length >= 128, { timeoutMs: 30_000 });
  const pubs = traces.filter((record) => record.type === 'Pub');
  expect(pubs.map(({ msgId, offsetMsgId }) => [msgId, offsetMsgId]).sort()).toEqual(sent().sort());
  for (const pub of pubs) {
    expect(pub).toMatchObject({
      topic: 'TopicTest',
      group: 'ProducerGroupName',
      tag: 'TagA',
      keys: 'OrderID188',
      regionId: 'DefaultRegion',
      bodyLengthBytes: 11,
      success: true,
    });
  }
});
