import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  connect,
  isRocketMQError,
  type OutgoingMessage,
  type Producer,
  type ReceivedMessage,
  type SendResult,
} from '../../../core/index.js';
import { parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import { BrokerQuestions, type QueueCounts } from './broker-questions.js';
import { collectTopics } from './collect.js';
import { ANSWERED, PATIENT } from './patience.js';
import { waitFor } from './ports.js';
import { specimens } from './specimens.js';
import type { Target } from './target.js';

/** Topic with more messages than a file of a small consume queue has entries. */
export const SMALL_TOPIC = 'estate_small';
/** Reads SMALL_TOPIC on, wherever the directory is. */
export const READER = 'estate_reader';
/** Stopped in the middle of SMALL_TOPIC once and never reads again. */
export const STOPPED_READER = 'estate_stopped';
const TAGS = ['red', 'green', 'blue'] as const;
/** Messages that are looked for by their keys at a time. */
const SAMPLES = 40;

type Position = Pick<ReceivedMessage, 'topic' | 'queueId' | 'queueOffset'>;

interface Holding extends Position {
  readonly message: OutgoingMessage;
  readonly body: Buffer;
  /** Where its record was found first: commit-log offset and time. */
  place?: string;
  /** No index knows it any more. */
  isForgotten?: boolean;
}

/**
 * What brokers have acknowledged of one data directory: messages, topics and offsets of groups. It goes with the
 * directory from one broker to the next, and every one of them has to have all of it.
 */
export class Estate {
  readonly #holdings = new Map<string, Holding>();
  readonly #topics = new Map<string, QueueCounts>();
  /** `topic@group` to offsets by queue. */
  readonly #offsets = new Map<string, ReadonlyMap<number, number>>();
  readonly #readByReader = new Set<string>();
  #round = 0;

  get messageCount(): number {
    return this.#holdings.size;
  }

  /** Ids of the messages that READER has not had yet. */
  get unread(): string[] {
    const ids = [...this.#holdings].filter(([, { topic }]) => topic === SMALL_TOPIC).map(([msgId]) => msgId);
    return ids.filter((msgId) => !this.#readByReader.has(msgId));
  }

  /** Takes over what is in a directory that others wrote: the messages of these topics and every group's offsets. */
  async adopt(target: Target, dir: string, topics: readonly string[]): Promise<void> {
    await withQuestions(target, async (questions) => {
      for (const topic of topics) this.#topics.set(topic, await existing(questions, topic));
    });
    for (const [key, offsets] of await offsetsOnDisk(dir)) this.#offsets.set(key, offsets);
    for (const message of await this.#readAll(target)) {
      const { topic, queueId, queueOffset, body, tag, keys, flag } = message;
      const place = placeOf(message);
      this.#holdings.set(`${message.msgId} ${topic}`, {
        ...{
          message: { topic, body, keys, flag, ...(tag !== undefined && { tag }) },
          body,
          topic,
          queueId,
          queueOffset,
          place,
        },
      });
    }
  }

  /** A message of every kind, small ones enough to fill files, in several topics; and two groups. */
  async found(target: Target): Promise<void> {
    await withQuestions(target, async (questions) => {
      const created = { readQueueNums: 3, writeQueueNums: 2, perm: 6 };
      await questions.createTopic('estate_created', created);
      this.#topics.set('estate_created', created);
      await this.append(target, { smallCount: 450 });
      // 5.x takes offsets of groups that it knows, and consumers make theirs known.
      await collectTopics({ nameServers: target.nameServer }, ['estate_created'], 1, { group: STOPPED_READER });
      for (const [queueId, offset] of [
        [0, 101],
        [1, 7],
        [3, 0],
      ] as const) {
        await questions.commit(SMALL_TOPIC, queueId, STOPPED_READER, offset);
      }
      this.#offsets.set(
        `${SMALL_TOPIC}@${STOPPED_READER}`,
        new Map([
          [0, 101],
          [1, 7],
          [3, 0],
        ]),
      );
    });
  }

  /** Sends on, in all topics and ways. */
  async append(target: Target, { smallCount = 40 } = {}): Promise<void> {
    const round = this.#round++;
    const mq = await connect({ ...PATIENT, nameServers: target.nameServer });
    try {
      const producer = await mq.producer({ group: 'estate_producer', ...ANSWERED });
      for (const { name: _, ...rest } of specimens().filter(({ body }) => body.length !== 1_048_576)) {
        await this.#send(producer, { topic: 'estate_specimens', ...rest });
      }
      for (const compression of ['zlib', 'lz4', 'zstd'] as const) {
        const packing = await mq.producer({ group: `estate_${compression}`, compression, ...ANSWERED });
        const body = Buffer.alloc(20_000, `${compression} in round ${round}; `);
        await this.#send(packing, { topic: 'estate_codecs', body, tag: compression });
      }
      await this.#send(producer, { topic: 'estate_created', body: `round ${round}` });
      const batch = Array.from({ length: 20 }, (_, index): OutgoingMessage => {
        const tag = TAGS[index % 3];
        return { topic: 'estate_batch', body: `${round}: ${index} of a batch`, ...(tag && { tag }), keys: `b${index}` };
      });
      const results = await producer.sendBatch(batch);
      for (const [index, message] of batch.entries()) this.#hold(message, results[index]);
      for await (const { message, result, error } of producer.sendAll(this.#small(round, smallCount), {
        concurrency: 16,
      })) {
        if (error !== undefined) throw error;
        this.#hold(message, result);
      }
    } finally {
      await mq.close();
    }
    await withQuestions(target, async (questions) => {
      for (const { topic } of this.#holdings.values()) {
        if (!this.#topics.has(topic)) this.#topics.set(topic, await existing(questions, topic));
      }
    });
  }

  /** Sends until `kill` has ended the broker in the middle of it, after `count` messages; keeps what was acknowledged. */
  async appendUntilKilled(target: Target, kill: () => Promise<void>, count = 200): Promise<void> {
    const mq = await connect({ ...PATIENT, nameServers: target.nameServer });
    try {
      const producer = await mq.producer({ group: 'estate_load', ...ANSWERED, retries: 0 });
      const messages = this.#small(this.#round++, Number.POSITIVE_INFINITY);
      let acknowledged = 0;
      let killing: Promise<void> | undefined;
      for await (const { message, result, error } of producer.sendAll(messages, { concurrency: 32 })) {
        if (error !== undefined) {
          if (killing !== undefined) break;
          // A broker that is busy refuses some.
          continue;
        }
        this.#hold(message, result);
        if (++acknowledged >= count) killing ??= kill();
      }
      expect(acknowledged).toBeGreaterThanOrEqual(count);
      await killing;
    } finally {
      await mq.close();
    }
  }

  /** Every message is where it was acknowledged and as it was sent, no queue has a gap, topics and offsets are there. */
  async verify(target: Target): Promise<void> {
    await withQuestions(target, async (questions) => {
      for (const [topic, counts] of this.#topics) {
        expect(await questions.route(topic), `queues of ${topic}`).toEqual(counts);
      }
      for (const [key, offsets] of this.#offsets) {
        const [topic = '', group = ''] = key.split('@');
        for (const [queueId, offset] of offsets) {
          expect(await questions.consumerOffset(topic, queueId, group), `offset ${key} ${queueId}`).toBe(offset);
        }
      }
    });
    const found = new Map<string, ReceivedMessage>();
    for (const message of await this.#readAll(target)) found.set(positionOf(message), message);
    const missing: string[] = [];
    for (const holding of this.#holdings.values()) {
      const message = found.get(positionOf(holding));
      if (message === undefined) missing.push(positionOf(holding));
      else expectHeld(message, holding);
    }
    expect(missing).toEqual([]);
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** By queue. */
  offsetsOf(topic: string, group: string): ReadonlyMap<number, number> {
    return this.#offsets.get(`${topic}@${group}`) ?? new Map();
  }

  /** From now on nobody has to find what is there by its keys. */
  forgetKeys(): void {
    for (const holding of this.#holdings.values()) holding.isForgotten = true;
  }

  /** Messages of all times are found by the ids of their producers and by their keys. */
  async verifyKeys({ nameServer }: Target): Promise<void> {
    const findable = [...this.#holdings].filter(([, { isForgotten }]) => isForgotten !== true);
    const sample = findable.filter((_, index) => index % Math.ceil(findable.length / SAMPLES) === 0);
    const mq = await connect({ ...PATIENT, nameServers: nameServer });
    try {
      for (const [id, holding] of [...sample, ...findable.slice(-3)]) {
        const [msgId = ''] = id.split(' ');
        // Apache's index is a moment behind.
        const message = await found(`message ${msgId}`, () => mq.admin.viewMessage(holding.topic, msgId));
        expect(positionOf(message)).toBe(positionOf(holding));
        const [key] = message.keys;
        if (key === undefined) continue;
        const { messages } = await mq.admin.queryMessage(holding.topic, key, { maxNum: 64 });
        expect(messages.map(positionOf), `messages of key ${key}`).toContain(positionOf(holding));
      }
    } finally {
      await mq.close();
    }
  }

  /** READER has had these; each has to be one that it had not. Returns how many acknowledged ones it lacks now. */
  readerGot(messages: readonly { readonly msgId: string }[]): number {
    for (const { msgId } of messages) {
      expect(this.#readByReader.has(msgId), `${msgId} was read before`).toBe(false);
      this.#readByReader.add(msgId);
    }
    return this.unread.length;
  }

  /** How many messages READER has before it, acknowledged or not. */
  async readerLag(target: Target): Promise<number> {
    let lag = 0;
    await withQuestions(target, async (questions) => {
      const ends = this.#endsOf(SMALL_TOPIC);
      for (let queueId = 0; queueId < 4; queueId++) {
        // Apache makes the entries of queues a moment after it acknowledged their messages.
        const end = () => questions.maxOffset(SMALL_TOPIC, queueId);
        await waitFor('the queue entries', async () => (await end()) >= (ends.get(queueId) ?? 0));
        lag += (await end()) - ((await questions.consumerOffset(SMALL_TOPIC, queueId, READER)) ?? 0);
      }
    });
    return lag;
  }

  /** Resolves when the broker knows that READER has read everything, which clients of Apache tell it without waiting for an answer. */
  async readerIsDone(target: Target): Promise<void> {
    await waitFor(`the offsets of ${READER}`, async () => (await this.readerLag(target)) === 0);
  }

  /** Resolves when the broker has written down the offsets of the groups as it knows them. */
  async offsetsWritten(target: Target, dir: string): Promise<void> {
    await withQuestions(target, async (questions) => {
      const asked = new Map<number, number | undefined>();
      for (let queueId = 0; queueId < 4; queueId++) {
        asked.set(queueId, await questions.consumerOffset(SMALL_TOPIC, queueId, READER));
      }
      await waitFor('the offsets in their file', async () => {
        const written = (await offsetsOnDisk(dir)).get(`${SMALL_TOPIC}@${READER}`);
        return [...asked].every(([queueId, offset]) => written?.get(queueId) === offset);
      });
    });
  }

  /** By queue of a topic, one past the last message that was acknowledged. */
  #endsOf(topic: string): ReadonlyMap<number, number> {
    const ends = new Map<number, number>();
    for (const holding of this.#holdings.values()) {
      if (holding.topic !== topic) continue;
      ends.set(holding.queueId, Math.max(ends.get(holding.queueId) ?? 0, holding.queueOffset + 1));
    }
    return ends;
  }

  async #readAll(target: Target): Promise<ReceivedMessage[]> {
    let count = 0;
    await withQuestions(target, async (questions) => {
      for (const [topic, { readQueueNums }] of this.#topics) {
        for (let queueId = 0; queueId < readQueueNums; queueId++) count += await questions.maxOffset(topic, queueId);
      }
    });
    const group = `estate_verifies_${this.#round}_${Date.now()}`;
    const messages = await collectTopics({ nameServers: target.nameServer }, [...this.#topics.keys()], count, {
      group,
    });
    expect(new Set(messages.map(positionOf)).size, 'positions, each once').toBe(count);
    return messages;
  }

  async #send(producer: Producer, message: OutgoingMessage): Promise<void> {
    this.#hold(message, await producer.send(message));
  }

  #hold(message: OutgoingMessage, result: SendResult | undefined): void {
    const { status, msgId = '', queue, queueOffset } = result ?? {};
    if (status !== 'SEND_OK' || queue === undefined || queueOffset === undefined) {
      throw new Error(`not acknowledged: ${JSON.stringify(result)}`);
    }
    const body = Buffer.from(message.body);
    this.#holdings.set(msgId, { message, body, topic: message.topic, queueId: queue.queueId, queueOffset });
  }

  *#small(round: number, count: number): Generator<OutgoingMessage> {
    for (let index = 0; index < count; index++) {
      const tag = TAGS[index % TAGS.length];
      yield { topic: SMALL_TOPIC, body: `round ${round}, ${index}`, keys: `${round}-${index}`, ...(tag && { tag }) };
    }
  }
}

