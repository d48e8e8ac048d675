import { describe, expect, test } from 'vitest';
import { zlibCompressor } from '../../core/message/compression/zlib.js';
import { json } from '../../core/message/json-codec.js';
import type { ReceivedMessage } from '../../core/message/message.js';
import { decodeProperties, formatProperties } from '../../core/message/properties.js';
import { topic } from '../../core/message/typed-topic.js';
import type { ReplyAttachment } from '../../core/producer/request-reply/reply-interceptor.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import {
  answerAtOnce,
  answerNothing,
  hello,
  type KitOptions,
  type PipelineKit,
  pipelineKit,
  rejection,
} from '../pipeline/pipeline-kit.js';
import { request as command } from '../server/kit/requests.js';

interface PushOptions {
  readonly correlationId?: string;
  readonly body?: Uint8Array | string;
  readonly sysFlag?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A reply as a broker pushes it; resolves to what the client answered. */
async function push(kit: PipelineKit, { correlationId, body = 'pong', sysFlag = 0, properties }: PushOptions) {
  const ext = {
    producerGroup: 'RG',
    topic: 'DefaultCluster_REPLY_TOPIC',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag,
    bornTimestamp: 1_700_000_000_000,
    flag: 3,
    properties: formatProperties({ UNIQ_KEY: 'R1', CORRELATION_ID: correlationId ?? 'nobody', ...properties }),
    bornHost: '10.0.0.7:50001',
    storeHost: '127.0.0.1:10911',
    storeTimestamp: 1_700_000_000_001,
  };
  const answer = kit.callbacks.get(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT)!;
  return await answer(command(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, ext, body), 'broker-a:10911');
}

const propertiesOf = (kit: PipelineKit, index = 0) => decodeProperties(kit.requests[index]!.ext.i as string);

/** A kit whose first request is under way, its message sent. */
async function asked(options: KitOptions = {}, timeoutMs = 1_000) {
  const kit = await pipelineKit(options);
  const reply = kit.producer.request(hello, { timeoutMs });
  reply.catch(() => {});
  await waitFor(() => kit.requests.length === 1);
  await nextTurn();
  return { kit, reply, correlationId: propertiesOf(kit).CORRELATION_ID! };
}

describe('a request', () => {
  test('says who waits for the reply and how long, and resolves with the reply', async () => {
    const { kit, reply, correlationId } = await asked();
    expect(propertiesOf(kit)).toMatchObject({ REPLY_TO_CLIENT: '127.0.0.1@test', TTL: '1000' });
    expect(kit.requests[0]?.code).toBe(RequestCode.SEND_MESSAGE_V2);
    expect(await push(kit, { correlationId, properties: { TAGS: 't', KEYS: 'a b' } })).toEqual({ code: 0 });
    const received = await reply;
    expect({ ...received, body: received.body.toString(), properties: { ...received.properties } }).toEqual({
      topic: 'DefaultCluster_REPLY_TOPIC',
      brokerName: 'broker-a',
      queueId: 0,
      queueOffset: 0,
      msgId: 'R1',
      offsetMsgId: '',
      body: 'pong',
      tag: 't',
      keys: ['a', 'b'],
      properties: {
        UNIQ_KEY: 'R1',
        CORRELATION_ID: correlationId,
        TAGS: 't',
        KEYS: 'a b',
        ARRIVE_TIME: String(kit.clock.now()),
      },
      flag: 3,
      sysFlag: 0,
      bornTimestamp: 1_700_000_000_000,
      bornHost: '10.0.0.7:50001',
      storeTimestamp: 1_700_000_000_001,
      storeHost: '127.0.0.1:10911',
      reconsumeTimes: 0,
      commitLogOffset: 0,
      preparedTransactionOffset: 0,
      storeSize: 0,
      value: undefined,
    });
    expect(kit.replies.statistics).toEqual({ awaitedReplies: 0, lateReplies: 0 });
    expect(kit.deadlines.size).toBe(0);
  });

  test('leaves the message of its caller as it is, and keeps what system properties that has', async () => {
    const message = Object.freeze({ ...hello, systemProperties: Object.freeze({ BUYER_ID: 'b' }) });
    const kit = await pipelineKit();
    const reply = kit.producer.request(message);
    await waitFor(() => kit.requests.length === 1);
    const { BUYER_ID, CORRELATION_ID: correlationId, TTL } = propertiesOf(kit) as Record<string, string>;
    expect([BUYER_ID, TTL]).toEqual(['b', '3000']);
    await push(kit, { correlationId: correlationId! });
    expect((await reply).body.toString()).toBe('pong');
  });

  test('is answered by a reply that overtakes the end of its send', async () => {
    const { kit, reply, correlationId } = await asked({ script: answerNothing });
    await push(kit, { correlationId });
    expect((await reply).body.toString()).toBe('pong');
    kit.requests[0]!.answer();
    await kit.clock.advance(5_000);
    expect(kit.deadlines.size).toBe(0);
  });

  test('of many each gets its own reply, in whatever order they come', async () => {
    const kit = await pipelineKit();
    const requests = Array.from({ length: 200 }, (_, index) =>
      kit.producer.request({ topic: 'orders', body: String(index) }),
    );
    await waitFor(() => kit.requests.length === 200);
    expect(kit.replies.statistics.awaitedReplies).toBe(200);
    for (const index of kit.requests.keys()) {
      const number = 199 - index;
      const { CORRELATION_ID: correlationId } = propertiesOf(kit, number);
      await push(kit, { correlationId: correlationId!, body: `for ${kit.requests[number]!.body}` });
    }
    const replies = await Promise.all(requests);
    expect(replies.map(({ body }) => body.toString())).toEqual(requests.map((_, index) => `for ${index}`));
  });

  test('that nobody replies to in time ends in RMQ_REPLY_TIMEOUT; the late reply is dropped and counted', async () => {
    const { kit, reply, correlationId } = await asked({}, 250);
    await kit.clock.advance(249);
    expect(kit.replies.statistics.awaitedReplies).toBe(1);
    await kit.clock.advance(1);
    const { UNIQ_KEY: msgId } = propertiesOf(kit);
    expect(await rejection(reply)).toMatchObject({
      code: 'RMQ_REPLY_TIMEOUT',
      topic: 'orders',
      timeoutMs: 250,
      msgId,
      sent: 'maybe',
    });
    expect(await push(kit, { correlationId })).toEqual({ code: 0 });
    expect(kit.replies.statistics).toEqual({ awaitedReplies: 0, lateReplies: 1 });
  });

  test('takes the first of two replies', async () => {
    const { kit, reply, correlationId } = await asked();
    await push(kit, { correlationId, body: 'first' });
    await push(kit, { correlationId, body: 'second' });
    expect((await reply).body.toString()).toBe('first');
    expect(kit.replies.statistics.lateReplies).toBe(1);
  });

  test('whose send fails fails as that', async () => {
    const kit = await pipelineKit({ script: (request) => queueMicrotask(() => request.answer(13, {}, 'no')) });
    expect(await rejection(kit.producer.request(hello))).toMatchObject({ code: 'RMQ_BROKER_ERROR', responseCode: 13 });
    expect(await rejection(kit.producer.request({ topic: 'not a topic', body: 'x' }))).toMatchObject({
      code: 'RMQ_MESSAGE_ILLEGAL',
    });
    expect(await rejection(kit.producer.request(hello, { timeoutMs: -1 }))).toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'timeoutMs',
    });
    const two = { queue: { topic: 'orders', brokerName: 'broker-a', queueId: 0 }, shardingKey: 'k' };
    expect(await rejection(kit.producer.request(hello, two))).toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
    expect(kit.replies.statistics.awaitedReplies).toBe(0);
    await kit.producer.close();
    expect(await rejection(kit.producer.request(hello))).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  });

