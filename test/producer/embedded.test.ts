/** What a producer and its messages can be told, all the way to the embedded server's records and topics. */
import { expect, onTestFinished, test } from 'vitest';
import { type ConnectOptions, connect, type Plugin, type ReceivedMessage, RequestCode } from '../../core/index.js';
import { createMemoryStoreFiles, embedded, type ServerOptions } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';

interface StoredTopic {
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  readonly perm: number;
  readonly topicSysFlag: number;
}

async function setup(options: Omit<ConnectOptions, 'plugins'> = {}, server: ServerOptions = {}) {
  let ask: ((code: number, ext?: Record<string, string | number | boolean>) => Promise<Buffer>) | undefined;
  const asking: Plugin<void> = {
    name: 'asking',
    setup(host) {
      ask = async (code, ext = {}) => {
        const { body, code: answer, remark } = await host.invoke({ brokerName: 'broker-a' }, { code, ext });
        if (answer !== 0) throw new Error(`${answer} ${remark}`);
        return body;
      };
    },
  };
  const cluster = embedded({ store: 'memory', ...server });
  const mq = closeAfterTest(await connect({ cluster, ...options, plugins: [asking] }));
  const topicOf = async (name: string): Promise<StoredTopic | undefined> => {
    const table = JSON.parse((await ask!(RequestCode.GET_ALL_TOPIC_CONFIG)).toString()) as {
      topicConfigTable: Record<string, StoredTopic>;
    };
    return table.topicConfigTable[name];
  };
  const read = async (topic: string, count: number): Promise<ReceivedMessage[]> => {
    const messages: ReceivedMessage[] = [];
    const group = `readers-${topic.replace(/%/g, '_')}`;
    const consumer = await mq.consumer({ group, subscribe: { [topic]: '*' }, from: 'first' });
    await consumer.run((message: ReceivedMessage) => messages.push(message));
    await waitFor(() => messages.length >= count, { what: `${count} messages of ${topic}` });
    await consumer.close();
    return messages;
  };
  return { mq, ask: ask!, topicOf, read };
}

test('the flag is stored with the message', async () => {
  const { mq, read } = await setup();
  const producer = await mq.producer({ group: 'g' });
  const flags = [0, 1, 0x7fffffff, -0x80000000];
  for (const flag of flags) await producer.send({ topic: 'flags', body: 'x', flag });
  await producer.send({ topic: 'flags', body: 'x' });
  const stored = (await read('flags', 5)).map(({ flag }) => flag);
  expect(stored.sort((a, b) => a - b)).toEqual([...flags, 0].sort((a, b) => a - b));
});

test('a topic that a send creates has as many queues as the producer asks for, and the template allows', async () => {
  const { mq, topicOf } = await setup();
  for (const [defaultTopicQueueNums, queues] of [
    [undefined, 4],
    [1, 1],
    [6, 6],
    [8, 8],
    [20, 8],
  ] as const) {
    const options = defaultTopicQueueNums === undefined ? {} : { defaultTopicQueueNums };
    const producer = await mq.producer({ group: `g${defaultTopicQueueNums}`, ...options });
    const topic = `queues-${defaultTopicQueueNums}`;
    await producer.send({ topic, body: 'x' });
    expect(await topicOf(topic)).toMatchObject({ readQueueNums: queues, writeQueueNums: queues, perm: 6 });
    expect(await producer.fetchPublishMessageQueues(topic)).toHaveLength(queues);
  }
});

test('createTopicKey names the template of such a topic', async () => {
  const { mq, ask, topicOf } = await setup();
  await (await mq.producer({ group: 'first' })).send({ topic: 'anything', body: 'x' });
  await ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
    topic: 'small-template',
    defaultTopic: 'TBW102',
    readQueueNums: 2,
    writeQueueNums: 2,
    perm: 7,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  });
  const producer = await mq.producer({ group: 'g', createTopicKey: 'small-template' });
  await producer.send({ topic: 'made-small', body: 'x' });
  expect(await topicOf('made-small')).toMatchObject({ readQueueNums: 2, writeQueueNums: 2, perm: 6 });

  const unknown = await mq.producer({ group: 'h', createTopicKey: 'no-such-template' });
  await expect(unknown.send({ topic: 'never-made', body: 'x' })).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  expect(await topicOf('never-made')).toBeUndefined();
});

test('unit mode marks topics that are created, and the unit’s name the client', async () => {
  const { mq, ask, topicOf } = await setup({
    unitMode: true,
    unitName: 'unit-7',
    clientIP: '10.0.0.1',
    instanceName: 'i',
  });
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'unit-topic', body: 'x' });
  expect(await topicOf('unit-topic')).toMatchObject({ topicSysFlag: 1 });
  const consumer = await mq.consumer({ group: 'c', subscribe: { 'unit-topic': '*' } });
  await consumer.run(() => {});
  expect(mq.clientId).toBe('10.0.0.1@i@unit-7');
  const members = await ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: 'c' });
  expect(JSON.parse(members.toString())).toEqual({ consumerIdList: ['10.0.0.1@i@unit-7'] });
  await producer.send({ topic: '%RETRY%c', body: 'x' });
  expect(await topicOf('%RETRY%c')).toMatchObject({ topicSysFlag: 2 });
});

