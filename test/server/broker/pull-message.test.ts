import { describe, expect, test } from 'vitest';
import { javaStringHash } from '../../../core/message/tag-hash.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { GetResult, GetStatus } from '../../../core/server/broker/message-store.js';
import { nextTurn } from '../../kit/wait-for.js';
import { heartbeat } from '../kit/bodies.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { type Asked, answerTo, ask, FakeConnection, request } from '../kit/requests.js';

const FAQ = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.';
const COMMIT = 1;
const SUSPEND = 2;
const SUBSCRIPTION = 4;

const PULL = {
  consumerGroup: 'G',
  topic: 'orders',
  queueId: 0,
  queueOffset: 5,
  maxMsgNums: 32,
  sysFlag: SUBSCRIPTION,
  commitOffset: 0,
  suspendTimeoutMillis: 15_000,
  subscription: '*',
  subVersion: 0,
  expressionType: 'TAG',
};

function result(status: GetStatus, more: Partial<GetResult> = {}): GetResult {
  return { status, records: [], nextBeginOffset: 9, minOffset: 2, maxOffset: 8, ...more };
}

async function setup(settings = {}): Promise<ServerParts> {
  const parts = serverParts(settings);
  parts.topics.createPlain('orders', 4, 0);
  await parts.topics.flush();
  parts.store.max = 8;
  return parts;
}

function pull(parts: ServerParts, ext: ExtInput = {}, connection = new FakeConnection('10.0.0.7:50001')): Asked {
  return ask(parts.broker, request(RequestCode.PULL_MESSAGE, { ...PULL, ...ext }), connection);
}

function refusalOf(parts: ServerParts, ext: ExtInput = {}) {
  return pull(parts, ext).response;
}

describe('a pull', () => {
  test('that finds messages gets the records as they are stored, and the four numbers', async () => {
    const parts = await setup();
    const records = [Buffer.from('one'), Buffer.from('two')];
    parts.store.next = result('FOUND', { records, nextBeginOffset: 7 });
    expect(await pull(parts).response).toEqual({
      code: 0,
      remark: 'FOUND',
      ext: { suggestWhichBrokerId: 0, nextBeginOffset: 7, minOffset: 2, maxOffset: 8 },
      bodyParts: records,
    });
    expect(parts.store.got).toEqual([{ topic: 'orders', queueId: 0, offset: 5, options: { messagesMax: 32 } }]);
  });

  test('comes as LITE_PULL_MESSAGE too, and is held like any other', async () => {
    const parts = await setup();
    const lite = (): Asked =>
      ask(parts.broker, request(RequestCode.LITE_PULL_MESSAGE, { ...PULL, sysFlag: SUSPEND | SUBSCRIPTION | 16 }));
    parts.store.next = result('FOUND', { records: [Buffer.from('one')], nextBeginOffset: 7 });
    expect(await lite().response).toMatchObject({ code: 0, ext: { nextBeginOffset: 7 } });
    parts.store.next = result('OFFSET_OVERFLOW_ONE');
    const asked = lite();
    await nextTurn();
    expect([asked.answered, parts.heldPulls.size]).toEqual([false, 1]);
  });

  test('as LITE_PULL_MESSAGE is refused where litePullMessageEnable is off, and as PULL_MESSAGE is not', async () => {
    const parts = await setup({ litePullMessageEnable: false, address: '10.0.0.1:10911' });
    expect(await ask(parts.broker, request(RequestCode.LITE_PULL_MESSAGE, PULL)).response).toMatchObject({
      code: 16,
      remark: 'the broker[10.0.0.1] for lite pull consumer is forbidden',
    });
    parts.store.next = result('FOUND');
    expect(await pull(parts).response).toMatchObject({ code: 0 });
  });

  test('asks for at least one message', async () => {
    const parts = await setup();
    parts.store.next = result('FOUND');
    await pull(parts, { maxMsgNums: 0 }).response;
    expect(parts.store.got[0]?.options.messagesMax).toBe(1);
  });

  test.each<[GetStatus, number, number]>([
    ['FOUND', 5, 0],
    ['NO_MATCHED_MESSAGE', 5, 20],
    ['MESSAGE_WAS_REMOVING', 5, 20],
    ['NO_MESSAGE_IN_QUEUE', 5, 21],
    ['NO_MESSAGE_IN_QUEUE', 0, 19],
    ['OFFSET_TOO_SMALL', 5, 21],
    ['OFFSET_OVERFLOW_ONE', 5, 19],
    ['OFFSET_OVERFLOW_BADLY', 5, 21],
    ['OFFSET_FOUND_NULL', 5, 19],
  ])('%s at offset %i is answered with %i and all four numbers', async (status, queueOffset, code) => {
    const parts = await setup();
    parts.store.next = result(status, { nextBeginOffset: 3 });
    expect(await pull(parts, { queueOffset }).response).toMatchObject({
      code,
      remark: status,
      ext: { suggestWhichBrokerId: 0, nextBeginOffset: 3, minOffset: 2, maxOffset: 8 },
    });
  });

  test('that the store answers by promise, or not at all, is answered', async () => {
    const parts = await setup();
    parts.store.next = () => Promise.resolve(result('FOUND'));
    expect(await pull(parts).response).toMatchObject({ code: 0 });
    parts.store.next = () => Promise.reject(new Error('the disk is gone'));
    expect(await pull(parts).response).toMatchObject({ code: 1, remark: expect.stringContaining('the disk is gone') });
  });
});

