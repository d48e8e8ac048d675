/** Requests and replies on a real server: both sides through the public door. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ConnectOptions, connect, json, type Plugin, RequestCode, topic } from '../../core/index.js';
import { embedded } from '../../core/server/index.js';
import { namespace } from '../../plugins/namespace/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { rejection } from '../pipeline/pipeline-kit.js';

async function client(options: ConnectOptions = {}) {
  return closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), ...options }));
}

describe('a request', () => {
  test('gets its reply, also when both live in one client, and the reply is stored for whoever looks later', async () => {
    const mq = await client();
    const replied: unknown[] = [];
    const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' }, from: 'first' });
    await consumer.run(async (message) => {
      replied.push(
        await message.reply(`${message.body} is fine`, { tag: 'good', keys: ['k'], properties: { by: 'me' } }),
      );
    });
    const producer = await mq.producer({ group: 'asks' });
    const reply = await producer.request({ topic: 'questions', body: 'this' }, { timeoutMs: 60_000 });
    expect(reply).toMatchObject({
      topic: 'DefaultCluster_REPLY_TOPIC',
      tag: 'good',
      keys: ['k'],
      brokerName: 'broker-a',
    });
    expect([reply.body.toString(), reply.properties.by]).toEqual(['this is fine', 'me']);
    await waitFor(() => replied.length === 1);
    expect(replied).toMatchObject([
      { status: 'SEND_OK', queue: { topic: 'DefaultCluster_REPLY_TOPIC' }, queueOffset: 0 },
    ]);
    expect(mq.statistics).toMatchObject({ awaitedReplies: 0, lateReplies: 0 });
  });

  test('of five hundred at once each gets its own', async () => {
    const mq = await client();
    const consumer = await mq.consumer({
      group: 'doublers',
      subscribe: { numbers: '*' },
      from: 'first',
      concurrency: 50,
    });
    await consumer.run((message) => message.reply(String(2 * Number(message.body))));
    const producer = await mq.producer({ group: 'asks' });
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        producer.request({ topic: 'numbers', body: String(index) }, { timeoutMs: 60_000 }),
      ),
    );
    expect(replies.map(({ body }) => Number(body))).toEqual(replies.map((_, index) => 2 * index));
  });

  test('and its reply are values where both sides say how', async () => {
    const mq = await client();
    const prices = topic('prices', json<{ symbol: string }>());
    const quote = json<{ cents: number }>();
    const consumer = await mq.consumer({ group: 'quotes', subscribe: [prices], from: 'first' });
    await consumer.run((message) => message.reply({ cents: message.value.symbol.length * 100 }, { as: quote }));
    const producer = await mq.producer({ group: 'asks' });
    const reply = await producer.request(
      { topic: prices, value: { symbol: 'ACME' } },
      { replyAs: quote, timeoutMs: 60_000 },
    );
    expect(reply.value.cents).toBe(400);
  });

  test('whose reply comes too late has ended; the reply is dropped and counted, and its sender knows no difference', async () => {
    const mq = await client();
    let answer!: () => Promise<unknown>;
    const consumer = await mq.consumer({ group: 'slow', subscribe: { questions: '*' }, from: 'first' });
    await consumer.run((message) => {
      answer = () => message.reply('too late');
    });
    const producer = await mq.producer({ group: 'asks' });
    // Long enough for a busy machine to send it in: waiting for the reply is what is to end.
    const reply = producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 1_000 });
    expect(await rejection(reply)).toMatchObject({ code: 'RMQ_REPLY_TIMEOUT', topic: 'questions', sent: 'maybe' });
    await waitFor(() => answer !== undefined);
    expect(await answer()).toMatchObject({ status: 'SEND_OK' });
    expect(mq.statistics).toMatchObject({ awaitedReplies: 0, lateReplies: 1 });
  });

  test('of a client that is gone leaves nobody to reply to', async () => {
    const cluster = embedded({ store: 'memory' });
    const asking = await client({ cluster });
    const mq = await client({ cluster });
    let message: { reply(body: string, options?: { timeoutMs?: number }): Promise<unknown> } | undefined;
    const consumer = await mq.consumer({ group: 'slow', subscribe: { questions: '*' }, from: 'first' });
    await consumer.run((one) => {
      message = one;
    });
    const producer = await asking.producer({ group: 'asks' });
    const reply = producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 60_000 });
    reply.catch(() => {});
    const request = await waitFor(() => message);
    await asking.close({ timeoutMs: 0 });
    expect(await rejection(reply)).toMatchObject({ code: 'RMQ_SEND_ABORTED' });
    const failure = await rejection(request.reply('hello?'));
    expect(failure).toMatchObject({ code: 'RMQ_SEND_FAILED', retryable: true });
    expect(failure.message).toMatch(/channel of <.*> not found/);
  });

  test('is what a message has to be to be replied to', async () => {
    const mq = await client();
    const failures: unknown[] = [];
    const consumer = await mq.consumer({ group: 'answers', subscribe: { plain: '*' }, from: 'first' });
    await consumer.run(async (message) => {
      failures.push(await rejection(message.reply('pong')));
      failures.push(await rejection(message.reply('pong', { as: {} as never })));
    });
    await (await mq.producer({ group: 'asks' })).send({ topic: 'plain', body: 'ping' });
    await waitFor(() => failures.length === 2);
    expect(failures).toMatchObject([
      { code: 'RMQ_MESSAGE_ILLEGAL', field: 'CORRELATION_ID', topic: 'plain' },
      { code: 'RMQ_OPTIONS_INVALID', option: 'as' },
    ]);
  });
});

describe('plugins', () => {
  test('see a request and a reply as sends that say so', async () => {
    const seen: string[] = [];
    const watching: Plugin<void> = {
      name: 'watching',
      setup(host) {
        host.interceptSend({
          before: 'check',
          create:
            ({ group }) =>
            (context, next) => {
              seen.push(`${group}: ${context.send.exchange} to ${context.topic}`);
              return next(context);
            },
        });
      },
    };
    const mq = await client({ plugins: [watching] });
    const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' }, from: 'first' });
    await consumer.run((message) => message.reply('yes'));
    const producer = await mq.producer({ group: 'asks' });
    await producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 60_000 });
    expect(seen).toEqual(['asks: request to questions', 'CLIENT_INNER_REPLIER: reply to DefaultCluster_REPLY_TOPIC']);
  });

  test('a namespace holds for the request, and the reply finds its way back', async () => {
    const cluster = embedded({ store: 'memory' });
    const asking = await client({ cluster, plugins: [namespace({ namespace: 'staging' })] });
    const inside = await client({ cluster, plugins: [namespace({ namespace: 'staging' })] });
    const outside = await client({ cluster });
    const heard: string[] = [];
    for (const [name, mq] of [
      ['inside', inside],
      ['outside', outside],
    ] as const) {
      const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' }, from: 'first' });
      await consumer.run(async (message) => {
        heard.push(`${name}: ${message.topic}`);
        await message.reply(`from ${name}`);
      });
    }
    const producer = await asking.producer({ group: 'asks' });
    const reply = await producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 60_000 });
    expect([reply.body.toString(), reply.properties.INSTANCE_ID]).toEqual(['from inside', 'staging']);
    expect(heard).toEqual(['inside: questions']);
  });
});

test('replies go by the route that is known: of many, the name server hears of the first', async () => {
  let asked = 0;
  const counting: Plugin = {
    name: 'counting',
    setup: (host) =>
      host.interceptRequest('decorate', (context, next) => {
        const isAboutReplies = context.ext.get('topic') === 'DefaultCluster_REPLY_TOPIC';
        if (isAboutReplies && context.code === RequestCode.GET_ROUTEINFO_BY_TOPIC) asked++;
        return next(context);
      }),
  };
  const mq = await client({ plugins: [counting] });
  const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' }, from: 'first' });
  await consumer.run((message) => message.reply('yes'));
  const producer = await mq.producer({ group: 'asks' });
  for (let turn = 0; turn < 5; turn++) {
    await producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 10_000 });
  }
  expect(asked).toBe(1);
});

test('a client that closes while it replies ends the reply first', async () => {
  const cluster = embedded({ store: 'memory' });
  const asking = await client({ cluster });
  const mq = await client({ cluster });
  let closing: Promise<void> | undefined;
  const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' }, from: 'first' });
  await consumer.run(async (message) => {
    closing = mq.close();
    await message.reply('goodbye');
  });
  const producer = await asking.producer({ group: 'asks' });
  const reply = await producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 60_000 });
  expect(reply.body.toString()).toBe('goodbye');
  await closing;
});

test('a reply goes to the broker of its request, which is the one that knows who waits', async () => {
  const first = embedded({ store: 'memory' });
  const asking = await client({ cluster: first });
  const producer = await asking.producer({ group: 'asks' });
  await producer.send({ topic: 'questions', body: 'makes the topic, on the first broker only' });
  const hold = await first.start();
  onTestFinished(() => hold.release());
  const { nameServers } = hold;
  const second = embedded({ store: 'memory', brokerName: 'broker-b', nameServers });
  const mq = await client({ cluster: second });
  const places: unknown[] = [];
  const consumer = await mq.consumer({ group: 'answers', subscribe: { questions: '*' } });
  await consumer.run(async (message) => {
    const { queue, attempts } = await message.reply('yes');
    places.push(queue.brokerName, attempts);
  });
  await waitFor(() => consumer.assignment().length > 0);
  for (let turn = 0; turn < 4; turn++) {
    const reply = await producer.request({ topic: 'questions', body: '?' }, { timeoutMs: 60_000 });
    expect(reply.body.toString()).toBe('yes');
  }
  await waitFor(() => places.length === 8);
  expect(places).toEqual(['broker-a', 1, 'broker-a', 1, 'broker-a', 1, 'broker-a', 1]);
});
