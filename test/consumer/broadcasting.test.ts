import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LocalOffsetStore } from '../../core/consumer/broadcasting/local-offset-store.js';
import { localOffsetsDir } from '../../core/consumer/broadcasting/local-offsets-dir.js';
import type { ConsumerEvent } from '../../core/consumer/report/consumer-event.js';
import { connect } from '../../core/container/connect.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { systemClock } from '../../core/runtime/system-clock.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { tempDir } from '../kit/temp-dir.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

const TOPIC = 'news';
const GROUP = 'readers';

async function setup() {
  const running = await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => running.close());
  const client = async (instanceName: string) => {
    const mq = await connect({ nameServers: running.nameServers, instanceName });
    onTestFinished(() => mq.close());
    return mq;
  };
  const mq = await client('sender');
  const producer = await mq.producer({ group: 'press' });
  const send = (body: string) => producer.send({ topic: TOPIC, body });
  const dir = tempDir();
  const options = {
    ...{ group: GROUP, subscribe: { [TOPIC]: '*' }, messageModel: 'broadcasting' as const },
    ...{ from: 'first' as const, localOffsetStoreDir: dir },
  };
  return { client, send, dir, options };
}

test('every member gets every message', async () => {
  const { client, send, options } = await setup();
  await send('0');
  const members = await Promise.all(['one', 'two'].map((name) => client(name)));
  const seen = await Promise.all(
    members.map(async (mq) => {
      const bodies = new Set<string>();
      const consumer = await mq.consumer(options);
      await consumer.run((message) => void bodies.add(message.body.toString()));
      expect(consumer.assignment()).toHaveLength(4);
      return bodies;
    }),
  );
  for (let index = 1; index < 20; index++) await send(String(index));
  await waitFor(() => seen.every(({ size }) => size === 20), { what: 'twenty messages at both' });
});

test('a member that comes back goes on where its file says, which is Java’s', async () => {
  const { client, send, options, dir } = await setup();
  const read = async (count: number): Promise<string[]> => {
    const mq = await client('one');
    const bodies: string[] = [];
    const consumer = await mq.consumer(options);
    await consumer.run((message) => void bodies.push(message.body.toString()));
    await waitFor(() => bodies.length >= count, { what: `${count} messages` });
    await mq.close();
    return bodies.sort();
  };
  for (const body of ['a', 'b', 'c']) await send(body);
  expect(await read(3)).toEqual(['a', 'b', 'c']);
  await send('d');
  expect(await read(1)).toEqual(['d']);
  const mq = await client('one');
  const file = await readFile(join(localOffsetsDir(dir, mq.clientId, GROUP), 'offsets.json'), 'utf8');
  expect(file).toMatch(/^\{"offsetTable":\{\{"brokerName":"broker-a","queueId":\d,"topic":"news"\}:\d,.*\}\}$/);
  expect([...file.matchAll(/\}:(\d)/g)].reduce((sum, [, offset]) => sum + Number(offset), 0)).toBe(4);
});

test('what fails is tried here and then given up: nobody else would get it', async () => {
  const { client, send, options } = await setup();
  await send('bad');
  const mq = await client('one');
  const events: ConsumerEvent[] = [];
  const consumer = await mq.consumer({ ...options, handlerRetry: { attempts: 2, initialDelayMs: 1 } });
  consumer.events$.subscribe((event) => events.push(event));
  let calls = 0;
  await consumer.run(() => {
    calls++;
    throw new Error('bad news');
  });
  await waitFor(() => events.some((event) => event.type === 'failed' && event.next === 'dropped'));
  expect(calls).toBe(3);
  const [queue] = consumer.assignment().filter(({ unacknowledged }) => unacknowledged > 0);
  expect(queue).toBeUndefined();
});

test('a dead letter is given up at once, a retry comes again when it says, and nothing is sent back', async () => {
  const clock = virtualClock();
  const broker = new FakeBroker();
  broker.createTopic(TOPIC, 1);
  for (let index = 0; index < 2; index++) broker.put(TOPIC, 0);
  const consumer = fakeClient(broker, clock).consumer({
    ...{ group: GROUP, subscribe: { [TOPIC]: '*' }, messageModel: 'broadcasting', from: 'first' },
    ...{ localOffsetStoreDir: tempDir(), handlerRetry: { attempts: 1 } },
  });
  const events = eventsOf(consumer);
  const calls: number[] = [];
  await consumer.run((message) => {
    calls.push(message.queueOffset);
    if (message.queueOffset === 0) message.deadLetter('no use');
    else message.retry({ after: '30s' });
  });
  await waitFor(() => calls.length === 2);
  await nextTurn();
  await clock.advance(29_999);
  expect(calls).toEqual([0, 1]);
  await clock.advance(1);
  expect(calls).toEqual([0, 1, 1]);
  const failed = events.filter((event) => event.type === 'failed');
  expect(failed.map(({ queueOffset, next }) => `${queueOffset} ${next}`)).toEqual(['0 dropped', '1 here', '1 dropped']);
  expect(consumer.assignment()).toMatchObject([{ committableOffset: 2, unacknowledged: 0 }]);
  expect(broker.requests.map(({ command }) => command.code)).not.toContain(RequestCode.CONSUMER_SEND_MSG_BACK);
});

test('a file that is damaged gives way to the one before it', async () => {
  const dir = tempDir();
  const queue = { topic: TOPIC, brokerName: 'b', queueId: 1 };
  const store = () => new LocalOffsetStore({ dir, group: GROUP, clock: systemClock, logger: silentLogger });
  const first = store();
  expect(await first.read(queue)).toBeUndefined();
  first.update(queue, 5);
  await first.persist();
  first.update(queue, 7);
  await first.persist();
  expect(await store().read(queue)).toBe(7);
  await writeFile(join(dir, 'offsets.json'), '{"offsetTable":{{"bro');
  expect(await store().read(queue)).toBe(5);
});

test('the folder of a client that nobody named is the same in the next process', () => {
  expect(localOffsetsDir('/d', '10.0.0.1@77#0a1b2c3d4e5f', 'G')).toBe(join('/d', '10.0.0.1@DEFAULT', 'G'));
  expect(localOffsetsDir('/d', '10.0.0.1@77#0a1b2c@unit', 'G')).toBe(join('/d', '10.0.0.1@DEFAULT@unit', 'G'));
  expect(localOffsetsDir('/d', '10.0.0.1@mine', 'G')).toBe(join('/d', '10.0.0.1@mine', 'G'));
});