describe('the checks of a pull come in their order', () => {
  test('broker, group, topic, permission, queue, subscription', async () => {
    const everythingWrong = { topic: 'nothing', queueId: 9, subscription: '||' };
    const closed = await setup({ brokerPermission: 2, autoCreateSubscriptionGroup: false });
    expect(await refusalOf(closed, everythingWrong)).toMatchObject({
      code: 16,
      remark: 'the broker[127.0.0.1] pulling message is forbidden',
    });
    const noGroups = await setup({ autoCreateSubscriptionGroup: false });
    expect(await refusalOf(noGroups, everythingWrong)).toMatchObject({
      code: 26,
      remark: `subscription group [G] does not exist, ${FAQ}`,
    });
    const parts = await setup();
    expect(await refusalOf(parts, everythingWrong)).toMatchObject({
      code: 17,
      remark: `topic[nothing] not exist, apply first please! ${FAQ}`,
    });
    await parts.topics.update({ ...parts.topics.find('orders')!, topicName: 'blind', perm: 2 });
    expect(await refusalOf(parts, { ...everythingWrong, topic: 'blind' })).toMatchObject({
      code: 16,
      remark: 'the topic[blind] pulling message is forbidden',
    });
    for (const queueId of [-1, 4]) {
      expect(await refusalOf(parts, { ...everythingWrong, topic: 'orders', queueId })).toMatchObject({
        code: 1,
        remark: `queueId[${queueId}] is illegal, topic:[orders] topicConfig.readQueueNums:[4] consumer:[10.0.0.7:50001]`,
      });
    }
    expect(await refusalOf(parts, { subscription: '||' })).toEqual({
      code: 23,
      remark: "parse the consumer's subscription failed",
      ext: {},
    });
    expect(await refusalOf(parts, { subscription: 'a > ', expressionType: 'SQL92' })).toMatchObject({
      code: 23,
      remark: "parse the consumer's subscription failed",
    });
    expect(await refusalOf(parts, { subscription: 'a > 1', expressionType: 'XPATH' })).toMatchObject({
      code: 1,
      remark: 'The broker does not support consumer to filter message by XPATH',
    });
    expect(parts.store.got).toEqual([]);
  });

  test('a group may be switched off', async () => {
    const parts = await setup();
    parts.store.configs.set(
      'subscriptionGroup.json',
      '{"subscriptionGroupTable":{"G":{"groupName":"G","consumeEnable":false}},"dataVersion":{"counter":1,"timestamp":5}}',
    );
    await parts.groups.load();
    expect(await refusalOf(parts)).toMatchObject({ code: 16, remark: 'subscription group no permission, G' });
  });

  test('without a subscription in the request the heartbeat decides', async () => {
    const parts = await setup();
    const plain = { sysFlag: 0, subVersion: 7 };
    expect(await refusalOf(parts, plain)).toMatchObject({
      code: 24,
      remark: `the consumer's group info not exist${FAQ}`,
    });
    const connection = new FakeConnection();
    await answerTo(parts.broker, heartbeat({ group: 'G', topics: { other: '*' }, subVersion: 6 }), connection);
    expect(await refusalOf(parts, plain)).toMatchObject({
      code: 24,
      remark: `the consumer's subscription not exist${FAQ}`,
    });
    await answerTo(parts.broker, heartbeat({ group: 'G', topics: { orders: 'TagA' }, subVersion: 6 }), connection);
    expect(await refusalOf(parts, plain)).toMatchObject({ code: 25, remark: "the consumer's subscription not latest" });
    await answerTo(parts.broker, heartbeat({ group: 'G', topics: { orders: 'TagA' }, subVersion: 7 }), connection);
    parts.store.next = result('FOUND');
    expect(await refusalOf(parts, plain)).toMatchObject({ code: 0 });
    const sql = (subString: string, subVersion: number) =>
      heartbeat({ group: 'G', topics: { orders: subString }, subVersion, expressionType: 'SQL92' });
    await answerTo(parts.broker, sql('a > 1', 8), connection);
    expect(await refusalOf(parts, plain)).toMatchObject({ code: 0 });
    await answerTo(parts.broker, sql('a >', 9), connection);
    expect(await refusalOf(parts, plain)).toMatchObject({
      code: 27,
      remark: `the consumer's consumer filter data not exist!${FAQ}`,
    });
  });

  test('a group that may not broadcast cannot', async () => {
    const parts = await setup();
    parts.store.configs.set(
      'subscriptionGroup.json',
      '{"subscriptionGroupTable":{"G":{"groupName":"G","consumeBroadcastEnable":false}}}',
    );
    await parts.groups.load();
    await answerTo(parts.broker, heartbeat({ group: 'G', topics: { orders: '*' }, messageModel: 'BROADCASTING' }));
    expect(await refusalOf(parts, { sysFlag: 0 })).toMatchObject({
      code: 16,
      remark: 'the consumer group[G] can not consume by broadcast way',
    });
  });
});

