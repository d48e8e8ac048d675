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
/** Messages that a time-out shows, the last ones, and how much of their bodies. */
const SHOWN_MAX = 5;
const SHOWN_BYTES_MAX = 60;

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

/** Where messages are read: the store of a server that runs. */
interface Shown {
  readonly store: MessageStore;
  readonly brokerName: string;
}

/** What the topics of a server hold, and waiting until they hold it, also while the server is started anew. */
export class TopicContents {
  /** Undefined while the server is stopped. */
  #shown: Shown | undefined;
  #ended = false;
  /** Told of a topic in which a message arrived, without one of everything else. */
  readonly #waiting = new Set<(topic?: string) => void>();

  /** The server runs. */
  show(store: MessageStore, brokerName: string): void {
    this.#shown = { store, brokerName };
    store.onArrival((topic) => this.#wake(topic));
    this.#wake();
  }

  /** The server stops, and may come back. */
  hide(): void {
    this.#shown = undefined;
  }

  /** The server does not come back: whoever waits hears of it. */
  end(): void {
    this.#ended = true;
    this.#wake();
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
    const waiting = (arrived = name): void => {
      if (arrived === name) wake();
    };
    this.#waiting.add(waiting);
    try {
      for (;;) {
        if (this.#ended) throw rocketMQError('RMQ_NOT_RUNNING', 'the test kit is closed', { state: 'shut down' });
        const arrival = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const there = await this.#readShown(name, topic);
        const found = there?.filter(where);
        if (found !== undefined && found.length >= count) return found;
        if (isOver) throw timedOut(name, count, found ?? [], there ?? [], timeoutMs);
        timer ??= setTimeout(() => {
          isOver = true;
          wake();
        }, timeoutMs);
        await arrival;
      }
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    }
  }

  #wake(topic?: string): void {
    for (const waiting of this.#waiting) waiting(topic);
  }

  /** Undefined when the server is stopped, or stops meanwhile. */
  async #readShown<T>(name: string, topic: string | TypedTopic<T>): Promise<ReceivedMessage<T | string>[] | undefined> {
    const shown = this.#shown;
    if (shown === undefined) return undefined;
    try {
      return await read(shown, name, topic);
    } catch (error) {
      if (this.#shown === shown) throw error;
      return undefined;
    }
  }
}

async function read<T>(
  { store, brokerName }: Shown,
  name: string,
  topic: string | TypedTopic<T>,
): Promise<ReceivedMessage<T | string>[]> {
  const messages: ReceivedMessage<T | string>[] = [];
  for (const queue of [...store.queues()]) {
    if (queue.topic !== name) continue;
    for await (const record of recordsOf(store, name, queue.queueId)) {
      messages.push(await decode(record, brokerName, topic));
    }
  }
  return messages.sort((one, other) => one.commitLogOffset - other.commitLogOffset);
}

async function* recordsOf(store: MessageStore, topic: string, queueId: number): AsyncGenerator<Buffer> {
  let offset = store.minOffset(topic, queueId);
  while (offset < store.maxOffset(topic, queueId)) {
    const { status, records, nextBeginOffset } = await store.get(topic, queueId, offset, { messagesMax: BATCH });
    yield* records;
    if (status !== 'FOUND' && nextBeginOffset <= offset) return;
    offset = nextBeginOffset;
  }
}

async function decode<T>(
  bytes: Buffer,
  brokerName: string,
  topic: string | TypedTopic<T>,
): Promise<ReceivedMessage<T | string>> {
  const record = readRecord(bytes, 0);
  const isCompressed = (record.sysFlag & SysFlag.COMPRESSED) !== 0 && record.body.length > 0;
  const body = isCompressed ? await decompressBody(record.body, record.sysFlag) : Buffer.from(record.body);
  const value = typeof topic === 'string' ? body.toString('utf8') : await topic.decode(body);
  return toReceivedMessage<T | string>(record, brokerName, { body, value });
}

function requireNumber(option: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw rocketMQError('RMQ_OPTIONS_INVALID', `${option} ${String(value)}: expected a number from 0`, { option });
}

/** Says what came, so that one sees what is missing. */
function timedOut(
  topic: string,
  wanted: number,
  found: readonly ReceivedMessage<unknown>[],
  there: readonly ReceivedMessage<unknown>[],
  timeoutMs: number,
): Error {
  const others =
    there.length === found.length ? '' : `, and ${there.length - found.length} that \`where\` does not mean`;
  const shown = there.slice(-SHOWN_MAX).map(shortly).join('; ');
  const which = shown === '' ? '' : `: ${there.length > SHOWN_MAX ? '…; ' : ''}${shown}`;
  const words = `waited ${timeoutMs} ms for ${wanted} messages in topic ${topic}, there are ${found.length}${others}${which}`;
  return rocketMQError('RMQ_KIT_TIMEOUT', words, { topic, wanted, found: found.length });
}

function shortly({ tag, keys, body }: ReceivedMessage<unknown>): string {
  const text = body.subarray(0, SHOWN_BYTES_MAX).toString('utf8');
  const start = body.length > SHOWN_BYTES_MAX ? `${text}…` : text;
  return [tag, ...keys, JSON.stringify(start)].filter((part) => part !== undefined).join(' ');
}