async function found(what: string, look: () => Promise<ReceivedMessage>): Promise<ReceivedMessage> {
  let message: ReceivedMessage | undefined;
  await waitFor(what, async () => {
    message = await look().catch((error: unknown) => {
      if (isRocketMQError(error, 'RMQ_MESSAGE_NOT_FOUND')) return undefined;
      throw error;
    });
    return message !== undefined;
  });
  return message as ReceivedMessage;
}

function expectHeld(message: ReceivedMessage, holding: Holding): void {
  const { tag, keys = [], flag = 0, properties = {} } = holding.message;
  const position = positionOf(holding);
  expect(message.body.equals(holding.body), `body at ${position}`).toBe(true);
  const expected = { tag, keys: typeof keys === 'string' ? [keys] : keys, flag };
  expect({ tag: message.tag, keys: message.keys, flag: message.flag }, position).toEqual(expected);
  for (const [name, value] of Object.entries(properties)) expect(message.properties[name], position).toBe(value);
  holding.place ??= placeOf(message);
  expect(placeOf(message), position).toBe(holding.place);
}

function positionOf({
  topic,
  queueId,
  queueOffset,
}: Pick<ReceivedMessage, 'topic' | 'queueId' | 'queueOffset'>): string {
  return `${topic} ${queueId} ${queueOffset}`;
}

