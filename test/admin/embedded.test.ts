/** What operators ask, of a server of our own. */
import { describe, expect, test } from 'vitest';
import { type ConnectOptions, connect, isRocketMQError, type MessageQueue } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { namespace } from '../../plugins/namespace/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { nextTurn } from '../kit/wait-for.js';

async function setup(options: Omit<ConnectOptions, 'cluster'> = {}) {
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), ...options }));
  const producer = await mq.producer({ group: 'g' });
  return { mq, admin: mq.admin, producer };
}

const queueOf = (topic: string, queueId = 0): MessageQueue => ({ topic, brokerName: 'broker-a', queueId });

describe('a topic', () => {
  test('is created with its queues, and can be used when that is done', async () => {
    const { admin, producer } = await setup();
    await admin.createTopic('orders', { queueNum: 3 });
    const queues = [0, 1, 2].map((queueId) => queueOf('orders', queueId));
    expect(await admin.fetchPublishMessageQueues('orders')).toEqual(queues);
    expect(await admin.fetchSubscribeMessageQueues('orders')).toEqual(queues);
    expect((await producer.send({ topic: 'orders', body: 'x' })).status).toBe('SEND_OK');
  });

  test('has eight queues unless told otherwise, and is changed by creating it again', async () => {
    const { admin, producer } = await setup();
    await admin.createTopic('orders');
    expect(await admin.fetchPublishMessageQueues('orders')).toHaveLength(8);
    await admin.createTopic('orders', { queueNum: 2, perm: 4, cluster: 'DefaultCluster' });
    expect(await admin.fetchSubscribeMessageQueues('orders')).toHaveLength(2);
    await expect(admin.fetchPublishMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
    await expect(producer.send({ topic: 'orders', body: 'x' })).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  });

  test('is not created under a name that cannot be, or in a cluster that is not there', async () => {
    const { admin } = await setup();
    for (const topic of ['', 'not a topic', 'TBW102', 'rmq_sys_x', 'x'.repeat(128)]) {
      await expect(admin.createTopic(topic)).rejects.toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic' });
    }
    await expect(admin.createTopic('orders', { cluster: 'other' })).rejects.toMatchObject({
      code: 'RMQ_BROKER_NOT_FOUND',
      message: expect.stringContaining('DefaultCluster'),
    });
    for (const queueNum of [0, -1, 1.5, 65_537, '4' as unknown as number]) {
      await expect(admin.createTopic('orders', { queueNum })).rejects.toMatchObject({ option: 'queueNum' });
    }
    // What the broker objects to comes with its words.
    await expect(admin.createTopic('DefaultCluster')).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 1,
    });
    await expect(admin.fetchSubscribeMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  });

  test('that does not exist has no queues to publish to, though a send would create it', async () => {
    const { admin } = await setup();
    await expect(admin.fetchPublishMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  });
});

describe('a topic that is deleted', () => {
  test('is gone with its messages, and begins empty when it is created again', async () => {
    const { admin, producer } = await setup();
    await admin.createTopic('orders', { queueNum: 1 });
    const { offsetMsgId } = await producer.send({ topic: 'orders', body: 'x' });
    await admin.deleteTopic('orders');
    await expect(admin.fetchSubscribeMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
    await admin.createTopic('orders', { queueNum: 1 });
    expect(await admin.maxOffset(queueOf('orders'))).toBe(0);
    expect(await producer.send({ topic: 'orders', body: 'y' })).toMatchObject({ queueOffset: 0 });
    // The log has it for as long as it has the file.
    expect((await admin.viewMessage(offsetMsgId!)).body.toString()).toBe('x');
  });

  test('may be deleted again, but not be one of RocketMQ itself', async () => {
    const { admin } = await setup();
    await admin.deleteTopic('nowhere');
    for (const topic of ['', 'not a topic', 'TBW102', 'rmq_sys_x']) {
      await expect(admin.deleteTopic(topic)).rejects.toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic' });
    }
    await expect(admin.deleteTopic('orders', { cluster: 'other' })).rejects.toMatchObject({
      code: 'RMQ_BROKER_NOT_FOUND',
    });
    await expect(admin.deleteTopic('orders', { queueNum: 1 } as never)).rejects.toMatchObject({ option: 'queueNum' });
    await expect(admin.deleteTopic('DefaultCluster')).rejects.toMatchObject({ code: 'RMQ_BROKER_ERROR' });
  });
});

test('a consumer group is deleted, with its offsets when that is asked for', async () => {
  const { mq, admin, producer } = await setup();
  await admin.createTopic('orders', { queueNum: 1 });
  await producer.send({ topic: 'orders', body: 'x' });
  const reader = await mq.litePullConsumer({ group: 'readers', autoCommit: false });
  await reader.assign([queueOf('orders')]);
  expect(await reader.poll({ timeoutMs: 30_000 })).toHaveLength(1);
  await reader.commit();
  await admin.deleteSubscriptionGroup('readers');
  expect(await reader.committed(queueOf('orders'))).toBe(1);
  await admin.deleteSubscriptionGroup('readers', { removeOffset: true });
  // As every group begins in a young topic.
  expect(await reader.committed(queueOf('orders'))).toBe(0);
  await expect(admin.deleteSubscriptionGroup('')).rejects.toMatchObject({ option: 'group' });
});

describe('a queue', () => {
  test('tells where it begins and ends, and what offset a time stands for', async () => {
    const { admin, producer } = await setup();
    await admin.createTopic('orders', { queueNum: 2 });
    const queue = queueOf('orders');
    expect(await admin.earliestMsgStoreTime(queue)).toBeUndefined();
    expect([await admin.minOffset(queue), await admin.maxOffset(queue)]).toEqual([0, 0]);
    const before = Date.now();
    for (let number = 0; number < 3; number++) await producer.send({ topic: 'orders', body: 'x' }, { queue });
    expect([await admin.minOffset(queue), await admin.maxOffset(queue)]).toEqual([0, 3]);
    const earliest = await admin.earliestMsgStoreTime(queue);
    expect(earliest).toBeGreaterThanOrEqual(before);
    expect(earliest).toBeLessThanOrEqual(Date.now());
    expect(await admin.searchOffset(queue, 0)).toBe(0);
    expect(await admin.searchOffset(queue, new Date(earliest! + 3_600_000))).toBe(2);
    expect(await admin.searchOffset(queue, earliest! + 3_600_000, { boundary: 'lower' })).toBe(3);
    expect(await admin.searchOffset(queue, earliest! + 3_600_000, { boundary: 'upper' })).toBe(2);
    expect(await admin.searchOffset(queue, earliest! - 1, { boundary: 'lower' })).toBe(0);
  });

  test('of a broker that is not there cannot be asked', async () => {
    const { admin, producer } = await setup();
    await producer.send({ topic: 'orders', body: 'x' });
    await expect(admin.maxOffset({ ...queueOf('orders'), brokerName: 'broker-z' })).rejects.toMatchObject({
      code: 'RMQ_BROKER_NOT_FOUND',
      broker: 'broker-z',
    });
    await expect(admin.maxOffset({ ...queueOf('nowhere'), brokerName: 'broker-z' })).rejects.toMatchObject({
      code: 'RMQ_BROKER_NOT_FOUND',
    });
    for (const queue of [undefined, {}, { ...queueOf('orders'), queueId: -1 }] as MessageQueue[]) {
      await expect(admin.maxOffset(queue)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'queue' });
    }
  });
});

describe('a message', () => {
  test('is viewed by the id that says where it lies, and by its topic and either id', async () => {
    const { admin, producer } = await setup();
    const sent = await producer.send({
      topic: 'orders',
      body: 'paid '.repeat(5_000),
      tag: 'created',
      keys: ['42', 'k'],
      properties: { shop: 'berlin' },
    });
    const message = await admin.viewMessage(sent.offsetMsgId!);
    expect(message).toMatchObject({
      topic: 'orders',
      brokerName: 'broker-a',
      queueId: sent.queue.queueId,
      queueOffset: sent.queueOffset,
      msgId: sent.msgId,
      offsetMsgId: sent.offsetMsgId,
      tag: 'created',
      keys: ['42', 'k'],
    });
    expect(message.properties).toMatchObject({ shop: 'berlin' });
    expect(message.body.toString()).toBe('paid '.repeat(5_000));
    expect(await admin.viewMessage('orders', sent.offsetMsgId!)).toEqual(message);
    expect(await admin.viewMessage('orders', sent.msgId)).toEqual(message);
  });

  test('that is nowhere is an error of its own', async () => {
    const { admin, producer } = await setup();
    const { msgId, offsetMsgId } = await producer.send({ topic: 'orders', body: 'x' });
    await producer.send({ topic: 'others', body: 'x' });
    const beyond = `${offsetMsgId!.slice(0, -8)}7FFFFFFF`;
    for (const [topic, id] of [
      ['orders', beyond],
      ['others', offsetMsgId!],
      ['others', msgId],
      ['orders', `${msgId.slice(0, -4)}FFFF`],
      ['orders', 'no id at all'],
    ] as const) {
      const error: unknown = await admin.viewMessage(topic, id).catch((thrown: unknown) => thrown);
      expect(isRocketMQError(error, 'RMQ_MESSAGE_NOT_FOUND') && error.msgId, id).toBe(id);
    }
    await expect(admin.viewMessage(beyond)).rejects.toMatchObject({ code: 'RMQ_MESSAGE_NOT_FOUND', msgId: beyond });
  });

  test('by an id alone needs one that says where it lies', async () => {
    const { admin, producer } = await setup();
    const { msgId } = await producer.send({ topic: 'orders', body: 'x' });
    await expect(admin.viewMessage(msgId)).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      hint: expect.stringContaining('viewMessage(topic, msgId)'),
    });
    await expect(admin.viewMessage('7F')).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
  });
});

