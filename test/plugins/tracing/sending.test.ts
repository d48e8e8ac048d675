import { describe, expect, test } from 'vitest';
import { connect, encodeTraceRecord, type Plugin } from '../../../core/index.js';
import { namespace } from '../../../plugins/namespace/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { fakeCluster } from '../../client/fake-cluster.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { tracedCluster } from './trace-reader.js';

describe('a producer with tracing', () => {
  test('leaves a Pub of each message, in the very bytes, found by its id and its keys', async () => {
    const { open, readTraces } = await tracedCluster();
    const mq = await open(tracing());
    const producer = await mq.producer({ group: 'shop' });
    const before = Date.now();
    const result = await producer.send({ topic: 'orders', body: 'grüße', tag: 'created', keys: ['42', 'ada'] });
    const plain = await producer.send({ topic: 'orders', body: 'x' });
    await mq.close();
    const { messages, records } = await readTraces(2);
    const [first, second] = records;
    expect(first).toMatchObject({
      type: 'Pub',
      regionId: 'DefaultRegion',
      group: 'shop',
      topic: 'orders',
      msgId: result.msgId,
      tag: 'created',
      keys: '42 ada',
      storeHost: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      bodyLengthBytes: 7,
      messageType: 'Normal_Msg',
      offsetMsgId: result.offsetMsgId,
      success: true,
    });
    expect(second).toMatchObject({ msgId: plain.msgId, tag: undefined, keys: undefined });
    if (first?.type !== 'Pub') throw new Error('no Pub');
    expect(first.timestamp).toBeGreaterThanOrEqual(before - 1);
    expect(first.timestamp + first.costMs).toBeLessThanOrEqual(Date.now() + 1);
    expect(messages).toHaveLength(1);
    expect(messages[0]?.body.toString()).toBe(records.map((record) => encodeTraceRecord(record)).join(''));
    expect(messages[0]?.properties.KEYS).toBe(`${result.msgId} 42 ada ${plain.msgId}`);
  });

  test('leaves a record of each message of a batch, found by its own id', async () => {
    const { open, readTraces } = await tracedCluster();
    const mq = await open(tracing());
    const producer = await mq.producer({ group: 'shop', timeoutMs: 60_000 });
    const results = await producer.sendBatch(
      Array.from({ length: 250 }, (_, index) => ({ topic: 'orders', body: `line ${index}`, keys: `k${index}` })),
    );
    await mq.close();
    const { messages, records } = await readTraces(250);
    const keysById = new Map(records.map(({ msgId, keys }) => [msgId, keys]));
    expect(keysById).toEqual(new Map(results.map(({ msgId }, index) => [msgId, `k${index}`])));
    const last = results[249];
    expect(records.find(({ msgId }) => msgId === last?.msgId)).toMatchObject({
      bodyLengthBytes: 8,
      offsetMsgId: last?.offsetMsgId,
      group: 'shop',
    });
    expect(messages.map(({ keys }) => keys.length).sort()).toEqual([100, 200, 200]);
  });

  test('says what kind of message it was', async () => {
    const { nameServers, broker, nameServer } = await fakeCluster();
    nameServer.routes.set('RMQ_SYS_TRACE_TOPIC', broker.route());
    const mq = closeAfterTest(await connect({ nameServers, plugins: [tracing()] }));
    const producer = await mq.producer({ group: 'shop' });
    await producer.send({ topic: 'T', body: 'half', systemProperties: { TRAN_MSG: 'true', PGROUP: 'shop' } });
    await producer.send({ topic: 'T', body: 'level', delayLevel: 3 });
    await producer.send({ topic: 'T', body: 'duration', delay: '10s' });
    await producer.send({ topic: 'T', body: 'given', properties: { __STARTDELIVERTIME: '1500' } });
    await producer.send({ topic: 'T', body: 'plain', delayLevel: 0 });
    await mq.close();
    const text = broker.sends.at(-1)?.body.toString() ?? '';
    expect(text.split('\u0002').map((record) => record.split('\u0001')[11])).toEqual([
      '1',
      '3',
      '3',
      '3',
      '0',
      undefined,
    ]);
  });

  test('leaves nothing of oneway sends, of failed ones, and of what the broker does not want traced', async () => {
    const { nameServers, broker, nameServer } = await fakeCluster();
    nameServer.routes.set('RMQ_SYS_TRACE_TOPIC', broker.route());
    const answers: Record<string, { code: number; ext: Record<string, string | number> }> = {
      refused: { code: 13, ext: {} },
      silent: { code: 0, ext: { msgId: 'A', queueId: 0, queueOffset: 0, TRACE_ON: 'false' } },
      late: { code: 10, ext: { msgId: 'B', queueId: 0, queueOffset: 1, TRACE_ON: 'true', MSG_REGION: 'north' } },
    };
    broker.server.process(310, (request) => {
      broker.sends.push(request);
      return answers[request.body.toString()] ?? { code: 0, ext: { msgId: 'C', queueId: 0, queueOffset: 2 } };
    });
    const plugin = tracing();
    const mq = closeAfterTest(await connect({ nameServers, plugins: [plugin] }));
    const producer = await mq.producer({ group: 'shop', retries: 0 });
    await producer.sendOneway({ topic: 'T', body: 'oneway' });
    await expect(producer.send({ topic: 'T', body: 'refused' })).rejects.toMatchObject({ code: 'RMQ_BROKER_ERROR' });
    await producer.send({ topic: 'T', body: 'silent' });
    await producer.send({ topic: 'T', body: 'late' });
    expect(mq.plugin(plugin)).toMatchObject({ traced: 1, dropped: 0, lost: 0 });
    await mq.plugin(plugin).flush();
    const fields = broker.sends.at(-1)?.body.toString().split('\u0001') ?? [];
    expect([fields[0], fields[2], fields[12], fields[13]]).toEqual(['Pub', 'north', 'B', 'false\u0002']);
  });

  test('leaves a record of each attempt that was answered, as Java does', async () => {
    const { nameServers, broker, nameServer } = await fakeCluster();
    nameServer.routes.set('RMQ_SYS_TRACE_TOPIC', broker.route());
    let attempts = 0;
    broker.server.process(310, (request) => {
      broker.sends.push(request);
      const code = request.body.toString() === 'hard' && attempts++ < 1 ? 10 : 0;
      return { code, ext: { msgId: `M${broker.sends.length}`, queueId: 0, queueOffset: 0 } };
    });
    const mq = closeAfterTest(await connect({ nameServers, plugins: [tracing()] }));
    const producer = await mq.producer({ group: 'shop', notStored: 'retry' });
    const { attempts: made } = await producer.send({ topic: 'T', body: 'hard' });
    expect(made).toBe(2);
    await mq.close();
    const records = broker.sends.at(-1)?.body.toString().split('\u0002').slice(0, 2) ?? [];
    expect(records.map((record) => record.split('\u0001').slice(12))).toEqual([
      ['M1', 'false'],
      ['M2', 'true'],
    ]);
  });

  test('inside a namespace writes names as the application does, to the topic that all share', async () => {
    const { open, readTraces } = await tracedCluster();
    const mq = await open(namespace({ namespace: 'staging' }), tracing());
    const producer = await mq.producer({ group: 'shop' });
    await producer.send({ topic: 'orders', body: 'x' });
    await mq.close();
    expect((await readTraces(1)).records).toMatchObject([{ topic: 'orders', group: 'shop' }]);
  });

  test('shows in the chain behind send', async () => {
    const mq = closeAfterTest(await connect({ nameServers: 'a:9876', plugins: [tracing()] }));
    expect((await mq.producer({ group: 'g' })).describe()).toMatch(/send[\s\S]*tracing[\s\S]*updateFault/);
  });
});

