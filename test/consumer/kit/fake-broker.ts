import { type RocketMQError, rocketMQError } from '../../../core/errors/rocketmq-error.js';
import { encodeHost } from '../../../core/message/host.js';
import type { MessageQueue, Properties, ReceivedMessage } from '../../../core/message/message.js';
import { readRecord, recordSize, writeRecord } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { toReceivedMessage } from '../../../core/message/received-message.js';
import type { OutgoingCommand, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../core/remoting/protocol/response-codes.js';

export interface FakeRequest {
  readonly clientId: string;
  readonly command: OutgoingCommand;
  readonly ext: Readonly<Record<string, string>>;
}

/** What a script does with a request instead of the broker: an answer, a failure, or silence. Undefined lets the broker answer. */
export type Script = (request: FakeRequest) => RemotingCommand | RocketMQError | 'silence' | undefined;

export interface FakeMessage {
  readonly body?: string | Buffer;
  readonly tag?: string;
  readonly properties?: Properties;
  readonly sysFlag?: number;
  readonly reconsumeTimes?: number;
}

interface HeldPull {
  readonly key: string;
  readonly request: FakeRequest;
  readonly respond: (response: RemotingCommand) => void;
}

/**
 * A broker of one topic-to-queues table in memory, as deterministic as its clock: holds pulls until a message comes, keeps
 * offsets and members, tells members of changes, and lets a test answer any request itself.
 */
export class FakeBroker {
  readonly name = 'broker-a';
  readonly address = '127.0.0.1:10911';
  readonly requests: FakeRequest[] = [];
  readonly offsets = new Map<string, number>();
  script: Script | undefined;
  /** More that the broker can do; tells whether the request was one of its own. */
  extension:
    | ((request: FakeRequest, respond: (answer: RemotingCommand | RocketMQError) => void) => boolean)
    | undefined;
  /** What answers to pulls suggest. */
  suggestedBrokerId = 0;
  readonly #queues = new Map<string, Buffer[]>();
  readonly #minOffsets = new Map<string, number>();
  readonly #queueCounts = new Map<string, number>();
  readonly #members = new Map<string, Map<string, () => void>>();
  readonly #stored = new Map<number, { readonly topic: string; readonly record: Buffer }>();
  /** What was sent back and waits for its delay level. */
  readonly delayed: { readonly group: string; readonly delayLevel: number; readonly deliver: () => void }[] = [];
  #held: HeldPull[] = [];

  createTopic(topic: string, queues: number): void {
    this.#queueCounts.set(topic, queues);
    for (let queueId = 0; queueId < queues; queueId++) {
      const key = placeKey(topic, queueId);
      if (!this.#queues.has(key)) this.#queues.set(key, []);
    }
  }

  queuesOf(topic: string): MessageQueue[] | undefined {
    const count = this.#queueCounts.get(topic);
    if (count === undefined) return undefined;
    return Array.from({ length: count }, (_, queueId) => ({ topic, brokerName: this.name, queueId }));
  }

  put(topic: string, queueId: number, message: FakeMessage = {}): number {
    const key = placeKey(topic, queueId);
    const queue = this.#queues.get(key) as Buffer[];
    const offset = queue.length;
    const { body = `${topic}-${queueId}-${offset}`, tag, properties = {}, sysFlag = 0, reconsumeTimes = 0 } = message;
    const physicalOffset = this.#stored.size * 1_000;
    const fields = {
      queueId,
      flag: 0,
      queueOffset: offset,
      physicalOffset,
      sysFlag,
      bornTimestamp: 1,
      bornHost: encodeHost('127.0.0.1:1'),
      storeTimestamp: 2,
      storeHost: encodeHost(this.address),
      reconsumeTimes,
      preparedTransactionOffset: 0,
      body: typeof body === 'string' ? Buffer.from(body) : body,
      topic: Buffer.from(topic),
      properties: encodeProperties({ UNIQ_KEY: `${key}/${offset}`, ...(tag && { TAGS: tag }), ...properties }),
    };
    const record = Buffer.alloc(recordSize(fields));
    writeRecord(record, 0, fields);
    queue.push(record);
    this.#stored.set(physicalOffset, { topic, record });
    const woken = this.#held.filter((held) => held.key === key);
    this.#held = this.#held.filter((held) => held.key !== key);
    for (const { request, respond } of woken) respond(this.#pull(request) as RemotingCommand);
    return offset;
  }

  /** Everything before `offset` is gone. */
  expire(topic: string, queueId: number, offset: number): void {
    this.#minOffsets.set(placeKey(topic, queueId), offset);
  }

  offsetOf(group: string, topic: string, queueId: number): number | undefined {
    return this.offsets.get(`${group}@${placeKey(topic, queueId)}`);
  }

  setOffset(group: string, topic: string, queueId: number, offset: number): void {
    this.offsets.set(`${group}@${placeKey(topic, queueId)}`, offset);
  }

  get heldPulls(): number {
    return this.#held.length;
  }

  /** The time to hold pulls is over: nothing new. */
  endHolding(): void {
    for (const { key, request, respond } of this.#held.splice(0)) {
      const maxOffset = this.#queues.get(key)?.length ?? 0;
      const ext = { suggestWhichBrokerId: 0, minOffset: 0, maxOffset, nextBeginOffset: request.ext.queueOffset ?? 0 };
      respond(answerOf(ResponseCode.PULL_NOT_FOUND, ext));
    }
  }

  membersOf(group: string): string[] {
    return [...(this.#members.get(group)?.keys() ?? [])];
  }

  /** A heartbeat of a member: the others of its group hear of it when it is new. */
  join(group: string, clientId: string, notify: () => void): void {
    const members = this.#members.get(group) ?? new Map<string, () => void>();
    this.#members.set(group, members);
    if (members.has(clientId)) return;
    members.set(clientId, notify);
    for (const tell of members.values()) queueMicrotask(tell);
  }

  leave(group: string, clientId: string): void {
    const members = this.#members.get(group);
    if (!members?.delete(clientId)) return;
    for (const tell of members.values()) queueMicrotask(tell);
  }

  /** As after a restart: members are forgotten, held pulls are lost. */
  forgetMembers(): void {
    this.#members.clear();
  }

  /** Answers later through `respond` when it holds a pull. */
  handle(request: FakeRequest, respond: (answer: RemotingCommand | RocketMQError) => void): void {
    this.requests.push(request);
    const scripted = this.script?.(request);
    if (scripted === 'silence') return;
    if (scripted !== undefined) {
      respond(scripted);
      return;
    }
    if (this.extension?.(request, respond)) return;
    const { ext } = request;
    const key = placeKey(ext.topic ?? '', Number(ext.queueId));
    const offsetKey = `${ext.consumerGroup}@${key}`;
    switch (request.command.code) {
      case RequestCode.PULL_MESSAGE: {
        if ((Number(ext.sysFlag) & 1) === 1) this.offsets.set(offsetKey, Number(ext.commitOffset));
        const answer = this.#pull(request);
        if (answer === undefined) this.#held.push({ key, request, respond });
        else respond(answer);
        return;
      }
      case RequestCode.QUERY_CONSUMER_OFFSET: {
        const offset = this.offsets.get(offsetKey);
        respond(offset === undefined ? answerOf(ResponseCode.QUERY_NOT_FOUND) : answerOf(0, { offset }));
        return;
      }
      case RequestCode.UPDATE_CONSUMER_OFFSET:
        this.offsets.set(offsetKey, Number(ext.commitOffset));
        respond(answerOf(0));
        return;
      case RequestCode.GET_MAX_OFFSET:
        respond(answerOf(0, { offset: this.#queues.get(key)?.length ?? 0 }));
        return;
      case RequestCode.GET_MIN_OFFSET:
        respond(answerOf(0, { offset: this.#minOffsets.get(key) ?? 0 }));
        return;
      case RequestCode.SEARCH_OFFSET_BY_TIMESTAMP:
        respond(answerOf(0, { offset: Number(ext.timestamp) % 1_000 }));
        return;
      case RequestCode.GET_CONSUMER_LIST_BY_GROUP: {
        const ids = this.membersOf(ext.consumerGroup ?? '');
        if (ids.length === 0) respond(answerOf(1, {}, 'no consumer for this group'));
        else respond({ ...answerOf(0), body: Buffer.from(JSON.stringify({ consumerIdList: ids })) });
        return;
      }
      case RequestCode.CONSUMER_SEND_MSG_BACK:
        respond(this.#sendBack(ext));
        return;
      default:
        respond(rocketMQError('RMQ_FRAME_INVALID', `the fake broker knows no code ${request.command.code}`, {}));
    }
  }

  /** Everything that was sent back comes now, whatever its level. */
  deliverDelayed(): void {
    for (const { deliver } of this.delayed.splice(0)) deliver();
  }

  #sendBack(ext: Readonly<Record<string, string>>): RemotingCommand {
    const stored = this.#stored.get(Number(ext.offset));
    if (stored === undefined) return answerOf(1, {}, `look message by offset failed, ${ext.offset}`);
    const message = toReceivedMessage(readRecord(stored.record, 0), this.name);
    const { group = '', originTopic = '' } = ext;
    const { UNIQ_KEY, RETRY_TOPIC = originTopic, ORIGIN_MESSAGE_ID = message.offsetMsgId } = message.properties;
    const dead = Number(ext.delayLevel) < 0 || message.reconsumeTimes >= Number(ext.maxReconsumeTimes);
    const topic = `${dead ? '%DLQ%' : '%RETRY%'}${group}`;
    if (!this.#queueCounts.has(topic)) this.createTopic(topic, 1);
    const again = {
      body: message.body,
      sysFlag: message.sysFlag,
      reconsumeTimes: message.reconsumeTimes + 1,
      properties: { ...message.properties, ...(UNIQ_KEY && { UNIQ_KEY }), RETRY_TOPIC, ORIGIN_MESSAGE_ID },
    };
    if (dead) this.put(topic, 0, again);
    else {
      const delayLevel = Number(ext.delayLevel) || 3 + message.reconsumeTimes;
      this.delayed.push({ group, delayLevel, deliver: () => this.put(topic, 0, again) });
    }
    return answerOf(0);
  }

  /** The records of a queue. */
  recordsOf(topic: string, queueId = 0): readonly Buffer[] {
    return this.#queues.get(placeKey(topic, queueId)) ?? [];
  }

  /** The messages of a queue. */
  messagesOf(topic: string, queueId = 0): ReceivedMessage[] {
    return this.recordsOf(topic, queueId).map((record) => toReceivedMessage(readRecord(record, 0), this.name));
  }

  #pull({ clientId, ext }: FakeRequest): RemotingCommand | undefined {
    if (!this.membersOf(ext.consumerGroup ?? '').includes(clientId)) {
      return answerOf(ResponseCode.SUBSCRIPTION_NOT_EXIST, {}, "the consumer's group info not exist");
    }
    const key = placeKey(ext.topic ?? '', Number(ext.queueId));
    const queue = this.#queues.get(key) ?? [];
    const min = this.#minOffsets.get(key) ?? 0;
    const offset = Number(ext.queueOffset);
    const facts = { suggestWhichBrokerId: this.suggestedBrokerId, minOffset: min, maxOffset: queue.length };
    if (offset < min) return answerOf(ResponseCode.PULL_OFFSET_MOVED, { ...facts, nextBeginOffset: min });
    if (offset > queue.length) {
      return answerOf(ResponseCode.PULL_OFFSET_MOVED, { ...facts, nextBeginOffset: queue.length });
    }
    if (offset === queue.length) return undefined;
    const records = queue.slice(offset, offset + Math.min(32, Number(ext.maxMsgNums)));
    return {
      ...answerOf(0, { ...facts, nextBeginOffset: offset + records.length }),
      body: Buffer.concat(records),
    };
  }
}

export function answerOf(
  code: number,
  ext: Readonly<Record<string, string | number>> = {},
  remark?: string,
): RemotingCommand {
  return {
    code,
    language: 0,
    version: 407,
    opaque: 0,
    flag: 1,
    remark,
    ext: Object.fromEntries(Object.entries(ext).map(([name, value]) => [name, String(value)])),
    body: Buffer.alloc(0),
    serializeType: 0,
  };
}

function placeKey(topic: string, queueId: number): string {
  return `${topic}/${queueId}`;
}
