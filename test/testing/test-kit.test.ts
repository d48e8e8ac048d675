import { expect, onTestFinished, test } from 'vitest';
import { connect, json, topic } from '../../core/index.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { type TestKit, type TestKitOptions, testKit } from '../../core/testing/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';

async function setup(options?: TestKitOptions): Promise<TestKit> {
  const kit = await testKit(options);
  onTestFinished(() => kit.close());
  return kit;
}

async function producerOf(kit: TestKit) {
  return (await kit.connect()).producer({ group: 'shop' });
}

const orders = topic('orders', json<{ id: number }>());

test('a kit tells what a topic holds: tag, keys, properties, body and value', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  const extras = { tag: 'created', keys: ['1', 'a'], properties: { who: 'ada' } };
  const { msgId } = await producer.send({ topic: orders, value: { id: 1 }, ...extras });
  await producer.send({ topic: orders, value: { id: 2 } });
  const [first, second] = await kit.messages(orders);
  expect(first).toMatchObject({ topic: 'orders', msgId, tag: 'created', keys: ['1', 'a'], value: { id: 1 } });
  expect([first?.brokerName, first?.properties.who, first?.body.toString()]).toEqual(['broker-a', 'ada', '{"id":1}']);
  expect(second?.value.id).toBe(2);
  expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['{"id":1}', '{"id":2}']);
  expect(await kit.messages('nothing was sent here')).toEqual([]);
});

test('a compressed body is told as it was sent', async () => {
  const kit = await setup();
  const producer = await (await kit.connect()).producer({ group: 'shop', compressThresholdBytes: 100 });
  await producer.send({ topic: 'long', body: 'long '.repeat(1_000) });
  expect((await kit.messages('long'))[0]?.value).toBe('long '.repeat(1_000));
});

test('a kit waits for as many messages as a test wants, of those that it means', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  const three = kit.messages('orders', { count: 3, where: ({ tag }) => tag !== 'noise' });
  for (const tag of ['a', 'noise', 'b', 'noise', 'c']) await producer.send({ topic: 'orders', body: tag, tag });
  expect((await three).map(({ tag }) => tag)).toEqual(['a', 'b', 'c']);
  await expect(kit.messages('orders', { count: 6, timeoutMs: 20 })).rejects.toMatchObject({
    code: 'RMQ_KIT_TIMEOUT',
    topic: 'orders',
    wanted: 6,
    found: 5,
  });
  const noisy = kit.messages('orders', { count: 3, timeoutMs: 20, where: ({ tag }) => tag === 'noise' });
  await expect(noisy).rejects.toThrow(
    'waited 20 ms for 3 messages in topic orders, there are 2, and 3 that `where` does not mean: a "a"; noise "noise"; b "b"; noise "noise"; c "c"',
  );
  await producer.send({ topic: 'orders', body: 'long '.repeat(100), keys: ['42'] });
  await expect(kit.messages('orders', { count: 7, timeoutMs: 20 })).rejects.toThrow(
    /there are 6: …; noise "noise"; b "b"; noise "noise"; c "c"; 42 "long (long ){11}…"$/,
  );
});

test('a handler that fails is tried again when time moves, and not before', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'x' });
  const consumer = await (await kit.connect()).consumer({
    group: 'billing',
    subscribe: { orders: '*' },
    from: 'first',
  });
  let calls = 0;
  await consumer.run(() => {
    if (++calls < 3) throw new Error('not yet');
  });
  await kit.clock.settle();
  expect(calls).toBe(1);
  await kit.clock.advance('3m');
  expect(calls).toBe(3);
  expect(kit.offsets('billing').map(({ offset, maxOffset, lag }) => [offset, maxOffset, lag])).toContainEqual([
    1, 1, 0,
  ]);
});

test('what a group gave up on is among its dead letters, and among no other group’s', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  for (const body of ['good', 'bad']) await producer.send({ topic: 'orders', body, keys: [body] });
  const consumer = await (await kit.connect()).consumer({
    group: 'billing',
    subscribe: { orders: '*' },
    from: 'first',
  });
  await consumer.run(async (message) => {
    if (message.body.toString() === 'bad') message.deadLetter('it is bad');
  });
  const [letter, ...others] = await kit.deadLetters('billing', { count: 1 });
  expect(letter).toMatchObject({ topic: '%DLQ%billing', value: 'bad', keys: ['bad'] });
  expect(letter?.properties).toMatchObject({ RETRY_TOPIC: 'orders' });
  expect(others).toEqual([]);
  expect(await kit.deadLetters('shipping')).toEqual([]);
  await expect(kit.deadLetters('billing', { count: 2, timeoutMs: 20 })).rejects.toMatchObject({
    code: 'RMQ_KIT_TIMEOUT',
    found: 1,
  });
});

test('the time of a kit is that of its server and its clients alike', async () => {
  const kit = await setup({ now: new Date('2030-01-01T00:00:00Z') });
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'x' });
  await kit.clock.advance('1m');
  await producer.send({ topic: 'orders', body: 'y' });
  const times = (await kit.messages('orders')).map(({ bornTimestamp, storeTimestamp }) => [
    bornTimestamp,
    storeTimestamp,
  ]);
  const first = Date.UTC(2030, 0, 1);
  expect(times).toEqual([
    [first, first],
    [first + 60_000, first + 60_000],
  ]);
});

