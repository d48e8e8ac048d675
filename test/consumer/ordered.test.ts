import { describe, expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../core/client/client.js';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import type { ConsumerEvent } from '../../core/consumer/report/consumer-event.js';
import { on } from '../../core/consumer/shapes/topic-handler.js';
import { connect } from '../../core/container/connect.js';
import { startServer } from '../../core/server/index.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { tempDir } from '../kit/temp-dir.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { FakeBroker } from './kit/fake-broker.js';
import { fakeClient } from './kit/fake-client.js';
import { grantLocks } from './kit/fake-locks.js';

const TOPIC = 'orders';
/** Compressed when it is sent, and more than a consumer of these tests may decompress. */
const LARGE = 'x'.repeat(5_000);

async function setup() {
  const running = await startServer({ dir: tempDir(), nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => running.close());
  const client = async (): Promise<Client> => {
    const mq = await connect({ nameServers: running.nameServers });
    onTestFinished(() => mq.close());
    return mq;
  };
  const mq = await client();
  const producer = await mq.producer({ group: 'shop' });
  /** One key always goes to one queue. */
  const send = (key: string, index: number, body = `${key}-${index}`) =>
    producer.send({ topic: TOPIC, body, shardingKey: key });
  const consumer = async (from: Client, options: Partial<ConsumerOptions> = {}) => {
    const made = await from.consumer({
      ...{ group: 'G', subscribe: { [TOPIC]: '*' }, from: 'first', ordered: true, suspendCurrentQueueTimeMs: 10 },
      ...options,
    });
    onTestFinished(() => made.close({ timeoutMs: 0 }));
    return made;
  };
  return { running, mq, client, send, consumer };
}

describe('a consumer in order', () => {
  test('hands the messages of a queue over one by one, those of several queues side by side', async () => {
    const { mq, send, consumer } = await setup();
    const keys = Array.from({ length: 12 }, (_, index) => `key${index}`);
    for (let index = 0; index < 10; index++) await Promise.all(keys.map((key) => send(key, index)));
    const seen: string[] = [];
    const atWork = new Map<number, number>();
    let together = 0;
    const made = await consumer(mq);
    await made.run(async (message) => {
      atWork.set(message.queueId, (atWork.get(message.queueId) ?? 0) + 1);
      expect(atWork.get(message.queueId)).toBe(1);
      together = Math.max(together, [...atWork.values()].filter((count) => count > 0).length);
      await new Promise(setImmediate);
      seen.push(message.body.toString());
      atWork.set(message.queueId, 0);
    });
    await waitFor(() => seen.length === 120, { what: 'every message' });
    for (const key of keys) {
      const own = seen.filter((body) => body.startsWith(`${key}-`));
      expect(own).toEqual(Array.from({ length: 10 }, (_, index) => `${key}-${index}`));
    }
    expect(together).toBeGreaterThan(1);
  });

  test('holds a queue up behind a message that fails, until it succeeds', async () => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 4; index++) await send('key', index);
    const calls: string[] = [];
    const made = await consumer(mq);
    await made.run((message) => {
      calls.push(message.body.toString());
      if (calls.length < 4) throw new Error('not yet');
    });
    await waitFor(() => calls.length === 7, { what: 'seven calls' });
    expect(calls).toEqual(['key-0', 'key-0', 'key-0', 'key-0', 'key-1', 'key-2', 'key-3']);
  });

  test('in batches nothing overtakes the message that failed, not even what was acknowledged', async () => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 5; index++) await send('key', index);
    const batches: string[][] = [];
    const made = await consumer(mq, { batchSize: 5 });
    await made.runBatch((messages) => {
      batches.push(messages.map((message) => message.body.toString()));
      if (batches.length === 1) messages.find((message) => message.body.toString() === 'key-2')?.retry();
    });
    await waitFor(() => batches.flat().length >= 8, { what: 'the batch and its rest' });
    expect(batches.flat().slice(-3)).toEqual(['key-2', 'key-3', 'key-4']);
  });

  test.each([
    ['deadLetter', 1],
    ['skip', 0],
  ] as const)('gets past a poison message by the policy %s', async (poison, deadLetters) => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 3; index++) await send('key', index);
    const calls: string[] = [];
    const events: ConsumerEvent[] = [];
    const made = await consumer(mq, { maxReconsumeTimes: 2, poison });
    made.events$.subscribe((event) => events.push(event));
    await made.run((message) => {
      calls.push(message.body.toString());
      if (message.body.toString() === 'key-1') throw new Error('poison');
    });
    await waitFor(() => calls.includes('key-2'), { what: 'the message behind it' });
    expect(calls).toEqual(['key-0', 'key-1', 'key-1', 'key-1', 'key-2']);
    const next = events.filter((event) => event.type === 'failed').map((event) => event.next);
    expect(next).toEqual(['here', 'here', poison === 'skip' ? 'dropped' : 'deadLetter']);
    expect(events.filter((event) => event.type === 'sentBack')).toHaveLength(deadLetters);
    if (poison === 'skip') return;
    const dead: string[] = [];
    const graveyard = await mq.consumer({ group: 'undertaker', subscribe: { '%DLQ%G': '*' }, from: 'first' });
    await graveyard.run((message) => void dead.push(message.body.toString()));
    await waitFor(() => dead.length === 1, { what: 'the dead letter' });
    expect(dead).toEqual(['key-1']);
  });

  test('gets past a poison message as its handler’s own policies say', async () => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 3; index++) await send('key', index);
    const calls: string[] = [];
    const made = await consumer(mq);
    const handle = (message: { body: Buffer }): void => {
      calls.push(message.body.toString());
      if (message.body.toString() === 'key-1') throw new Error('poison');
    };
    await made.run([on(TOPIC, handle, { maxReconsumeTimes: 1, poison: 'skip' })]);
    await waitFor(() => calls.includes('key-2'), { what: 'the message behind it' });
    expect(calls).toEqual(['key-0', 'key-1', 'key-1', 'key-2']);
  });

  test.each([
    ['deadLetter', ['deadLetter']],
    ['skip', []],
  ] as const)('gets past a body that cannot be decompressed by the policy %s', async (undecodable, next) => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 3; index++) await send('key', index, index === 1 ? LARGE : undefined);
    const calls: string[] = [];
    const events: ConsumerEvent[] = [];
    const made = await consumer(mq, { undecodable, decompressedSizeBytesMax: 1_000 });
    made.events$.subscribe((event) => events.push(event));
    await made.run((message) => void calls.push(message.body.toString()));
    await waitFor(() => calls.length === 2, { what: 'the messages around it' });
    expect(calls).toEqual(['key-0', 'key-2']);
    expect(events.filter((event) => event.type === 'failed').map((event) => event.next)).toEqual(next);
    expect(events.filter((event) => event.type === 'sentBack')).toHaveLength(next.length);
  });

  test('in batches what stands before a body that cannot be read comes first, and what stands behind it last', async () => {
    const { mq, send, consumer } = await setup();
    for (let index = 0; index < 4; index++) await send('key', index, index === 1 ? LARGE : undefined);
    const batches: string[][] = [];
    const seen: string[] = [];
    const limits = { batchSize: 4, maxReconsumeTimes: 1, decompressedSizeBytesMax: 1_000 };
    const made = await consumer(mq, { ...limits, poison: 'skip' });
    made.events$.subscribe((event) => {
      if (event.type === 'failed') seen.push(event.next);
    });
    await made.runBatch((messages) => {
      batches.push(messages.map((message) => message.body.toString()));
      seen.push(`${messages.length} handled`);
    });
    await waitFor(() => batches.flat().length === 3, { what: 'the messages around it' });
    expect(batches).toEqual([['key-0'], ['key-2', 'key-3']]);
    expect(seen).toEqual(['1 handled', 'here', 'dropped', '2 handled']);
  });

  test('members that come and go change nothing about the order, and no two handle one queue', async () => {
    const { client, send, consumer } = await setup();
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`);
    const last = new Map<string, number>();
    const atWork = new Map<string, string>();
    const wrong: string[] = [];
    let handled = 0;
    const handle = (who: string) => async (message: { body: Buffer; queueId: number; brokerName: string }) => {
      const place = `${message.brokerName}/${message.queueId}`;
      if (atWork.has(place)) wrong.push(`${who} and ${atWork.get(place)} at ${place}`);
      atWork.set(place, who);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const [key = '', text] = message.body.toString().split('-');
      const index = Number(text);
      // What was handled and not committed when a queue changed hands may come again, from an earlier one on.
      if (index > (last.get(key) ?? -1) + 1) wrong.push(`${key}-${index} after ${last.get(key)}`);
      last.set(key, index);
      if (index === 59) handled++;
      atWork.delete(place);
    };
    const join = async (who: string) => {
      const made = await consumer(await client(), { rebalanceIntervalMs: 1_000 });
      await made.run(handle(who));
      return made;
    };
    const first = await join('first');
    for (let index = 0; index < 20; index++) await Promise.all(keys.map((key) => send(key, index)));
    const second = await join('second');
    for (let index = 20; index < 40; index++) await Promise.all(keys.map((key) => send(key, index)));
    await waitFor(() => second.assignment().length > 0, { what: 'queues of the second' });
    await first.close();
    for (let index = 40; index < 60; index++) await Promise.all(keys.map((key) => send(key, index)));
    await waitFor(() => keys.every((key) => last.get(key) === 59), { what: 'every last message' });
    expect(wrong).toEqual([]);
    expect(handled).toBeGreaterThanOrEqual(keys.length);
  });

  test('a queue waits for its handler before another member gets it', async () => {
    const { client, send, consumer } = await setup();
    for (let index = 0; index < 8; index++) await send(`key${index}`, 0);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const started: number[] = [];
    const first = await consumer(await client(), { rebalanceIntervalMs: 1_000 });
    await first.run(async (message) => {
      started.push(message.queueId);
      await held;
    });
    await waitFor(() => started.length === 4, { what: 'a handler for every queue' });
    const seen: number[] = [];
    const second = await consumer(await client(), { rebalanceIntervalMs: 1_000 });
    await second.run((message) => void seen.push(message.queueId));
    expect(second.assignment()).toEqual([]);
    expect(first.assignment()).toHaveLength(4);
    release();
    await waitFor(() => second.assignment().length === 2, { what: 'half of the queues' });
    expect(first.assignment()).toHaveLength(2);
  });
});

describe('order is kept', () => {
  const first = { topic: TOPIC, brokerName: 'broker-a', queueId: 0 };

  function fakes() {
    const clock = virtualClock();
    const broker = new FakeBroker();
    grantLocks(broker);
    broker.createTopic(TOPIC, 2);
    broker.createTopic('%RETRY%G', 1);
    for (const queueId of [0, 1]) broker.setOffset('G', TOPIC, queueId, 0);
    for (let index = 0; index < 3; index++) broker.put(TOPIC, 0);
    const consumer = fakeClient(broker, clock).consumer({ group: 'G', subscribe: { [TOPIC]: '*' }, ordered: true });
    return { clock, broker, consumer, calls: [] as string[] };
  }

  test('behind a message that wants to come again after a while of its own', async () => {
    const { clock, consumer, calls } = fakes();
    await consumer.run((message) => {
      calls.push(`${message.queueId}/${message.queueOffset}`);
      if (calls.length === 1) message.retry({ after: '10s' });
    });
    await waitFor(() => calls.length === 1);
    await nextTurn();
    await clock.advance(9_999);
    expect(calls).toEqual(['0/0']);
    await clock.advance(1);
    expect(calls).toEqual(['0/0', '0/0', '0/1', '0/2']);
  });

  test('where a seek says to go on, once the handler that runs has ended', async () => {
    const { broker, clock, consumer, calls } = fakes();
    let end = (): void => undefined;
    await consumer.run((message) => {
      calls.push(`${message.queueId}/${message.queueOffset}`);
      if (calls.length !== 2) return undefined;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    await waitFor(() => calls.length === 2);
    expect(await consumer.seek(first, 0)).toBe(0);
    expect([calls.length, broker.offsetOf('G', TOPIC, 0)]).toEqual([2, 0]);
    end();
    await clock.advance(1_000);
    expect(calls.slice(2)).toEqual(['0/0', '0/1', '0/2']);
    await clock.advance(5_000);
    expect(broker.offsetOf('G', TOPIC, 0)).toBe(3);
  });

  test('while a queue is paused: not even the next try of a message comes, and other queues go on', async () => {
    const { broker, clock, consumer, calls } = fakes();
    await consumer.run((message) => {
      calls.push(`${message.queueId}/${message.queueOffset}`);
      if (calls.length === 1) throw new Error('not yet');
    });
    await waitFor(() => calls.length === 1);
    consumer.pause([first]);
    broker.put(TOPIC, 1);
    await clock.advance(10_000);
    expect(calls).toEqual(['0/0', '1/0']);
    consumer.resume([first]);
    await waitFor(() => calls.length === 5);
    expect(calls.slice(2)).toEqual(['0/0', '0/1', '0/2']);
  });
});
