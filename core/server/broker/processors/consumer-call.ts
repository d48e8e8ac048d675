import { inject, injectable } from 'inversify';
import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../../message/message.js';
import { parseOffsetMsgId } from '../../../message/message-ids.js';
import { bytesOfRecord } from '../../../message/message-record.js';
import {
  optionalBoolean,
  optionalString,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import { LanguageCode } from '../../../remoting/protocol/language-codes.js';
import type { ExtInput, RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import {
  decodeConsumerStatus,
  encodeConsumerStatusTable,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
  type QueueOffsets,
} from '../../../remoting/protocol/reset-offset-body.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import type { ClientChannel } from '../clients/client-channel.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { MessageStore } from '../message-store.js';
import { PopOffsets } from '../pop/pop-offsets.js';
import { PopWaiting } from '../pop/pop-waiting.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** How long a client has for its answer (Apache's Broker2Client). */
const CALL_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 5_000;
/** Stands for the end of a queue where a moment is asked for. */
const LATEST = -1;

/**
 * What an operator asks of a group's members through the broker: to go on from other offsets, how far they are, what they
 * are doing, and to consume one message now. Matches Apache's AdminBrokerProcessor and Broker2Client (4.9).
 */
@injectable()
export class ConsumerCallProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #consumers: ConsumerRegistry;
  readonly #store: MessageStore;
  readonly #pops: PopOffsets;
  readonly #waiting: PopWaiting;

  readonly handlers = {
    [RequestCode.INVOKE_BROKER_TO_RESET_OFFSET]: (request: RemotingCommand) => this.#resetOffset(request),
    [RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS]: (request: RemotingCommand) => this.#consumerStatus(request),
    [RequestCode.GET_CONSUMER_RUNNING_INFO]: (request: RemotingCommand) =>
      this.#call(request, requiredString(request, 'clientId'), request.ext, request.body),
    [RequestCode.CONSUME_MESSAGE_DIRECTLY]: (request: RemotingCommand) => this.#consumeDirectly(request),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(MessageStore) store: MessageStore,
    @inject(PopOffsets) pops: PopOffsets,
    @inject(PopWaiting) waiting: PopWaiting,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#consumers = consumers;
    this.#store = store;
    this.#pops = pops;
    this.#waiting = waiting;
  }

  /** The members set their offsets themselves: whatever they commit meanwhile would win over ours. */
  async #resetOffset(request: RemotingCommand): Promise<OutgoingResponse> {
    const topic = requiredString(request, 'topic');
    const group = requiredString(request, 'group');
    const timestamp = requiredInt64(request, 'timestamp');
    const isForce = optionalBoolean(request, 'isForce') ?? false;
    const config = this.#topics.find(topic);
    if (config === undefined) {
      return failed(`[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`);
    }
    const offsets = new Map<MessageQueue, number>();
    for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
      const current = this.#offsets.query(group, topic, queueId);
      if (current === undefined) return failed(`THe consumer group <${group}> not exist`);
      const wanted = await this.#offsetAt(topic, queueId, timestamp);
      const offset = isForce || wanted < current ? wanted : current;
      offsets.set({ topic, brokerName: this.#settings.brokerName, queueId }, offset);
    }
    const isPopped = this.#resetPopped(group, offsets);
    const members = this.#consumers.group(group)?.members ?? [];
    if (members.length === 0 && !isPopped) {
      const facts = `Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`;
      return {
        code: ResponseCode.CONSUMER_NOT_ONLINE,
        remark: `Consumer not online, so can not reset offset, ${facts}`,
      };
    }
    const ext = { topic, group, timestamp };
    // The language that counts is the asker's, as Apache has it.
    const body =
      request.language === LanguageCode.CPP ? encodeResetOffsetBodyForC(offsets) : encodeResetOffsetBody(offsets);
    for (const { connection } of members) {
      connection.oneway({ code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ext, body });
    }
    return { code: ResponseCode.SUCCESS, body: encodeResetOffsetBody(offsets) };
  }

  /** From queues that are popped no member commits anything: there the broker does it. Matches 5.x, which always does. */
  #resetPopped(group: string, offsets: ReadonlyMap<MessageQueue, number>): boolean {
    let isPopped = false;
    for (const [{ topic, queueId }, offset] of offsets) {
      if (!this.#pops.isPopped(group, topic, queueId)) continue;
      isPopped = true;
      this.#offsets.commit(group, topic, queueId, offset);
      this.#waiting.pops.wake(topic, group, queueId);
    }
    return isPopped;
  }

  async #offsetAt(topic: string, queueId: number, timestampMs: number): Promise<number> {
    if (timestampMs === LATEST) return this.#store.maxOffset(topic, queueId);
    return Math.max(0, await this.#store.offsetByTime(topic, queueId, timestampMs));
  }

  async #consumerStatus(request: RemotingCommand): Promise<OutgoingResponse> {
    const topic = requiredString(request, 'topic');
    const group = requiredString(request, 'group');
    const wanted = optionalString(request, 'clientAddr')?.trim() ?? '';
    const members = this.#consumers.group(group)?.members ?? [];
    if (members.length === 0) return failed(`No Any Consumer online in the consumer group: [${group}]`);
    const asked = members.filter(({ clientId }) => wanted === '' || clientId === wanted);
    const table = new Map<string, QueueOffsets>();
    await Promise.all(
      asked.map(async (member) => {
        const status = await this.#statusOf(member, { topic, group });
        if (status !== undefined) table.set(member.clientId, status);
      }),
    );
    return { code: ResponseCode.SUCCESS, body: encodeConsumerStatusTable(table) };
  }

  /** A member that does not answer, or knows no such group, is left out. */
  async #statusOf({ connection }: ClientChannel, ext: ExtInput): Promise<QueueOffsets | undefined> {
    const request = { code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, ext };
    const answer = await connection.invoke(request, { timeoutMs: STATUS_TIMEOUT_MS }).catch(() => undefined);
    if (answer?.code !== ResponseCode.SUCCESS || answer.body.length === 0) return undefined;
    return decodeConsumerStatus(answer.body);
  }

  async #consumeDirectly(request: RemotingCommand): Promise<OutgoingResponse> {
    const { offset } = parseOffsetMsgId(requiredString(request, 'msgId'));
    const record = await this.#store.recordAt(offset);
    if (record === undefined) return failed(`look message by offset failed, ${offset}`);
    const ext = { ...request.ext, brokerName: this.#settings.brokerName };
    return this.#call(request, requiredString(request, 'clientId'), ext, bytesOfRecord(record));
  }

  /** Hands a request on to one member and its answer back. */
  async #call(request: RemotingCommand, clientId: string, ext: ExtInput, body: Uint8Array): Promise<OutgoingResponse> {
    const group = requiredString(request, 'consumerGroup');
    const member = this.#consumers.group(group)?.members.find((channel) => channel.clientId === clientId);
    if (member === undefined) return failed(`The Consumer <${group}> <${clientId}> not online`);
    const call = { code: request.code, ext, ...(body.length > 0 && { body }) };
    try {
      const answer = await member.connection.invoke(call, { timeoutMs: CALL_TIMEOUT_MS });
      return {
        code: answer.code,
        ext: answer.ext,
        ...(answer.remark !== undefined && { remark: answer.remark }),
        ...(answer.body.length > 0 && { body: Buffer.from(answer.body) }),
      };
    } catch (error) {
      if (isRocketMQError(error, 'RMQ_REQUEST_TIMEOUT')) {
        const remark = `consumer <${group}> <${clientId}> Timeout: ${error.message}`;
        return { code: ResponseCode.CONSUME_MSG_TIMEOUT, remark };
      }
      return failed(`invoke consumer <${group}> <${clientId}> Exception: ${String(error)}`);
    }
  }
}

function failed(remark: string): OutgoingResponse {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
