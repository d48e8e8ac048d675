import { describe, expect, test } from 'vitest';
import { javaStringHash } from '../../../core/message/tag-hash.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { AppendStatus } from '../../../core/server/broker/message-store.js';
import { nextTurn } from '../../kit/wait-for.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, ask, FakeConnection, request } from '../kit/requests.js';

const FAQ = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.';

/** A plain send as Java 4.9.7 writes it. */
const SEND = {
  a: 'PG',
  b: 'orders',
  c: 'TBW102',
  d: 4,
  e: 1,
  f: 0,
  g: 1_700_000_000_000,
  h: 5,
  i: 'TAGS\u0001TagA\u0002WAIT\u0001true',
  j: 0,
  k: false,
  m: false,
  n: 'broker-a',
};

function send(parts: ServerParts, ext: ExtInput = {}, options: { version?: number; code?: number } = {}) {
  const { code = RequestCode.SEND_MESSAGE_V2, version = 407 } = options;
  return answerTo(
    parts.broker,
    request(code, { ...SEND, ...ext }, 'hello', { version }),
    new FakeConnection('10.0.0.7:50001'),
  );
}

describe('a send', () => {
  test('is stored with everything the record needs, and answered with its place', async () => {
    const parts = serverParts();
    const { code, ext } = await send(parts);
    expect({ code, ext }).toEqual({
      code: 0,
      ext: {
        msgId: '7F00000100002A9F00000000000004D2',
        queueId: 1,
        queueOffset: 0,
        MSG_REGION: 'DefaultRegion',
        TRACE_ON: true,
      },
    });
    expect(parts.store.appended).toEqual([
      {
        topic: 'orders',
        queueId: 1,
        flag: 5,
        sysFlag: 0,
        bornTimestamp: 1_700_000_000_000,
        bornHost: '10.0.0.7:50001',
        storeHost: '127.0.0.1:10911',
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body: Buffer.from('hello'),
        properties: Buffer.from('TAGS\u0001TagA\u0002CLUSTER\u0001DefaultCluster'),
        tagsCode: javaStringHash('TagA'),
        waitStored: true,
      },
    ]);
  });

  test('with long field names does the same', async () => {
    const parts = serverParts();
    const ext = {
      producerGroup: 'PG',
      topic: 'orders',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1,
      flag: 0,
      properties: 'TAGS\u0001TagA',
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    };
    const response = await answerTo(parts.broker, request(RequestCode.SEND_MESSAGE, ext, 'hello'));
    expect(response).toMatchObject({ code: 0, ext: { queueId: 0, queueOffset: 0 } });
    expect(parts.store.appended[0]).toMatchObject({ topic: 'orders', tagsCode: javaStringHash('TagA') });
  });

  test('to any queue is spread over all that can be written', async () => {
    const parts = serverParts();
    for (let n = 0; n < 8; n++) await send(parts, { e: -1 });
    expect(new Set(parts.store.appended.map(({ queueId }) => queueId))).toEqual(new Set([0, 1, 2, 3]));
  });

  test('keeps its compression', async () => {
    const parts = serverParts();
    await send(parts, { f: 0x1 | 0x300 });
    expect(parts.store.appended[0]?.sysFlag).toBe(0x301);
  });

  test('from a client in this process has an IP address for the record', async () => {
    const parts = serverParts();
    await answerTo(parts.broker, request(310, SEND, 'x'), new FakeConnection('memory:17'));
    expect(parts.store.appended[0]?.bornHost).toBe('127.0.0.1:17');
  });

  test.each(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])(
    'without the field %s fails before anything happens',
    async (field) => {
      const parts = serverParts();
      const ext = { ...SEND, [field]: undefined };
      await expect(answerTo(parts.broker, request(310, ext, 'x'))).rejects.toThrow(`header field ${field} is missing`);
      expect(parts.topics.find('orders')).toBeUndefined();
    },
  );
});

