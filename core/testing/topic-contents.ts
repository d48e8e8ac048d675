import { rocketMQError } from '../errors/rocketmq-error.js';
import { decompressBody } from '../message/compression/decompress.js';
import type { ReceivedMessage } from '../message/message.js';
import { readRecord } from '../message/message-record.js';
import { toReceivedMessage } from '../message/received-message.js';
import { SysFlag } from '../message/sys-flag.js';
import type { TypedTopic } from '../message/typed-topic.js';
import { clearTimeout, setTimeout } from '../runtime/event-loop.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type { MessageStore } from '../server/broker/message-store.js';

const WAIT_MS = 2_000;
const BATCH = 32;

/** Which messages of a topic, and how long to wait for them. */
export interface MessagesOptions {
  /** Waits until at least so many are there. Default 0: what is there now. */
  readonly count?: number;
  /** How long it waits, in real time, before RMQ_KIT_TIMEOUT. Default 2,000. */
  readonly timeoutMs?: number;
  /** Which messages count. Default: all. */
  readonly where?: (message: ReceivedMessage) => boolean;
}

const MESSAGES: OptionNames = { of: 'kit.messages', names: new Set(['count', 'timeoutMs', 'where']) };

/** What the topics of a server hold, and waiting until they hold it. */
export class TopicContents {
  readonly #store: MessageStore;
  readonly #brokerName: string;
  readonly #onArrival = new Set<(topic: string) => void>();

  constructor(store: MessageStore, brokerName: string) {
    this.#store = store;
    this.#brokerName = brokerName;
    store.onArrival((topic) => {
      for (const listener of this.#onArrival) listener(topic);
    });
  }

  /** In the order in which they were stored. */
  async messages<T>(
    topic: string | TypedTopic<T>,
    options: MessagesOptions = {},
  ): Promise<ReceivedMessage<T | string>[]> {
    requireKnown(options, MESSAGES);
    const { count = 0, timeoutMs = WAIT_MS, where = () => true } = options;
    requireNumber('count', count);
    requireNumber('timeoutMs', timeoutMs);
    const name = typeof topic === 'string' ? topic : topic.name;
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    let wake = (): void => {};
    const onArrival = (arrived: string): void => {
      if (arrived === name) wake();
    };
    this.#onArrival.add(onArrival);
    try {
      for (;;) {
        const arrival = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const found = (await this.#read(name, topic)).filter(where);
        if (found.length >= count) return found;
        if (isOver) throw timedOut(name, count, found.length, timeoutMs);
        timer ??= setTimeout(() => {
          isOver = true;
          wake();
        }, timeoutMs);
        await arrival;
      }
    } finally {
      clearTimeout(timer);
      this.#onArrival.delete(onArrival);
    }
  }

  async #read<T>(name: string, topic: string | TypedTopic<T>): Promise<ReceivedMessage<T | string>[]> {
    const messages: ReceivedMessage<T | string>[] = [];
    for (const queue of [...this.#store.queues()]) {
      if (queue.topic !== name) continue;
      for await (const record of this.#records(name, queue.queueId)) messages.push(await this.#decode(record, topic));
    }
    return messages.sort((one, other) => one.commitLogOffset - other.commitLogOffset);
  }

  async *#records(topic: string, queueId: number): AsyncGenerator<Buffer> {
    let offset = this.#store.minOffset(topic, queueId);
    while (offset < this.#store.maxOffset(topic, queueId)) {
      const { status, records, nextBeginOffset } = await this.#store.get(topic, queueId, offset, {
        messagesMax: BATCH,
      });
      yield* records;
      if (status !== 'FOUND' && nextBeginOffset <= offset) return;
      offset = nextBeginOffset;
    }
  }

  async #decode<T>(bytes: Buffer, topic: string | TypedTopic<T>): Promise<ReceivedMessage<T | string>> {
    const record = readRecord(bytes, 0);
    const isCompressed = (record.sysFlag & SysFlag.COMPRESSED) !== 0 && record.body.length > 0;
    const body = isCompressed ? await decompressBody(record.body, record.sysFlag) : Buffer.from(record.body);
    const value = typeof topic === 'string' ? body.toString('utf8') : await topic.decode(body);
    return toReceivedMessage<T | string>(record, this.#brokerName, { body, value });
  }
}

function requireNumber(option: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${String(value)}: expected a number from 0`, { option });
}

function timedOut(topic: string, wanted: number, found: number, timeoutMs: number): Error {
  const words = `waited ${timeoutMs} ms for ${wanted} messages in topic ${topic}, there are ${found}`;
  return rocketMQError('RMQ_KIT_TIMEOUT', words, { topic, wanted, found });
}
