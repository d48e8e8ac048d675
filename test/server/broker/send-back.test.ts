import { describe, expect, test } from 'vitest';
import { parseOffsetMsgId } from '../../../core/message/message-ids.js';
import { readRecords } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { virtualClock } from '../../../core/testing/virtual-clock.js';
import { waitFor } from '../../kit/wait-for.js';
import { invoke, pullFrom, rawClient, runningServer, sendTo } from '../kit/running.js';

const GROUP = 'G';

async function setup() {
  const clock = virtualClock();
  const { brokerAddress: broker } = await runningServer({ clock });
  const client = rawClient();
  const sent = await sendTo(client, broker, { body: 'hard to bear', tag: 'red' });
  const { offset } = parseOffsetMsgId(sent.ext.msgId ?? '');
  const sendBack = (ext: object = {}) =>
    invoke(client, broker, RequestCode.CONSUMER_SEND_MSG_BACK, {
      ...{ group: GROUP, offset, delayLevel: 0, originMsgId: 'id', originTopic: 'orders', unitMode: false },
      ...ext,
    });
  /** What lies in the only queue of a topic. */
  const contents = async (topic: string) => {
    const answer = await pullFrom(client, broker, { topic });
    if (answer.code !== 0) return [];
    return readRecords(answer.body).map((record) => ({ ...record, properties: decodeProperties(record.properties) }));
  };
  const arrived = (topic: string) =>
    waitFor(
      async () => {
        await clock.advance(1_000);
        const records = await contents(topic);
        return records.length > 0 ? records : undefined;
      },
      { what: `a message in ${topic}` },
    );
  const setGroup = (config: object) =>
    invoke(client, broker, RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, JSON.stringify(config));
  return { clock, sent, sendBack, contents, arrived, setGroup };
}

describe('a message that a consumer sends back', () => {
  test('comes again in the retry topic of the group, after ten seconds at first', async () => {
    const { clock, sent, sendBack, contents, arrived } = await setup();
    expect(await sendBack()).toMatchObject({ code: 0 });
    await clock.advance(8_000);
    expect(await contents('%RETRY%G')).toEqual([]);
    const [record] = await arrived('%RETRY%G');
    expect(record?.body.toString()).toBe('hard to bear');
    expect(record).toMatchObject({
      reconsumeTimes: 1,
      properties: { TAGS: 'red', RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: sent.ext.msgId, REAL_TOPIC: '%RETRY%G' },
    });
  });

  test('keeps what it was at first when it is sent back again', async () => {
    const { sent, sendBack, arrived, clock, contents } = await setup();
    await sendBack({ delayLevel: 1 });
    const [first] = await arrived('%RETRY%G');
    await sendBack({ offset: first?.physicalOffset, delayLevel: 1 });
    await clock.advance(3_000);
    const again = await waitFor(
      async () => {
        await clock.advance(1_000);
        const records = await contents('%RETRY%G');
        return records.length === 2 ? records : undefined;
      },
      { what: 'the second retry' },
    );
    expect(again[1]).toMatchObject({
      reconsumeTimes: 2,
      properties: { RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: sent.ext.msgId },
    });
  });

  test.each([
    ['when it asks for that', { delayLevel: -1 }],
    ['after the last try of the request', { maxReconsumeTimes: 0 }],
  ])('is a dead letter at once %s', async (_when, ext) => {
    const { sendBack, contents } = await setup();
    expect(await sendBack(ext)).toMatchObject({ code: 0 });
    const [record] = await contents('%DLQ%G');
    expect(record).toMatchObject({ reconsumeTimes: 1, properties: { RETRY_TOPIC: 'orders', DELAY: '0' } });
    expect(record?.body.toString()).toBe('hard to bear');
  });

  test('is done with when its group has no queues for retries: it comes again nowhere, and is no dead letter', async () => {
    const { clock, sendBack, contents, setGroup } = await setup();
    expect(await setGroup({ groupName: GROUP, retryQueueNums: 0 })).toMatchObject({ code: 0 });
    for (const delayLevel of [0, 1, -1]) expect(await sendBack({ delayLevel })).toMatchObject({ code: 0 });
    await clock.advance(15_000);
    expect([await contents('%RETRY%G'), await contents('%DLQ%G')]).toEqual([[], []]);
  });

  test('is refused where there is none, and for a group that cannot be', async () => {
    const { sendBack } = await setup();
    expect(await sendBack({ offset: 999_999 })).toMatchObject({
      code: 1,
      remark: 'look message by offset failed, 999999',
    });
  });
});