  test('can be cancelled while its message is sent, and while it waits', async () => {
    const kit = await pipelineKit({ script: answerNothing });
    const controller = new AbortController();
    const sending = kit.producer.request(hello, { signal: controller.signal });
    sending.catch(() => {});
    await waitFor(() => kit.requests.length === 1);
    controller.abort();
    expect(await rejection(sending)).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe' });
    expect(kit.requests[0]?.cancelled).toBe(true);

    const second = new AbortController();
    const waiting = kit.producer.request(hello, { signal: second.signal });
    waiting.catch(() => {});
    await waitFor(() => kit.requests.length === 2);
    kit.requests[1]!.answer();
    await nextTurn();
    second.abort();
    expect(await rejection(waiting)).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe', topic: 'orders' });
    expect(kit.replies.statistics.awaitedReplies).toBe(0);
    expect(kit.deadlines.size).toBe(0);
  });

  test('is waited for by the end of its producer, for as long as that is told to', async () => {
    const { kit, reply, correlationId } = await asked();
    let closed = false;
    const closing = kit.producer.close().then(() => {
      closed = true;
    });
    await nextTurn();
    expect(closed).toBe(false);
    await push(kit, { correlationId });
    await closing;
    expect((await reply).body.toString()).toBe('pong');

    const second = await asked();
    const end = second.kit.producer.close({ timeoutMs: 100 });
    await second.kit.clock.advance(100);
    await end;
    expect(await rejection(second.reply)).toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'maybe' });
  });

  test('waits for a heartbeat of its broker first, which has to know where to push the reply', async () => {
    const kit = await pipelineKit({ brokers: ['broker-a'] });
    kit.versions.set('broker-a', { version: 407, known: false });
    const reply = kit.producer.request(hello);
    expect(kit.requests).toHaveLength(0);
    await waitFor(() => kit.requests.length === 1);
    expect(kit.versions.get('broker-a')?.known).toBe(true);
    await push(kit, { correlationId: propertiesOf(kit).CORRELATION_ID! });
    await reply;
  });

  test('counts its time from its own beginning, however long ago the producer sent before', async () => {
    const kit = await pipelineKit();
    await kit.producer.send(hello);
    await kit.clock.advance(10_000);
    const reply = kit.producer.request(hello, { timeoutMs: 1_000 });
    await waitFor(() => kit.requests.length === 2);
    expect(kit.requests[1]).toMatchObject({ timeoutMs: 1_000 });
    await push(kit, { correlationId: propertiesOf(kit, 1).CORRELATION_ID! });
    await reply;
  });

  test('whose value takes longer to be encoded than it may last is not sent, nor is such a message', async () => {
    const kit = await pipelineKit();
    const slow = topic<string>('orders', {
      encode: (value) => new Promise((resolve) => void kit.clock.setTimer(200, () => resolve(Buffer.from(value)))),
      decode: String,
    });
    const given = { topic: slow, value: 'x' };
    const ends = [kit.producer.request(given, { timeoutMs: 100 }), kit.producer.send(given, { timeoutMs: 100 })];
    const late = Promise.all(ends.map(rejection));
    await kit.clock.advance(200);
    expect(await late).toMatchObject(ends.map(() => ({ code: 'RMQ_SEND_TIMEOUT', sent: 'no', stage: 'check' })));
    expect(kit.requests).toEqual([]);
  });

  test('never waits for others to make a batch', async () => {
    const { kit, reply, correlationId } = await asked({ options: { autoBatch: true } });
    expect(kit.requests[0]?.code).toBe(RequestCode.SEND_MESSAGE_V2);
    await push(kit, { correlationId });
    await reply;
  });
});