test('without unit mode topics are not marked', async () => {
  const { mq, topicOf } = await setup();
  await (await mq.producer({ group: 'g' })).send({ topic: 'no-unit', body: 'x' });
  expect(await topicOf('no-unit')).toMatchObject({ topicSysFlag: 0 });
});

test('waitStored: false does not wait for the disk', async () => {
  const files = createMemoryStoreFiles();
  let release = () => {};
  const disk = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = <F extends { path: string; sync(): Promise<void> }>(file: F): F => {
    if (file.path.includes('/commitlog/')) file.sync = () => disk;
    return file;
  };
  const create = files.create.bind(files);
  files.create = (path, sizeBytes) => slow(create(path, sizeBytes));
  const store = {
    files,
    flushDiskType: 'SYNC_FLUSH',
    syncFlushTimeoutMs: 50,
    mappedFileSizeCommitLog: 1 << 20,
  } as const;
  const { mq } = await setup({}, { dir: '/data', store });
  onTestFinished(release);
  const producer = await mq.producer({ group: 'g' });
  const message = { topic: 'T', body: 'x' };
  expect((await producer.send({ ...message, waitStored: false })).status).toBe('SEND_OK');
  for (const waitStored of [true, undefined]) {
    const result = await producer.send({ ...message, ...(waitStored === undefined ? {} : { waitStored }) });
    expect(result.status).toBe('FLUSH_DISK_TIMEOUT');
  }
});

test('a message sent to a retry topic is consumed again, or a dead letter when that was tried often enough', async () => {
  const { mq, read, topicOf } = await setup();
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'orders', body: 'x' });
  await read('orders', 1);
  const group = 'readers-orders';
  const retry = `%RETRY%${group}`;
  const send = (body: string, systemProperties: Record<string, string>) =>
    producer.send({ topic: retry, body, systemProperties });
  await send('second try', {
    RECONSUME_TIME: '1',
    MAX_RECONSUME_TIMES: '3',
    ORIGIN_MESSAGE_ID: 'A1',
    RETRY_TOPIC: 'orders',
  });
  await send('the message says three', { RECONSUME_TIME: '3', MAX_RECONSUME_TIMES: '3' });
  await send('the group says sixteen', { RECONSUME_TIME: '16' });
  const [again] = await read(retry, 1);
  expect(again).toMatchObject({
    reconsumeTimes: 1,
    properties: { RECONSUME_TIME: '1', MAX_RECONSUME_TIMES: '3', ORIGIN_MESSAGE_ID: 'A1', RETRY_TOPIC: 'orders' },
  });
  expect(again?.body.toString()).toBe('second try');
  expect(await topicOf(`%DLQ%${group}`)).toMatchObject({ writeQueueNums: 1 });
  const dead = await read(`%DLQ%${group}`, 2);
  expect(dead.map(({ body, reconsumeTimes }) => `${body} ${reconsumeTimes}`).sort()).toEqual([
    'the group says sixteen 16',
    'the message says three 3',
  ]);
});

test('levels and instants are delayed, and the answer to a timed one can take it back', async () => {
  const { mq, read } = await setup();
  const producer = await mq.producer({ group: 'g' });
  await producer.send({ topic: 'T', body: 'at once', delayLevel: 0 });
  // Far enough away for a machine that is busy.
  const recalled = await producer.send({ topic: 'T', body: 'never', delay: '60500ms' });
  const sentAt = Date.now();
  const timed = await producer.send({ topic: 'T', body: 'an instant', deliverAt: sentAt + 900 });
  const level = await producer.send({ topic: 'T', body: 'a level', delay: '1s' });
  expect(level.recallHandle).toBeUndefined();
  expect(timed.recallHandle).toEqual(expect.any(String));
  expect(await producer.recall('T', recalled.recallHandle ?? '')).toBe(recalled.msgId);
  const messages = await read('T', 3);
  const waitedMs = new Map(messages.map(({ body, storeTimestamp }) => [body.toString(), storeTimestamp - sentAt]));
  expect([...waitedMs.keys()].sort()).toEqual(['a level', 'an instant', 'at once']);
  expect(waitedMs.get('a level')).toBeGreaterThanOrEqual(1_000);
  expect(waitedMs.get('an instant')).toBeGreaterThanOrEqual(900);
});

test('what is further away than three days is refused, and what is no handle is not sent', async () => {
  const { mq } = await setup();
  const producer = await mq.producer({ group: 'g' });
  await expect(producer.send({ topic: 'T', body: 'x', delay: '4d' })).rejects.toMatchObject({
    code: 'RMQ_BROKER_ERROR',
    responseCode: 13,
    retryable: false,
  });
  for (const handle of ['no handle', '', undefined, 10n]) {
    await expect(producer.recall('T', handle as string)).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'recallHandle',
    });
  }
});

test('a broker whose timers are switched off says so with its heartbeat, and nothing is sent, the very first message included', async () => {
  const { mq } = await setup({}, { timerWheelEnable: false });
  const producer = await mq.producer({ group: 'g' });
  for (const [field, message] of [
    ['delay', { delay: '11s' }],
    ['deliverAt', { deliverAt: new Date(Date.now() + 60_000) }],
  ] as const) {
    const error = await producer.send({ topic: 'T', body: 'x', ...message }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field });
    expect((error as Error).message).toContain('version 407');
  }
});