describe('the checks of a send come in their order', () => {
  test('first the start, then the broker, the name, the forbidden topics, the topic, the queue', async () => {
    const early = { startAcceptSendRequestTimeStamp: Date.UTC(2027, 0, 1) };
    const readOnly = { brokerPermission: 4 };
    const illegal = { b: 'no good', e: 99 };

    const notYet = serverParts({ ...early, ...readOnly });
    await notYet.topics.update({ ...orderTopic('no good') });
    expect(await send(notYet, illegal)).toMatchObject({
      code: 1,
      remark: expect.stringMatching(/^broker unable to service, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}$/),
    });

    const ordered = serverParts(readOnly);
    await ordered.topics.update(orderTopic('no good'));
    expect(await send(ordered, illegal)).toMatchObject({
      code: 16,
      remark: 'the broker[127.0.0.1] sending message is forbidden',
    });
    await ordered.topics.update({ ...orderTopic('no good'), order: false });
    expect(await send(ordered, illegal)).toMatchObject({
      code: 1,
      remark: 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$',
    });

    const parts = serverParts({ autoCreateTopicEnable: false });
    expect(await send(parts, { b: '', e: 99 })).toMatchObject({ code: 1, remark: 'The specified topic is blank.' });
    expect(await send(parts, { b: 'x'.repeat(128), e: 99 })).toMatchObject({
      code: 1,
      remark: 'The specified topic is longer than topic max length.',
    });
    expect(await send(parts, { b: `${'x'.repeat(128)} ` })).toMatchObject({
      remark: expect.stringContaining('illegal characters'),
    });
    expect(await send(parts, { b: 'SCHEDULE_TOPIC_XXXX', e: 99 })).toMatchObject({
      code: 16,
      remark: 'Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.',
    });
    expect(await send(parts, { e: 99 })).toMatchObject({
      code: 17,
      remark: `topic[orders] not exist, apply first please!${FAQ}`,
    });
    await parts.topics.update({ ...orderTopic('orders'), order: false });
    expect(await send(parts, { e: 2, m: true })).toMatchObject({
      code: 1,
      remark:
        'request queueId[2] is illegal, TopicConfig [topicName=orders, readQueueNums=2, writeQueueNums=2, perm=RW-, ' +
        'topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false] Producer: 10.0.0.7:50001',
    });
    expect(await send(parts, { e: 1 })).toMatchObject({ code: 0 });
  });

  test('a read-only broker still takes what belongs to no order topic, as 4.9', async () => {
    expect(await send(serverParts({ brokerPermission: 4 }))).toMatchObject({ code: 0 });
  });

  test('a refused send says where and whether to trace, which Java reads without asking', async () => {
    const response = await send(serverParts(), { b: 'SELF_TEST_TOPIC' });
    expect(response).toMatchObject({ code: 16, ext: { MSG_REGION: 'DefaultRegion', TRACE_ON: true } });
  });
});

describe('what cannot be done', () => {
  test.each([
    [{ i: 'DELAY\u0001soon' }, 13, 'the delay level soon is no number'],
    [{ i: 'TIMER_DELAY_SEC\u0001soon' }, 13, 'timer message illegal'],
    [{ i: 'TIMER_DELAY_SEC\u0001259201' }, 13, 'the max delay 259200000ms'],
    // In the state of a transaction, but not of one: no consumer could ever read it.
    [{ f: 0x4 }, 16, 'the broker[127.0.0.1] sending transaction message is forbidden'],
    [{ f: 0xc }, 16, 'transaction'],
  ])('is refused by name: %j', async (ext, code, words) => {
    const parts = serverParts();
    const response = await send(parts, ext);
    expect(response).toMatchObject({ code, ext: { MSG_REGION: 'DefaultRegion' } });
    expect(response.remark).toContain(words);
    expect(parts.store.appended).toEqual([]);
  });

  test('the batch code without the mark of a batch is a plain send, as Apache has it', async () => {
    const parts = serverParts();
    expect(await send(parts, {}, { code: RequestCode.SEND_BATCH_MESSAGE })).toMatchObject({ code: 0 });
    expect(parts.store.appended).toMatchObject([{ body: Buffer.from('hello') }]);
  });

  test('a delay of 0 is none, and a committed transaction is a plain message', async () => {
    const parts = serverParts();
    expect(await send(parts, { i: 'DELAY\u00010' })).toMatchObject({ code: 0 });
    expect(await send(parts, { f: 0x8 })).toMatchObject({ code: 0 });
  });
});

