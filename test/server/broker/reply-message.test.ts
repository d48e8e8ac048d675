import { describe, expect, test } from 'vitest';
import { decodeProperties } from '../../../core/message/properties.js';
import { javaStringHash } from '../../../core/message/tag-hash.js';
import type { ExtInput, OutgoingCommand, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { heartbeat } from '../kit/bodies.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, ask, FakeConnection, request } from '../kit/requests.js';

const PROPERTIES = 'MSG_TYPE\u0001reply\u0002CORRELATION_ID\u0001c-1\u0002REPLY_TO_CLIENT\u0001asker\u0002TAGS\u0001t';

/** A reply as Java 4.9.7 sends it. */
const REPLY = {
  a: 'RG',
  b: 'DefaultCluster_REPLY_TOPIC',
  c: 'TBW102',
  d: 4,
  e: 0,
  f: 1,
  g: 1_700_000_000_000,
  h: 3,
  i: PROPERTIES,
  j: 0,
  k: false,
  m: false,
};

/** A client that is asked by the broker, and answers as a test tells it. */
class Asker extends FakeConnection {
  readonly asked: { readonly request: OutgoingCommand; readonly timeoutMs: number }[] = [];
  answer: () => Promise<RemotingCommand> = async () => request(0);

  override invoke(command?: OutgoingCommand, options?: { readonly timeoutMs: number }): Promise<RemotingCommand> {
    this.asked.push({ request: command!, timeoutMs: options!.timeoutMs });
    return this.answer();
  }
}

async function setup(settings = {}): Promise<{ parts: ServerParts; asker: Asker }> {
  const parts = serverParts(settings);
  await parts.load();
  const asker = new Asker();
  await producerBeat(parts, asker);
  return { parts, asker };
}

async function producerBeat(parts: ServerParts, connection: FakeConnection, clientId = 'asker', group = 'AG') {
  const body = heartbeat({ clientId, producers: [group] });
  expect(await answerTo(parts.broker, body, connection)).toMatchObject({ code: 0 });
}

function reply(parts: ServerParts, ext: ExtInput = {}, code: number = RequestCode.SEND_REPLY_MESSAGE_V2) {
  const command = request(code, { ...REPLY, ...ext }, 'the answer');
  return ask(parts.broker, command, new FakeConnection('10.0.0.7:50001')).response;
}

const MARKS = { MSG_REGION: 'DefaultRegion', TRACE_ON: true };

describe('a reply', () => {
  test('is pushed to the client that waits for it, with all that its sender said, and stored in its topic', async () => {
    const { parts, asker } = await setup();
    expect(await reply(parts)).toEqual({
      code: 0,
      remark: undefined,
      ext: { msgId: '7F00000100002A9F00000000000004D2', queueId: 0, queueOffset: 0, ...MARKS },
    });
    const [{ request: pushed, timeoutMs }] = asker.asked as [(typeof asker.asked)[0]];
    expect(timeoutMs).toBe(10_000);
    expect(pushed.code).toBe(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT);
    expect(Buffer.from(pushed.body!).toString()).toBe('the answer');
    const { properties, ...header } = pushed.ext as Record<string, unknown>;
    expect(header).toEqual({
      producerGroup: 'RG',
      topic: 'DefaultCluster_REPLY_TOPIC',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: '4',
      queueId: '0',
      sysFlag: '1',
      bornTimestamp: '1700000000000',
      flag: '3',
      reconsumeTimes: '0',
      unitMode: 'false',
      bornHost: '10.0.0.7:50001',
      storeHost: '127.0.0.1:10911',
      storeTimestamp: parts.clock.now(),
    });
    expect({ ...decodeProperties(properties as string) }).toEqual({
      MSG_TYPE: 'reply',
      CORRELATION_ID: 'c-1',
      REPLY_TO_CLIENT: 'asker',
      TAGS: 't',
      PUSH_REPLY_TIME: String(parts.clock.now()),
    });
    expect(parts.store.appended).toMatchObject([
      {
        topic: 'DefaultCluster_REPLY_TOPIC',
        queueId: 0,
        sysFlag: 1,
        flag: 3,
        bornHost: '10.0.0.7:50001',
        body: Buffer.from('the answer'),
        properties: Buffer.from(PROPERTIES),
        tagsCode: javaStringHash('t'),
        waitStored: true,
      },
    ]);
  });

  test.each([
    ['a value that holds 0x01', `${PROPERTIES}\u0002note\u0001a\u0001b`],
    ['all the properties that a message can have', `${PROPERTIES}\u0002filler\u0001`.padEnd(32_767, 'x')],
  ])('with %s is pushed with them', async (_, properties) => {
    const { parts, asker } = await setup();
    expect(await reply(parts, { i: properties })).toMatchObject({ code: 0 });
    const pushed = asker.asked[0]?.request.ext as Record<string, string>;
    expect(pushed.properties).toBe(`${properties}\u0002PUSH_REPLY_TIME\u0001${parts.clock.now()}`);
  });

  test('with long field names does the same', async () => {
    const { parts, asker } = await setup();
    const ext = {
      producerGroup: 'RG',
      topic: 'DefaultCluster_REPLY_TOPIC',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: -1,
      sysFlag: 0,
      bornTimestamp: 1,
      flag: 0,
      properties: PROPERTIES,
    };
    const answer = await answerTo(parts.broker, request(RequestCode.SEND_REPLY_MESSAGE, ext, 'x'));
    expect(answer).toMatchObject({ code: 0, ext: { queueId: 0 } });
    expect(asker.asked[0]?.request.ext).toMatchObject({ producerGroup: 'RG', queueId: '-1', unitMode: 'false' });
  });

  test('is only pushed where replies are not stored', async () => {
    const { parts, asker } = await setup({ storeReplyMessageEnable: false });
    expect(await reply(parts)).toMatchObject({ code: 0, ext: { msgId: '0', queueId: 0, queueOffset: 0, ...MARKS } });
    expect(asker.asked.length).toBe(1);
    expect(parts.store.appended).toEqual([]);
  });

  test('that was taken is taken, also when it cannot be stored', async () => {
    const { parts } = await setup();
    parts.store.status = 'SERVICE_NOT_AVAILABLE';
    expect(await reply(parts)).toMatchObject({ code: 0, ext: { msgId: '0', queueOffset: 0 } });
  });

  test('that nobody takes is stored, and its sender hears why', async () => {
    const { parts, asker } = await setup();
    const nobody = PROPERTIES.replace('asker', 'stranger');
    expect(await reply(parts, { i: nobody })).toEqual({
      code: 1,
      remark: 'push reply message fail, channel of <stranger> not found.',
      ext: MARKS,
    });
    expect(await reply(parts, { i: 'MSG_TYPE\u0001reply' })).toMatchObject({
      code: 1,
      remark: 'reply message properties[REPLY_TO_CLIENT] is null',
    });
    asker.answer = async () => request(1);
    expect(await reply(parts)).toMatchObject({ code: 1, remark: 'push reply message to askerfail.' });
    asker.answer = () => Promise.reject(new Error('the connection is lost'));
    expect(await reply(parts)).toMatchObject({ code: 1, remark: 'push reply message to askerfail.' });
    expect(parts.store.appended.length).toBe(4);
  });

  test('passes the checks of any send first', async () => {
    const { parts, asker } = await setup({ autoCreateTopicEnable: false });
    expect(await reply(parts, { b: 'unknown' })).toMatchObject({ code: 17, ext: MARKS });
    expect(await reply(parts, { e: 9 })).toMatchObject({ code: 1 });
    expect(asker.asked).toEqual([]);
    expect(parts.store.appended).toEqual([]);
  });
});

describe('the client that waits', () => {
  test('is found by its latest connection, as long as one of its groups is there', async () => {
    const { parts, asker } = await setup();
    const again = new Asker();
    await producerBeat(parts, again);
    await producerBeat(parts, again, 'asker', 'AG2');
    expect(parts.producers.connectionOf('asker')).toBe(again);
    parts.producers.unregister('AG', again);
    expect(parts.producers.connectionOf('asker')).toBe(again);
    parts.producers.removeConnection(again);
    expect(parts.producers.connectionOf('asker')).toBe(asker);
    parts.producers.removeConnection(asker);
    expect(parts.producers.connectionOf('asker')).toBeUndefined();
  });

  test('that calls itself otherwise on the same connection is found by its new id only', async () => {
    const { parts, asker } = await setup();
    await producerBeat(parts, asker, 'renamed');
    expect(parts.producers.connectionOf('asker')).toBeUndefined();
    expect(parts.producers.connectionOf('renamed')).toBe(asker);
  });
});