describe('tags', () => {
  test.each([
    ['*', undefined],
    ['', undefined],
    ['TagA', ['TagA']],
    ['TagA || TagB', ['TagA', 'TagB']],
  ])('of the expression %j', async (subscription, wanted) => {
    const parts = await setup();
    parts.store.next = result('FOUND');
    await pull(parts, { subscription }).response;
    const matches = parts.store.got[0]?.options.matchesTagsCode;
    if (wanted === undefined) expect(matches).toBeUndefined();
    else
      for (const tag of ['TagA', 'TagB', 'TagC', '']) {
        expect(matches?.(javaStringHash(tag)), tag).toBe(wanted.includes(tag));
      }
  });

  test('of a heartbeat with codes that are missing match nothing, as 4.9', async () => {
    const parts = await setup();
    await answerTo(parts.broker, heartbeat({ group: 'G', topics: { orders: 'TagA' }, codes: [] }));
    parts.store.next = result('NO_MATCHED_MESSAGE');
    await pull(parts, { sysFlag: 0 }).response;
    expect(parts.store.got[0]?.options.matchesTagsCode?.(javaStringHash('TagA'))).toBe(false);
  });
});

describe('the offset that comes with a pull', () => {
  test('is committed when the bit says so, found or not', async () => {
    const parts = await setup();
    parts.store.next = result('FOUND');
    await pull(parts, { commitOffset: 4 }).response;
    expect(parts.offsets.query('G', 'orders', 0)).toBeUndefined();
    await pull(parts, { commitOffset: 4, sysFlag: SUBSCRIPTION | COMMIT }).response;
    expect(parts.offsets.query('G', 'orders', 0)).toBe(4);
    parts.store.next = result('OFFSET_OVERFLOW_ONE');
    pull(parts, { commitOffset: 5, sysFlag: SUBSCRIPTION | COMMIT | SUSPEND, queueOffset: 8 });
    expect(parts.offsets.query('G', 'orders', 0)).toBe(5);
  });

  test('is not committed a second time when a held pull is answered', async () => {
    const parts = await setup();
    parts.store.next = result('OFFSET_OVERFLOW_ONE');
    const held = pull(parts, { commitOffset: 5, sysFlag: SUBSCRIPTION | COMMIT | SUSPEND, queueOffset: 8 });
    parts.offsets.commit('G', 'orders', 0, 7);
    parts.store.next = result('FOUND');
    parts.heldPulls.arrived('orders', 0, 8, 0);
    expect(await held.response).toMatchObject({ code: 0 });
    expect(parts.offsets.query('G', 'orders', 0)).toBe(7);
  });

  test('is not committed by a refused pull', async () => {
    const parts = await setup();
    await refusalOf(parts, { sysFlag: SUBSCRIPTION | COMMIT, commitOffset: 9, subscription: '||' });
    expect(parts.offsets.query('G', 'orders', 0)).toBeUndefined();
  });
});