describe('creation by sending', () => {
  test('takes queues and permission from the template, without the right to inherit', async () => {
    const parts = serverParts();
    await send(parts, { d: 3 });
    expect(parts.topics.find('orders')).toEqual({ ...plainTopic('orders', 3), perm: 6 });
    await send(parts, { b: 'wide', d: 99 });
    expect(parts.topics.find('wide')).toMatchObject({ readQueueNums: 8, writeQueueNums: 8 });
    await send(parts, { b: 'unit', k: true });
    expect(parts.topics.find('unit')).toMatchObject({ topicSysFlag: 1 });
  });

  test('works from every topic that lets others inherit, and from no other', async () => {
    const parts = serverParts();
    expect(await send(parts, { c: 'broker-a', e: 0 })).toMatchObject({ code: 0 });
    expect(parts.topics.find('orders')).toMatchObject({ writeQueueNums: 1, perm: 6 });
    expect(await send(parts, { b: 'other', c: 'orders' })).toMatchObject({ code: 17 });
    expect(await send(parts, { b: 'other', c: 'nothing' })).toMatchObject({ code: 17 });
  });

  test('is refused where it is switched off, also when the saved table still has the template', async () => {
    const first = serverParts();
    await first.topics.load();
    await first.topics.update(plainTopic('anything', 1));
    const later = serverParts({ autoCreateTopicEnable: false }, { store: first.store });
    await later.topics.load();
    expect(later.topics.find('TBW102')).toMatchObject({ perm: 7 });
    expect(await send(later)).toMatchObject({ code: 17 });
  });

  test('of a retry topic needs no template', async () => {
    const parts = serverParts({ autoCreateTopicEnable: false });
    expect(await send(parts, { b: '%RETRY%G', e: 0, l: 16 })).toMatchObject({ code: 0 });
    expect(parts.topics.find('%RETRY%G')).toEqual(plainTopic('%RETRY%G', 1));
  });

  test('is acknowledged only when the topic is on the disk', async () => {
    const parts = serverParts();
    let written = (): void => {};
    parts.store.writing = new Promise((resolve) => {
      written = resolve;
    });
    const first = ask(parts.broker, request(310, SEND, 'one'));
    const second = ask(parts.broker, request(310, SEND, 'two'));
    await nextTurn();
    expect([first.answered, second.answered, parts.store.appended.length]).toEqual([false, false, 0]);
    expect(await send(parts, { b: 'BenchmarkTest' })).toMatchObject({ code: 0 });
    written();
    expect(await first.response).toMatchObject({ code: 0, ext: { queueOffset: 0 } });
    expect(await second.response).toMatchObject({ code: 0, ext: { queueOffset: 1 } });
    expect(parts.store.appended.map(({ body }) => body.toString())).toEqual(['hello', 'one', 'two']);
    expect(parts.store.configs.get('topics.json')).toContain('"orders"');
  });

  test('is done once more for who waits for it while the topic is deleted', async () => {
    const parts = serverParts();
    let written = (): void => {};
    parts.store.writing = new Promise((resolve) => {
      written = resolve;
    });
    const sent = ask(parts.broker, request(310, SEND, 'one'));
    await nextTurn();
    const deleted = ask(parts.broker, request(215, { topic: 'orders' }));
    expect(parts.topics.find('orders')).toBeUndefined();
    written();
    expect(await deleted.response).toMatchObject({ code: 0 });
    expect(await sent.response).toMatchObject({ code: 0 });
    expect(parts.topics.find('orders')).toBeDefined();
    expect(parts.store.appended.map(({ topic }) => topic)).toEqual(['orders']);
  });

  test('goes on when the table cannot be saved, and the table is saved later', async () => {
    const parts = serverParts();
    parts.store.failWrites = true;
    expect(await send(parts)).toMatchObject({ code: 0 });
    expect(parts.store.configs.get('topics.json')).toBeUndefined();
    parts.store.failWrites = false;
    await parts.topics.flush();
    expect(parts.store.configs.get('topics.json')).toContain('"orders"');
  });
});