describe('where traces go', () => {
  test('to a topic of one’s own, which is not traced either', async () => {
    const { open, readTraces } = await tracedCluster();
    const plugin = tracing({ traceTopic: 'my_traces' });
    const mq = await open(plugin);
    const producer = await mq.producer({ group: 'shop' });
    await producer.send({ topic: 'orders', body: 'x' });
    await producer.send({ topic: 'my_traces', body: 'Nothing\u0002' });
    expect(mq.plugin(plugin).traced).toBe(1);
    await mq.close();
    const { records } = await readTraces(1, 'my_traces');
    expect(records).toMatchObject([{ topic: 'orders' }]);
  });

  test('with CLOUD to a topic for each region', async () => {
    const { open, readTraces } = await tracedCluster({ regionId: 'cn-hangzhou' });
    const mq = await open(tracing({ accessChannel: 'CLOUD' }));
    await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'x' });
    await mq.close();
    const { records } = await readTraces(1, 'rmq_sys_TRACE_DATA_cn-hangzhou');
    expect(records).toMatchObject([{ topic: 'orders', regionId: 'cn-hangzhou' }]);
  });
});

test('a server that was told not to trace says so, and clients heed it', async () => {
  const { open } = await tracedCluster({ traceOn: false });
  const plugin = tracing();
  const mq = await open(plugin);
  const { traceOn } = await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'x' });
  expect(traceOn).toBe(false);
  expect(mq.plugin(plugin).traced).toBe(0);
});

test('the topic of traces is there from the start, with one queue, where the server was told so', async () => {
  const { open } = await tracedCluster({ traceTopicEnable: true });
  const mq = await open();
  const producer = await mq.producer({ group: 'shop' });
  expect(await producer.fetchPublishMessageQueues('RMQ_SYS_TRACE_TOPIC')).toHaveLength(1);
});

test('the end of a transaction is traced, whichever plugin ends it', async () => {
  const { open, readTraces } = await tracedCluster();
  const ending: Plugin = {
    name: 'ending',
    setup(host) {
      const known = { producerGroup: 'shop', msgId: 'ID', transactionId: 'TX', brokerName: 'broker-a' };
      const about = { brokerAddress: '127.0.0.1:10911', regionId: 'DefaultRegion', fromTransactionCheck: true };
      host.onStart(() => {
        const message = { topic: 'orders', keys: ['42'] };
        host.reportEndTransaction({ ...known, ...about, message, transactionState: 'commit' });
        const trace = { topic: 'RMQ_SYS_TRACE_TOPIC' };
        host.reportEndTransaction({ ...known, ...about, message: trace, transactionState: 'commit' });
      });
    },
  };
  const mq = await open(tracing(), ending);
  await mq.close();
  expect((await readTraces(1)).records).toEqual([
    {
      type: 'EndTransaction',
      timestamp: expect.any(Number),
      regionId: 'DefaultRegion',
      group: 'shop',
      topic: 'orders',
      msgId: 'ID',
      tag: undefined,
      keys: '42',
      storeHost: '127.0.0.1:10911',
      transactionId: 'TX',
      transactionState: 'commit',
      fromTransactionCheck: true,
    },
  ]);
});

test.each([
  ['traceTopic', { traceTopic: 'no topic' }],
  ['accessChannel', { accessChannel: 'cloud' as 'CLOUD' }],
  ['region', { region: 'a b' }],
  ['batchMax', { batchMax: 0 }],
  ['flushIntervalMs', { flushIntervalMs: 0.5 }],
  ['queueMax', { queueMax: -1 }],
  ['topic', { topic: 'x' } as object],
])('a wrong option %s is refused by name', (option, options) => {
  expect(() => tracing(options)).toThrow(expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }));
});