describe('messages of a key', () => {
  test('are found by it, the oldest first, the newest where there are too many, bodies decompressed', async () => {
    const { admin, producer } = await setup();
    for (let number = 0; number < 5; number++) {
      await producer.send({ topic: 'orders', body: `${number} `.repeat(5_000), keys: ['42', `only-${number}`] });
    }
    await producer.send({ topic: 'others', body: 'x', keys: '42' });
    const bodies = async (...args: Parameters<typeof admin.queryMessage>) =>
      (await admin.queryMessage(...args)).messages.map(({ body }) => body.toString().slice(0, 1));
    expect(await bodies('orders', '42')).toEqual(['0', '1', '2', '3', '4']);
    expect(await bodies('orders', '42', { maxNum: 2 })).toEqual(['3', '4']);
    expect(await bodies('orders', 'only-3')).toEqual(['3']);
    expect(await bodies('orders', '4')).toEqual([]);
    const [message] = (await admin.queryMessage('orders', 'only-1')).messages;
    expect(message?.body.length).toBe(10_000);
    const at = message!.storeTimestamp;
    expect(await bodies('orders', 'only-1', { begin: new Date(at), end: at })).toEqual(['1']);
    expect(await bodies('orders', 'only-1', { begin: at + 1 })).toEqual([]);
    expect(await bodies('orders', 'only-1', { end: at - 1 })).toEqual([]);
  });

  test('come with how far the index is', async () => {
    const { admin, producer } = await setup();
    await producer.send({ topic: 'orders', body: 'x', keys: '42' });
    const { messages, indexLastUpdateTimestamp, failures } = await admin.queryMessage('orders', '42');
    expect(indexLastUpdateTimestamp).toBe(messages[0]?.storeTimestamp);
    expect(failures).toEqual([]);
  });

  test('of a topic that does not exist cannot be asked for', async () => {
    const { admin } = await setup();
    await expect(admin.queryMessage('nowhere', '42')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
    await expect(admin.queryMessage('orders', '')).rejects.toMatchObject({ option: 'key' });
    await expect(admin.queryMessage('orders', 'k', { maxNum: 0 })).rejects.toMatchObject({ option: 'maxNum' });
    await expect(admin.queryMessage('orders', 'k', { begin: Number.NaN })).rejects.toMatchObject({ option: 'begin' });
  });
});

test('in a namespace topics are called as the application calls them', async () => {
  const { mq, admin, producer } = await setup({ plugins: [namespace({ namespace: 'staging' })] });
  await admin.createTopic('orders', { queueNum: 1 });
  const sent = await producer.send({ topic: 'orders', body: 'x', keys: '42' });
  const [queue] = await admin.fetchSubscribeMessageQueues('orders');
  expect(queue).toEqual(queueOf('orders'));
  expect(await admin.maxOffset(queue!)).toBe(1);
  expect((await admin.queryMessage('orders', '42')).messages).toMatchObject([{ topic: 'orders', msgId: sent.msgId }]);
  expect(await admin.viewMessage('orders', sent.msgId)).toMatchObject({ topic: 'orders' });
  expect(await admin.viewMessage(sent.offsetMsgId!)).toMatchObject({ topic: 'orders' });
  await admin.deleteTopic('orders');
  await expect(admin.fetchSubscribeMessageQueues('orders')).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  await mq.close();
});

test('it is made on first use, is one, and ends with its client', async () => {
  const { mq } = await setup();
  expect(mq.admin).toBe(mq.admin);
  await mq.close();
  await expect(mq.admin.createTopic('orders')).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  await expect(mq.admin.viewMessage('orders', 'x')).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
});

test('a call ends at its signal, before and while it waits', async () => {
  const { admin, producer } = await setup();
  const { offsetMsgId } = await producer.send({ topic: 'orders', body: 'x' });
  const reason = new Error('enough');
  for (const call of [
    (signal: AbortSignal) => admin.createTopic('orders', { signal }),
    (signal: AbortSignal) => admin.fetchPublishMessageQueues('orders', { signal }),
    (signal: AbortSignal) => admin.maxOffset(queueOf('orders'), { signal }),
    (signal: AbortSignal) => admin.queryMessage('orders', '42', { signal }),
    (signal: AbortSignal) => admin.viewMessage(offsetMsgId!, { signal }),
    (signal: AbortSignal) => admin.viewMessage('orders', 'some-id', { signal }),
  ]) {
    await expect(call(AbortSignal.abort(reason))).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
    const controller = new AbortController();
    const called = call(controller.signal);
    controller.abort(reason);
    await expect(called).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED' });
    await nextTurn();
  }
});