describe('what a reply is read into', () => {
  test('its body decompressed', async () => {
    const { kit, reply, correlationId } = await asked();
    const body = await zlibCompressor.compress(Buffer.from('pong '.repeat(1_000)), 5);
    await push(kit, { correlationId, body, sysFlag: 0x301 });
    const received = await reply;
    expect(received.body.toString()).toBe('pong '.repeat(1_000));
    expect(received.sysFlag).toBe(0x300);
  });

  test('what cannot be decompressed fails the request, and is no success to its broker', async () => {
    const { kit, reply, correlationId } = await asked();
    expect(await push(kit, { correlationId, body: 'no zlib', sysFlag: 0x301 })).toMatchObject({ code: 1 });
    expect(await rejection(reply)).toMatchObject({ code: 'RMQ_DECOMPRESS_FAILED' });
  });

  test('a value, where the request says how; both sides of it are typed', async () => {
    const kit = await pipelineKit();
    const prices = topic('prices', json<{ symbol: string }>());
    const ask = (value: { symbol: string }) =>
      kit.producer.request({ topic: prices, value }, { replyAs: json<{ cents: number }>() });
    const good = ask({ symbol: 'ACME' });
    await waitFor(() => kit.requests.length === 1);
    expect(kit.requests[0]?.body.toString()).toBe('{"symbol":"ACME"}');
    await push(kit, { correlationId: propertiesOf(kit).CORRELATION_ID!, body: '{"cents":1999}' });
    const cents: number = (await good).value.cents;
    expect(cents).toBe(1999);

    const bad = ask({ symbol: 'ACME' });
    bad.catch(() => {});
    await waitFor(() => kit.requests.length === 2);
    await push(kit, { correlationId: propertiesOf(kit, 1).CORRELATION_ID!, body: 'no json' });
    expect(await rejection(bad)).toMatchObject({ code: 'RMQ_VALUE_INVALID', topic: 'DefaultCluster_REPLY_TOPIC' });
    const none = kit.producer.request(hello, { replyAs: {} as never });
    expect(await rejection(none)).toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'replyAs' });
  });
});

