import { rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue } from '../message/message.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { decodeConsumerList } from '../remoting/protocol/consumer-list.js';
import { requiredInt64 } from '../remoting/protocol/ext-fields.js';
import { decodeLockBatchResponse, encodeLockBatchRequest } from '../remoting/protocol/lock-batch.js';
import { decodeQueryAssignmentResponse, encodeQueryAssignmentRequest } from '../remoting/protocol/query-assignment.js';
import type { ExtInput, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { RouteTable } from '../routing/route-table.js';
import type { QueueOffsets } from './offsets/start-offset.js';
import type { SharedQueue } from './rebalance/rebalance.js';

/** Whose share is asked for. */
export interface AssignmentQuestion {
  readonly clientId: string;
  /** `AVG` or `AVG_BY_CIRCLE`: brokers know no others. */
  readonly strategyName: string;
  /** 0 to below 1. */
  readonly random: () => number;
}

/** What a consumer asks brokers beside pulls: offsets and members (protocol §2.5, §2.6, §2.8). Names are names on the wire. */
export class BrokerRequests implements QueueOffsets {
  readonly #group: string;
  readonly #routes: RouteTable;
  readonly #remoting: RemotingClient;
  readonly #timeoutMs: number;

  constructor(group: string, routes: RouteTable, remoting: RemotingClient, timeoutMs: number) {
    this.#group = group;
    this.#routes = routes;
    this.#remoting = remoting;
    this.#timeoutMs = timeoutMs;
  }

  /** The group's stored offset; undefined when it has none. */
  async consumerOffset(queue: MessageQueue): Promise<number | undefined> {
    const response = await this.#ask(queue, RequestCode.QUERY_CONSUMER_OFFSET, {
      consumerGroup: this.#group,
      topic: queue.topic,
      queueId: queue.queueId,
      bname: queue.brokerName,
    });
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
    const offset = requiredInt64(expectSuccess(response, { broker: queue.brokerName }), 'offset');
    return offset < 0 ? undefined : offset;
  }

  /** Stores the group's offset, and waits until the broker has it. */
  async storeConsumerOffset(queue: MessageQueue, offset: number): Promise<void> {
    const response = await this.#ask(queue, RequestCode.UPDATE_CONSUMER_OFFSET, {
      consumerGroup: this.#group,
      topic: queue.topic,
      queueId: queue.queueId,
      commitOffset: offset,
      bname: queue.brokerName,
    });
    expectSuccess(response, { broker: queue.brokerName });
  }

  min(queue: MessageQueue): Promise<number> {
    return this.#offset(queue, RequestCode.GET_MIN_OFFSET, {});
  }

  max(queue: MessageQueue): Promise<number> {
    return this.#offset(queue, RequestCode.GET_MAX_OFFSET, {});
  }

  atTimestamp(queue: MessageQueue, timestamp: number): Promise<number> {
    return this.#offset(queue, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, { timestamp });
  }

  /**
   * Client ids of the group's members, as one broker of the topic knows them: a random one first, the others when it
   * cannot tell. A broker answers with an error when it knows no member.
   * @throws when no broker could tell
   */
  async memberIds(topic: string, random: () => number): Promise<readonly string[]> {
    return this.#askAny(topic, random, async (address) =>
      decodeConsumerList((await this.#askAbout(address, RequestCode.GET_CONSUMER_LIST_BY_GROUP)).body),
    );
  }

  /**
   * The share of a client as one broker of the topic counts it: a random one first, the others when it cannot. For groups whose
   * brokers share queues out (QUERY_ASSIGNMENT, protocol §2.13).
   * @throws when no broker could
   */
  async assignments(
    topic: string,
    { clientId, strategyName, random }: AssignmentQuestion,
  ): Promise<readonly SharedQueue[]> {
    const body = encodeQueryAssignmentRequest({
      topic,
      consumerGroup: this.#group,
      clientId,
      strategyName,
      messageModel: 'CLUSTERING',
    });
    const request = { code: RequestCode.QUERY_ASSIGNMENT, body };
    return this.#askAny(topic, random, async (address) => {
      const response = await this.#remoting.invoke(address, request, { timeoutMs: this.#timeoutMs });
      const assignments = decodeQueryAssignmentResponse(expectSuccess(response, { address }).body);
      if (assignments !== undefined) {
        return assignments.map(({ messageQueue, mode }) => ({ ...messageQueue, popped: mode === 'POP' }));
      }
      const why = `the broker at ${address} cannot share the queues of ${topic} out: it does not know the group or ${strategyName}`;
      throw rocketMQError('RMQ_BROKER_ERROR', why, { responseCode: response.code, address });
    });
  }

  /** What one broker of the topic knows of the group's members and subscriptions. */
  async connections(topic: string): Promise<RemotingCommand> {
    const [address] = this.#routes.topicAddresses(topic);
    if (address === undefined) throw noBroker(topic);
    return this.#askAbout(address, RequestCode.GET_CONSUMER_CONNECTION_LIST);
  }

  /** What a member of the group says of itself, through one broker of the topic. */
  async runningInfo(topic: string, clientId: string): Promise<RemotingCommand> {
    const [address] = this.#routes.topicAddresses(topic);
    if (address === undefined) throw noBroker(topic);
    return this.#askAbout(address, RequestCode.GET_CONSUMER_RUNNING_INFO, { clientId, jstackEnable: false });
  }

  /** LOCK_BATCH_MQ: those of the queues, all of one broker, that are this client's now. */
  async lock(brokerName: string, queues: readonly MessageQueue[], clientId: string): Promise<readonly MessageQueue[]> {
    const response = await this.#askForLocks(RequestCode.LOCK_BATCH_MQ, brokerName, queues, clientId);
    return decodeLockBatchResponse(expectSuccess(response, { broker: brokerName }).body);
  }

  async unlock(brokerName: string, queues: readonly MessageQueue[], clientId: string): Promise<void> {
    const response = await this.#askForLocks(RequestCode.UNLOCK_BATCH_MQ, brokerName, queues, clientId);
    expectSuccess(response, { broker: brokerName });
  }

  async #askAny<T>(topic: string, random: () => number, ask: (address: string) => Promise<T>): Promise<T> {
    const addresses = this.#routes.topicAddresses(topic);
    const first = Math.floor(random() * addresses.length);
    let failure: unknown = noBroker(topic);
    for (let tried = 0; tried < addresses.length; tried++) {
      try {
        return await ask(addresses[(first + tried) % addresses.length] as string);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #askForLocks(
    code: number,
    brokerName: string,
    mqSet: readonly MessageQueue[],
    clientId: string,
  ): Promise<RemotingCommand> {
    const [first] = mqSet;
    const address = await this.#addressOf({ topic: first?.topic ?? '', brokerName });
    const body = encodeLockBatchRequest({ consumerGroup: this.#group, clientId, mqSet });
    return this.#remoting.invoke(address, { code, body }, { timeoutMs: this.#timeoutMs });
  }

  async #askAbout(address: string, code: number, ext: ExtInput = {}): Promise<RemotingCommand> {
    const request = { code, ext: { consumerGroup: this.#group, ...ext } };
    return expectSuccess(await this.#remoting.invoke(address, request, { timeoutMs: this.#timeoutMs }), { address });
  }

  async #offset(queue: MessageQueue, code: number, ext: ExtInput): Promise<number> {
    const response = await this.#ask(queue, code, {
      topic: queue.topic,
      queueId: queue.queueId,
      ...ext,
      bname: queue.brokerName,
    });
    return requiredInt64(expectSuccess(response, { broker: queue.brokerName }), 'offset');
  }

  async #ask(queue: MessageQueue, code: number, ext: ExtInput): Promise<RemotingCommand> {
    return this.#remoting.invoke(await this.#addressOf(queue), { code, ext }, { timeoutMs: this.#timeoutMs });
  }

  async #addressOf({ brokerName, topic }: Pick<MessageQueue, 'brokerName' | 'topic'>): Promise<string> {
    return (
      this.#routes.brokerAddress(brokerName, 0) ??
      this.#routes.brokers().find((broker) => broker.brokerName === brokerName)?.address ??
      (await this.#routes.loadBrokerAddress(brokerName, topic))
    );
  }
}

function noBroker(topic: string) {
  return rocketMQError('RMQ_BROKER_NOT_FOUND', `no broker of topic ${topic} is known`, { broker: 'any', topic });
}
