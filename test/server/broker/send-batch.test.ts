import { describe, expect, test } from 'vitest';
import { encodeBatchBody } from '../../../core/message/batch-body.js';
import { decodeProperties, encodeProperties } from '../../../core/message/properties.js';
import { tagsCodeOf } from '../../../core/message/tag-hash.js';
import type { ExtInput } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { BrokerSettings } from '../../../core/server/broker/settings/broker-settings.js';
import { nextTurn } from '../../kit/wait-for.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, ask, FakeConnection, request } from '../kit/requests.js';

/** A batch as Java 4.9.7 writes it. */
const BATCH = {
  a: 'PG',
  b: 'orders',
  c: 'TBW102',
  d: 4,
  e: 1,
  f: 0,
  g: 1_700_000_000_000,
  h: 0,
  i: 'WAIT\u0001true',
  j: 0,
  k: false,
  m: true,
  n: 'broker-a',
};

const ILLEGAL =
  'the message is illegal, maybe msg body or properties length not matched. msg body length limit 4194304B, msg properties length limit 32KB.';

interface Item {
  readonly body?: string;
  readonly flag?: number;
  /** A map, or the bytes as they are. */
  readonly properties?: Record<string, string> | string;
}

function bodyOf(items: readonly Item[]): Buffer {
  return encodeBatchBody(
    items.map(({ body = 'x', flag = 0, properties = {} }) => ({
      flag,
      body: Buffer.from(body),
      properties: typeof properties === 'string' ? Buffer.from(properties) : encodeProperties(properties),
    })),
  );
}

function send(parts: ServerParts, items: readonly Item[] | Buffer, ext: ExtInput = {}) {
  const body = Buffer.isBuffer(items) ? items : bodyOf(items);
  const command = request(RequestCode.SEND_BATCH_MESSAGE, { ...BATCH, ...ext }, body);
  return answerTo(parts.broker, command, new FakeConnection('10.0.0.7:50001'));
}

function propertiesOf(parts: ServerParts): Record<string, string>[] {
  return parts.store.appended.map(({ properties }) => ({ ...decodeProperties(Buffer.from(properties)) }));
}

test('a small request whose header would be stored with each of very many messages is refused', async () => {
  const parts = serverParts({ maxMessageSize: 10_000 });
  const items = Array.from({ length: 400 }, () => ({}));
  expect(await send(parts, items, { i: `k\u0001${'v'.repeat(100)}` })).toMatchObject({ code: 0 });
  const before = parts.store.appended.length;
  expect(await send(parts, items, { i: `k\u0001${'v'.repeat(30_000)}` })).toMatchObject({ code: 13 });
  expect(parts.store.appended).toHaveLength(before);
});