test('minutes go by in heartbeats, and members that say them stay members', async () => {
  const kit = await setup();
  const mq = await kit.connect();
  await kit.createTopic('orders');
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' } });
  const seen: string[] = [];
  await consumer.run((message) => seen.push(message.body.toString()));
  await kit.clock.advance('10m');
  await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'late' });
  await kit.clock.settle();
  expect(seen).toEqual(['late']);
  expect(kit.cut(mq)).toBe(2);
});

test('time can run beside the machine, and be advanced all the same', async () => {
  const kit = await setup({ running: true });
  const started = kit.clock.monotonic();
  const passed: number[] = [];
  await new Promise<void>((resolve) => kit.clock.setTimer(20, resolve, { ref: true }));
  passed.push(kit.clock.monotonic() - started);
  kit.clock.setTimer(60_000, () => passed.push(kit.clock.monotonic() - started));
  await kit.clock.advance('2m');
  expect(passed[0]).toBeGreaterThanOrEqual(20);
  expect(passed[0]).toBeLessThan(60_000); // however slow the machine is
  expect(passed[1]).toBeGreaterThanOrEqual(60_000);
  expect(passed[1]).toBeLessThan(120_000);
  kit.clock.stop();
  const stopped = kit.clock.monotonic();
  await kit.clock.settle();
  expect(kit.clock.monotonic()).toBe(stopped);
});

test('requests are refused with a code, as often as a test says', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'warm' });
  const fault = kit.refuse('SEND_MESSAGE', { code: 'MESSAGE_ILLEGAL', remark: 'closed today', times: 2 });
  for (let times = 0; times < 2; times++) {
    await expect(producer.send({ topic: 'orders', body: 'x' })).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      remark: 'closed today',
    });
  }
  await producer.send({ topic: 'orders', body: 'y' });
  expect(fault.hits).toBe(2);
  expect(await kit.messages('orders')).toHaveLength(2);
});

test('a refusal that is worth another attempt is answered with one', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'warm' });
  kit.refuse('SEND_MESSAGE', { code: 'SYSTEM_BUSY' });
  const sending = producer.send({ topic: 'orders', body: 'x' });
  await kit.clock.advance('2s');
  await expect(sending).resolves.toMatchObject({ status: 'SEND_OK', attempts: 2 });
});

test('a fault meets only the requests it is meant for, until it is removed', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  for (const name of ['a', 'b']) await producer.send({ topic: name, body: 'warm' });
  const fault = kit.refuse('SEND_MESSAGE', {
    code: 'MESSAGE_ILLEGAL',
    times: Number.POSITIVE_INFINITY,
    where: ({ ext }) => ext.b === 'a',
  });
  await producer.send({ topic: 'b', body: 'x' });
  await expect(producer.send({ topic: 'a', body: 'x' })).rejects.toThrow();
  fault.remove();
  await producer.send({ topic: 'a', body: 'x' });
  expect(fault.hits).toBe(1);
});

test('an answer that is lost is a timeout for the sender, and a message in the topic', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'warm' });
  kit.drop('SEND_MESSAGE');
  const sending = producer.send({ topic: 'orders', body: 'x' }, { timeoutMs: 3_000 });
  const failed = expect(sending).rejects.toMatchObject({ code: 'RMQ_SEND_TIMEOUT', sent: 'maybe' });
  await kit.messages('orders', { count: 2 });
  await kit.clock.advance('3s');
  await failed;
  kit.drop('SEND_MESSAGE', { what: 'request' });
  const lost = expect(producer.send({ topic: 'orders', body: 'y' })).rejects.toMatchObject({
    code: 'RMQ_SEND_TIMEOUT',
  });
  await kit.clock.advance('3s');
  await lost;
  expect(await kit.messages('orders')).toHaveLength(2);
});

test('the answer to a request that the broker cannot read is lost and held back like any other', async () => {
  const kit = await setup({ transport: 'tcp' });
  const client = closeAfterTest(createRemotingClient({ transport: tcpTransport }));
  const ask = () => client.invoke(kit.nameServers, { code: RequestCode.GET_KV_CONFIG, ext: {} }, { timeoutMs: 500 });
  expect(await ask()).toMatchObject({ code: 1 });
  kit.drop('GET_KV_CONFIG');
  await expect(ask()).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT' });
  kit.delay('GET_KV_CONFIG', { by: '2s' });
  let answered = false;
  const held = ask().finally(() => {
    answered = true;
  });
  await kit.clock.advance(1_999);
  expect(answered).toBe(false);
  await kit.clock.advance(1);
  expect(await held).toMatchObject({ code: 1 });
});

test('an answer that is held back comes in the time of the kit', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'warm' });
  kit.delay('SEND_MESSAGE', { by: '2s' });
  let done = false;
  const sending = producer.send({ topic: 'orders', body: 'x' }).then(() => {
    done = true;
  });
  await kit.clock.advance(1_999);
  expect(done).toBe(false);
  await kit.clock.advance(1);
  expect(done).toBe(true);
  await sending;
});