describe('interceptors', () => {
  test('of replies see each in turn, and hand on another', async () => {
    const attach = (plugin: string): ReplyAttachment => ({
      plugin,
      intercept: async (reply, { topic: asked }) => ({
        ...reply,
        body: Buffer.from(`${reply.body} ${plugin} ${asked}`),
      }),
    });
    const { kit, reply, correlationId } = await asked({ replyAttachments: [attach('one'), attach('two')] });
    await push(kit, { correlationId });
    expect((await reply).body.toString()).toBe('pong one orders two orders');
  });

  test('of replies cannot change the request of the caller', async () => {
    const intercept = (reply: ReceivedMessage, request: object) => Object.assign(request, { topic: 'mine' }) && reply;
    const { kit, reply, correlationId } = await asked({ replyAttachments: [{ plugin: 'audit', intercept }] });
    await push(kit, { correlationId });
    expect(await rejection(reply)).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'audit' });
  });

  test('of replies that throw, return nothing or never end fail that request by name', async () => {
    const failing = (intercept: () => unknown) =>
      asked({ replyAttachments: [{ plugin: 'audit', intercept: intercept as never }] });
    const thrown = await failing(() => {
      throw new Error('boom');
    });
    await push(thrown.kit, thrown);
    expect(await rejection(thrown.reply)).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'audit', sent: 'maybe' });
    const nothing = await failing(() => undefined);
    await push(nothing.kit, nothing);
    expect(await rejection(nothing.reply)).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'audit' });
    const never = await failing(() => new Promise(() => {}));
    await push(never.kit, never);
    await never.kit.clock.advance(1_000);
    expect(await rejection(never.reply)).toMatchObject({ code: 'RMQ_REPLY_TIMEOUT', plugin: 'audit' });
  });

  test('see a request as a send that says so', async () => {
    const seen: unknown[] = [];
    const kit = await pipelineKit({
      script: answerAtOnce,
      plugins: [
        {
          plugin: 'audit',
          before: 'check',
          create: () => (context, next) => {
            seen.push(context.send.exchange);
            return next(context);
          },
        },
      ],
    });
    await kit.producer.send(hello);
    await kit.producer.send({ ...hello, systemProperties: { MSG_TYPE: 'reply' } });
    kit.producer.request(hello, { timeoutMs: 10 }).catch(() => {});
    await waitFor(() => kit.requests.length === 3);
    expect(seen).toEqual([undefined, 'reply', 'request']);
    expect(kit.requests.map(({ code }) => code)).toEqual([
      RequestCode.SEND_MESSAGE_V2,
      RequestCode.SEND_REPLY_MESSAGE_V2,
      RequestCode.SEND_MESSAGE_V2,
    ]);
    await kit.clock.advance(10);
  });
});