describe('a send to a retry topic', () => {
  test('becomes a dead letter when it was tried often enough, and its delay no longer counts', async () => {
    const parts = serverParts();
    const response = await send(parts, { b: '%RETRY%G', e: 0, j: 3, l: 3, i: 'DELAY\u00016\u0002TAGS\u0001T' });
    expect(response).toMatchObject({ code: 0, ext: { queueId: 0 } });
    expect(parts.store.appended[0]).toMatchObject({ topic: '%DLQ%G', queueId: 0, reconsumeTimes: 3 });
    expect(parts.topics.find('%DLQ%G')).toEqual(plainTopic('%DLQ%G', 1));
  });

  test('before that it goes where it was sent', async () => {
    const parts = serverParts();
    await send(parts, { b: '%RETRY%G', e: 0, j: 2, l: 3 });
    expect(parts.store.appended[0]).toMatchObject({ topic: '%RETRY%G', reconsumeTimes: 2 });
  });

  test('counts by the group where the client is too old to say, or does not say', async () => {
    const parts = serverParts();
    await send(parts, { b: '%RETRY%G', e: 0, j: 3, l: 3 }, { version: 120 });
    await send(parts, { b: '%RETRY%G', e: 0, j: 16 });
    expect(parts.store.appended.map(({ topic }) => topic)).toEqual(['%RETRY%G', '%DLQ%G']);
  });

  test('needs its group', async () => {
    const parts = serverParts({ autoCreateSubscriptionGroup: false });
    expect(await send(parts, { b: '%RETRY%G', e: 0 })).toMatchObject({
      code: 26,
      remark: `subscription group not exist, G ${FAQ}`,
    });
  });
});

describe('what the store says becomes', () => {
  test.each<[AppendStatus, number, string | undefined]>([
    ['PUT_OK', 0, undefined],
    ['FLUSH_DISK_TIMEOUT', 10, undefined],
    ['CREATE_MAPPED_FILE_FAILED', 1, 'create mapped file failed, server is busy or broken.'],
    [
      'MESSAGE_ILLEGAL',
      13,
      'the message is illegal, maybe msg body or properties length not matched. msg body length limit 4194304B, msg properties length limit 32KB.',
    ],
    [
      'SERVICE_NOT_AVAILABLE',
      14,
      "service not available now. It may be caused by one of the following reasons: the broker's disk is full [CL: 0.16 CQ: 0.16 INDEX: 0.16], messages are put to the slave, message store has been shut down, etc.",
    ],
    ['UNKNOWN_ERROR', 1, 'UNKNOWN_ERROR'],
  ])('%s → %i', async (status, code, remark) => {
    const parts = serverParts();
    parts.store.status = status;
    const response = await send(parts);
    expect(response.code).toBe(code);
    expect(response.remark).toBe(remark);
    expect(response.ext).toMatchObject({ MSG_REGION: 'DefaultRegion', TRACE_ON: true });
    const stored = code === 0 || code === 10;
    expect(Object.keys(response.ext ?? {}).includes('msgId')).toBe(stored);
  });
});

function plainTopic(topicName: string, queueNums: number) {
  return {
    topicName,
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  };
}

function orderTopic(topicName: string) {
  return { ...plainTopic(topicName, 2), order: true };
}