test('clients whose connections are cut go on by themselves', async () => {
  const kit = await setup();
  const [one, two] = [await kit.connect(), await kit.connect()];
  const producers = await Promise.all([one, two].map((mq) => mq.producer({ group: 'shop' })));
  for (const producer of producers) await producer.send({ topic: 'orders', body: 'before' });
  // To the name server and to the broker.
  expect(kit.cut(one)).toBe(2);
  expect(kit.cut()).toBeGreaterThan(1);
  for (const producer of producers) await producer.send({ topic: 'orders', body: 'after' });
  expect(await kit.messages('orders')).toHaveLength(4);
});

test('a restart keeps what the server holds, a reset forgets it, and its clients go on', async () => {
  const kit = await setup();
  const mq = closeAfterTest(await connect({ cluster: kit.cluster }));
  const producer = await mq.producer({ group: 'shop' });
  const { nameServers } = kit;
  await producer.send({ topic: 'orders', body: 'one' });
  await kit.restart();
  await producer.send({ topic: 'orders', body: 'two' });
  expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['one', 'two']);
  const own = await kit.connect();
  kit.refuse('SEND_MESSAGE');
  await kit.reset();
  expect(own.state).toBe('shut down');
  expect(await kit.messages('orders')).toEqual([]);
  await producer.send({ topic: 'orders', body: 'three' });
  expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['three']);
  expect(kit.nameServers).toBe(nameServers);
});

test('whoever waits for messages waits on while the server is started anew, and hears when there is none any more', async () => {
  const kit = await setup();
  const producer = await producerOf(kit);
  await producer.send({ topic: 'orders', body: 'one' });
  const two = kit.messages('orders', { count: 2 });
  await kit.restart();
  await producer.send({ topic: 'orders', body: 'two' });
  expect((await two).map(({ value }) => value)).toEqual(['one', 'two']);
  const first = kit.messages('orders', { count: 1, where: ({ tag }) => tag === 'new' });
  await kit.reset();
  await (await producerOf(kit)).send({ topic: 'orders', body: 'three', tag: 'new' });
  expect((await first).map(({ value }) => value)).toEqual(['three']);
  const never = expect(kit.messages('orders', { count: 2 })).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  await kit.close();
  await never;
});

test('what is asked of a kit at once happens one after the other', async () => {
  const kit = await setup();
  const producer = await (await kit.connect()).producer({ group: 'shop' });
  await producer.send({ topic: 'orders', body: 'one' });
  const restarts = [kit.restart(), kit.restart()];
  const late = kit.connect();
  await Promise.all(restarts);
  await (await (await late).producer({ group: 'late' })).send({ topic: 'orders', body: 'two' });
  expect(await kit.messages('orders')).toHaveLength(2);
  await Promise.all([kit.reset(), kit.close()]);
  expect(() => kit.nameServers).toThrow('the test kit is closed');
  expect(kit.clock.running).toBe(false);
});

test('over TCP any client reaches it', async () => {
  const kit = await setup({ transport: 'tcp' });
  expect(kit.nameServers).toMatch(/^127\.0\.0\.1:\d+$/);
  const foreign = closeAfterTest(await connect({ nameServers: kit.nameServers }));
  await (await foreign.producer({ group: 'shop' })).send({ topic: 'orders', body: 'over tcp' });
  const mq = await kit.connect();
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  let calls = 0;
  await consumer.run(() => {
    if (++calls < 2) throw new Error('not yet');
  });
  await kit.clock.advance('1m');
  expect(calls).toBe(2);
});

test('a kit whose handlers never end closes all the same', async () => {
  const kit = await testKit({ closeTimeoutMs: 50 });
  const mq = await kit.connect();
  await (await mq.producer({ group: 'shop' })).send({ topic: 'orders', body: 'x' });
  const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
  await consumer.run(() => new Promise(() => {}));
  await kit.clock.settle();
  await kit.close();
  await kit.close();
  expect([mq.state, consumer.state, kit.clock.running]).toEqual(['shut down', 'shut down', false]);
  expect(() => kit.nameServers).toThrow('the test kit is closed');
  expect(kit.clock.refTimers).toBe(0);
});

test.each([
  ['transport', { transport: 'udp' as never }],
  ['now', { now: Number.NaN }],
  ['running', { running: 1 as never }],
  ['closeTimeoutMs', { closeTimeoutMs: -1 }],
  ['server', { server: null as never }],
  ['dir', { dir: './data' } as never],
])('option %s is refused by name', async (option, options: TestKitOptions) => {
  await expect(testKit(options)).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option });
});

test('a kind of request that does not exist is refused by name', async () => {
  const kit = await setup();
  expect(() => kit.refuse('SEND_MASSAGE' as never)).toThrow('"SEND_MASSAGE" names no request code');
  expect(() => kit.refuse('SEND_MESSAGE', { code: 'BUSY' as never })).toThrow('"BUSY" names no response code');
  expect(() => kit.delay('SEND_MESSAGE', { by: 'soon' })).toThrow('delay by soon');
});