describe('a batch', () => {
  test('is stored message by message, and answered with all their ids and the first offset', async () => {
    const parts = serverParts();
    const response = await send(parts, [
      { body: 'one', flag: 7, properties: { TAGS: 'A', WAIT: 'true', UNIQ_KEY: 'K1' } },
      { body: 'two', properties: { TAGS: 'B' } },
      { body: 'three' },
    ]);
    const { code, ext } = response;
    expect({ code, ext }).toEqual({
      code: 0,
      ext: {
        msgId: ['D2', 'D3', 'D4'].map((end) => `7F00000100002A9F00000000000004${end}`).join(','),
        queueId: 1,
        queueOffset: 0,
        MSG_REGION: 'DefaultRegion',
        TRACE_ON: true,
      },
    });
    expect(parts.store.appended).toMatchObject([
      { topic: 'orders', queueId: 1, flag: 7, body: Buffer.from('one'), tagsCode: tagsCodeOf('A'), waitStored: true },
      { flag: 0, body: Buffer.from('two'), tagsCode: tagsCodeOf('B') },
      { body: Buffer.from('three'), tagsCode: 0, bornHost: '10.0.0.7:50001', bornTimestamp: 1_700_000_000_000 },
    ]);
  });

  test('has the properties of its header added to each message, with one separator between', async () => {
    const parts = serverParts();
    const own = 'TAGS\u0001A\u0002k\u0001own';
    await send(parts, [{ properties: own }, { properties: `${own}\u0002` }, { properties: '' }], {
      i: 'WAIT\u0001false\u0002k\u0001header',
    });
    const added = { k: 'header', WAIT: 'false', CLUSTER: 'DefaultCluster' };
    expect(propertiesOf(parts)).toEqual([{ TAGS: 'A', ...added }, { TAGS: 'A', ...added }, added]);
    const texts = parts.store.appended.map(({ properties }) => Buffer.from(properties).toString());
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]?.startsWith(`${own}\u0002k\u0001header\u0002`)).toBe(true);
    expect(parts.store.appended.every(({ waitStored }) => !waitStored)).toBe(true);
  });

  test('keeps the key of each message where its header has one for all, as Java 5.x sends it', async () => {
    const parts = serverParts();
    const items = ['K1', 'K2'].map((key) => ({ properties: { UNIQ_KEY: key } }));
    await send(parts, [...items, {}], { i: 'UNIQ_KEY\u0001batch\u0002WAIT\u0001true\u0002' });
    const added = { WAIT: 'true', CLUSTER: 'DefaultCluster' };
    expect(propertiesOf(parts)).toEqual([{ UNIQ_KEY: 'K1', ...added }, { UNIQ_KEY: 'K2', ...added }, added]);
  });

  test('gets the tag of its header where that has one, as the last of a name counts', async () => {
    const parts = serverParts();
    await send(parts, [{ properties: { TAGS: 'own' } }], { i: 'TAGS\u0001header' });
    expect(parts.store.appended[0]?.tagsCode).toBe(tagsCodeOf('header'));
  });

  test('of SEND_MESSAGE_V2 and SEND_MESSAGE is one too: the header says so, not the code', async () => {
    const parts = serverParts();
    const { a, b, c, d, e, f, g, h } = BATCH;
    const long = {
      ...{ producerGroup: a, topic: b, defaultTopic: c, defaultTopicQueueNums: d, queueId: e, sysFlag: f },
      ...{ bornTimestamp: g, flag: h, batch: true },
    };
    for (const command of [request(310, BATCH, bodyOf([{}, {}])), request(10, long, bodyOf([{}, {}]))]) {
      expect(await answerTo(parts.broker, command)).toMatchObject({ code: 0 });
    }
    expect(parts.store.appended).toHaveLength(4);
  });

  test('to any queue goes to one queue, and the next batch to the next', async () => {
    const parts = serverParts();
    for (let n = 0; n < 4; n++) await send(parts, [{}, {}], { e: -1 });
    const queueIds = parts.store.appended.map(({ queueId }) => queueId);
    expect(queueIds.filter((_, index) => index % 2 === 0)).toEqual(queueIds.filter((_, index) => index % 2 === 1));
    expect(new Set(queueIds).size).toBe(4);
  });

  test('that creates its topic is stored only when the topic is on the disk', async () => {
    const parts = serverParts();
    let written = (): void => {};
    parts.store.writing = new Promise((resolve) => {
      written = resolve;
    });
    const body = bodyOf([{ body: 'one' }, { body: 'two' }]);
    const command = request(RequestCode.SEND_BATCH_MESSAGE, BATCH, body);
    const asked = ask(parts.broker, command);
    command.body.fill(0);
    await nextTurn();
    expect([asked.answered, parts.store.appended.length]).toEqual([false, 0]);
    written();
    expect(await asked.response).toMatchObject({ code: 0 });
    expect(parts.store.appended.map((message) => Buffer.from(message.body).toString())).toEqual(['one', 'two']);
  });

  test('passes what the store says: not flushed in time is stored all the same, anything else is refused', async () => {
    const parts = serverParts();
    parts.store.status = 'FLUSH_DISK_TIMEOUT';
    expect(await send(parts, [{}])).toMatchObject({ code: 10, ext: { queueOffset: 0 } });
    parts.store.status = 'SERVICE_NOT_AVAILABLE';
    const refused = await send(parts, [{}]);
    expect(refused).toMatchObject({ code: 14, ext: { MSG_REGION: 'DefaultRegion', TRACE_ON: true } });
    expect(refused.ext).not.toHaveProperty('msgId');
  });
});

describe('a batch is refused with 13', () => {
  test.each<[string, readonly Item[] | Buffer, ExtInput, string, Partial<BrokerSettings>?]>([
    ['for a retry topic', [{}], { b: '%RETRY%G', e: 0 }, 'batch request does not support retry group %RETRY%G'],
    ['of a transaction', [{}], { f: 0x4 }, ILLEGAL],
    ['with a delay in its header', [{}], { i: 'DELAY\u00013' }, ILLEGAL],
    ['with a timer in its header', [{}], { i: 'TIMER_DELAY_SEC\u000110' }, 'delayed and timed messages'],
    ['with a half message in its header', [{}], { i: 'TRAN_MSG\u0001true' }, 'transactions'],
    ['with a delayed message', [{}, { properties: { DELAY: '3' } }], {}, 'delayed and timed messages'],
    ['with a timed message', [{ properties: { TIMER_DELIVER_MS: '3' } }], {}, 'delayed and timed messages'],
    ['with a half message', [{ properties: { TRAN_MSG: 'true' } }], {}, 'transactions'],
    ['without messages', Buffer.alloc(0), {}, ILLEGAL],
    ['beyond the largest body', [{ body: 'x'.repeat(80) }], {}, 'msg body length limit 100B', { maxMessageSize: 100 }],
  ])('%s', async (_, items, ext, words, settings = {}) => {
    const parts = serverParts(settings);
    const response = await send(parts, items, ext);
    expect(response).toMatchObject({ code: 13, ext: { MSG_REGION: 'DefaultRegion', TRACE_ON: true } });
    expect(response.remark).toContain(words);
    expect(parts.store.appended).toEqual([]);
  });

  test('while a delay of 0 is none, and exactly the largest body is taken', async () => {
    const items = [{ body: 'x'.repeat(78), properties: {} }];
    const parts = serverParts({ maxMessageSize: 100 });
    expect(await send(parts, items)).toMatchObject({ code: 0 });
    expect(await send(serverParts(), [{ properties: { DELAY: '0' } }])).toMatchObject({ code: 0 });
  });
});

test('a batch whose lengths do not add up fails before anything is stored', async () => {
  const parts = serverParts();
  const body = bodyOf([{ body: 'one' }, { body: 'two' }]);
  body.writeInt32BE(9, 16);
  const broken = request(RequestCode.SEND_BATCH_MESSAGE, { ...BATCH, b: 'TBW102', e: 0 }, body);
  await expect(answerTo(parts.broker, broken)).rejects.toMatchObject({ code: 'RMQ_BODY_INVALID' });
  expect(parts.store.appended).toEqual([]);
});