function placeOf({ commitLogOffset, storeTimestamp, msgId }: ReceivedMessage): string {
  return `${commitLogOffset} ${storeTimestamp} ${msgId}`;
}

/** Apache's broker tells its name server of a topic that a send has made without waiting for an answer. */
async function existing(questions: BrokerQuestions, topic: string): Promise<QueueCounts> {
  let counts: QueueCounts | undefined;
  await waitFor(`a route to ${topic}`, async () => {
    counts = await questions.route(topic);
    return counts !== undefined;
  });
  return counts as QueueCounts;
}

/** The table of consumerOffset.json. */
async function offsetsOnDisk(dir: string): Promise<Map<string, Map<number, number>>> {
  const text = await readFile(join(dir, 'config', 'consumerOffset.json'), 'utf8').catch(() => '');
  if (text === '') return new Map();
  const { offsetTable } = parseJsonDialect(text) as { offsetTable: Record<string, Record<string, number>> };
  const byQueue = (offsets: Record<string, number>) =>
    new Map(Object.entries(offsets).map(([queueId, offset]) => [Number(queueId), offset]));
  return new Map(Object.entries(offsetTable).map(([key, offsets]) => [key, byQueue(offsets)]));
}

async function withQuestions(target: Target, work: (questions: BrokerQuestions) => Promise<void>): Promise<void> {
  const questions = new BrokerQuestions(target);
  try {
    await work(questions);
  } finally {
    await questions.close();
  }
}