describe('long polling', () => {
  const waiting = { sysFlag: SUBSCRIPTION | SUSPEND, queueOffset: 8 };

  async function heldPull(ext: ExtInput = {}, settings = {}) {
    const parts = await setup(settings);
    parts.store.next = result('OFFSET_OVERFLOW_ONE');
    const connection = new FakeConnection();
    const asked = pull(parts, { ...waiting, ...ext }, connection);
    return { parts, asked, connection };
  }

  test('holds a pull at the end of its queue, and answers it with all that arrives in one turn', async () => {
    const { parts, asked } = await heldPull();
    expect(parts.heldPulls.size).toBe(1);
    parts.store.next = result('FOUND', { records: [Buffer.from('a'), Buffer.from('b')] });
    parts.heldPulls.arrived('orders', 0, 8, 0);
    parts.heldPulls.arrived('orders', 0, 9, 0);
    expect(asked.answered).toBe(false);
    expect(await asked.response).toMatchObject({ code: 0, remark: 'FOUND' });
    expect(parts.store.got.length).toBe(2);
    expect(parts.heldPulls.size).toBe(0);
  });

  test('without the bit answers at once', async () => {
    const { asked, parts } = await heldPull({ sysFlag: SUBSCRIPTION });
    expect(await asked.response).toMatchObject({ code: 19, remark: 'OFFSET_OVERFLOW_ONE' });
    expect(parts.heldPulls.size).toBe(0);
  });

  test.each<GetStatus>(['NO_MATCHED_MESSAGE', 'OFFSET_OVERFLOW_BADLY', 'OFFSET_TOO_SMALL'])(
    'holds nothing for %s',
    async (status) => {
      const parts = await setup();
      parts.store.next = result(status);
      await pull(parts, waiting).response;
      expect(parts.heldPulls.size).toBe(0);
    },
  );

  test('sleeps through other queues, other topics, and tags that do not match', async () => {
    const { parts, asked } = await heldPull({ subscription: 'TagA' });
    parts.heldPulls.arrived('orders', 1, 8, javaStringHash('TagA'));
    parts.heldPulls.arrived('other', 0, 8, javaStringHash('TagA'));
    parts.heldPulls.arrived('orders', 0, 8, javaStringHash('TagB'));
    await nextTurn();
    expect(asked.answered).toBe(false);
    parts.heldPulls.arrived('orders', 0, 9, javaStringHash('TagA'));
    parts.store.next = result('FOUND');
    expect(await asked.response).toMatchObject({ code: 0 });
  });

  test('is looked at again from time to time, and then not held again', async () => {
    const { parts, asked } = await heldPull({ subscription: 'TagA' });
    parts.heldPulls.sweep(parts.clock.monotonic());
    await nextTurn();
    expect(asked.answered).toBe(false);
    parts.store.max = 9;
    parts.store.next = result('NO_MATCHED_MESSAGE', { nextBeginOffset: 9 });
    parts.heldPulls.sweep(parts.clock.monotonic());
    expect(await asked.response).toMatchObject({ code: 20, ext: { nextBeginOffset: 9 } });
  });

  test('ends after the time that the client asked for', async () => {
    const { parts, asked } = await heldPull({ suspendTimeoutMillis: 15_000 });
    parts.heldPulls.sweep(parts.clock.monotonic() + 14_999);
    await nextTurn();
    expect(asked.answered).toBe(false);
    parts.heldPulls.sweep(parts.clock.monotonic() + 15_000);
    expect(await asked.response).toMatchObject({ code: 19, ext: { nextBeginOffset: 9 } });
    expect(parts.heldPulls.size).toBe(0);
  });

  test('ends after a second where it is switched off', async () => {
    const { parts, asked } = await heldPull({}, { longPollingEnable: false });
    parts.heldPulls.sweep(parts.clock.monotonic() + 1_000);
    expect(await asked.response).toMatchObject({ code: 19 });
  });

  test('is bounded: a pull too many is answered at once', async () => {
    const { parts, asked } = await heldPull({}, { heldPullsMax: 1 });
    expect(await pull(parts, waiting).response).toMatchObject({ code: 19 });
    expect([asked.answered, parts.heldPulls.size]).toEqual([false, 1]);
  });

  test('ends with the connection, without an answer', async () => {
    const { parts, asked, connection } = await heldPull();
    connection.close();
    parts.heldPulls.removeConnection(connection);
    expect(parts.heldPulls.size).toBe(0);
    parts.heldPulls.arrived('orders', 0, 8, 0);
    await nextTurn();
    expect(asked.answered).toBe(false);
  });

  test('answers a woken pull that fails', async () => {
    const { parts, asked } = await heldPull();
    parts.store.next = () => {
      throw new Error('the store is closed');
    };
    parts.heldPulls.arrived('orders', 0, 8, 0);
    expect(await asked.response).toMatchObject({ code: 1, remark: expect.stringContaining('the store is closed') });
  });

  test('does not hold a pull that was overtaken while the disk was read', async () => {
    const parts = await setup();
    const answers = [
      () => Promise.resolve(result('OFFSET_OVERFLOW_ONE', { maxOffset: 8 })),
      () => result('FOUND', { maxOffset: 9 }),
    ];
    parts.store.next = () => answers.shift()!();
    const asked = pull(parts, waiting);
    parts.store.max = 9;
    expect(await asked.response).toMatchObject({ code: 0 });
  });

  test('does not forget that a topic may be gone when the pull is woken', async () => {
    const { parts, asked } = await heldPull();
    await parts.topics.update({ ...parts.topics.find('orders')!, perm: 2 });
    parts.heldPulls.arrived('orders', 0, 8, 0);
    expect(await asked.response).toMatchObject({ code: 16 });
  });
});
