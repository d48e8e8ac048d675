import { createRemotingClient } from '../../../core/remoting/client.js';
import { parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import { ANSWERED } from './patience.js';
import type { Target } from './target.js';

const UPDATE_BROKER_CONFIG = 25;

/** A topic's queues as its route has them. */
export interface QueueCounts {
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  readonly perm: number;
}

/** Requests to a cluster of one broker that no client of ours makes for its users. */
export class BrokerQuestions {
  readonly #target: Target;
  readonly #remoting = createRemotingClient({ transport: tcpTransport });

  constructor(target: Target) {
    this.#target = target;
  }

  /** One past the last message of a queue. */
  async maxOffset(topic: string, queueId: number): Promise<number> {
    const { ext } = await this.#ask(RequestCode.GET_MAX_OFFSET, { topic, queueId });
    return Number(ext.offset);
  }

  /** Where a group is in a queue; undefined where it has no offset. */
  async consumerOffset(topic: string, queueId: number, consumerGroup: string): Promise<number | undefined> {
    const { code, ext } = await this.#ask(RequestCode.QUERY_CONSUMER_OFFSET, { topic, queueId, consumerGroup });
    return code === 0 ? Number(ext.offset) : undefined;
  }

  async commit(topic: string, queueId: number, consumerGroup: string, commitOffset: number): Promise<void> {
    const answer = await this.#ask(RequestCode.UPDATE_CONSUMER_OFFSET, { topic, queueId, consumerGroup, commitOffset });
    if (answer.code !== 0) throw new Error(`offset not taken: ${answer.code} ${answer.remark}`);
  }

  async createTopic(topic: string, { readQueueNums, writeQueueNums, perm }: QueueCounts): Promise<void> {
    const answer = await this.#ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
      ...{ topic, defaultTopic: 'TBW102', readQueueNums, writeQueueNums, perm },
      ...{ topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false },
    });
    if (answer.code !== 0) throw new Error(`topic not created: ${answer.code} ${answer.remark}`);
  }

  /** Sets what Apache's broker lets change while it runs: `name=value`. */
  async configure(setting: string): Promise<void> {
    const answer = await this.#ask(UPDATE_BROKER_CONFIG, {}, { body: `${setting}\n` });
    if (answer.code !== 0) throw new Error(`${setting} not taken: ${answer.code} ${answer.remark}`);
  }

  /** Undefined where the name server knows no such topic. */
  async route(topic: string): Promise<QueueCounts | undefined> {
    const { code, body } = await this.#ask(
      RequestCode.GET_ROUTEINFO_BY_TOPIC,
      { topic },
      { address: this.#target.nameServer },
    );
    if (code !== 0) return undefined;
    const { queueDatas } = parseJsonDialect(body.toString('utf8')) as { queueDatas: QueueCounts[] };
    const [first] = queueDatas;
    if (first === undefined) return undefined;
    const { readQueueNums, writeQueueNums, perm } = first;
    return { readQueueNums, writeQueueNums, perm };
  }

  close(): Promise<void> {
    return this.#remoting.close();
  }

  #ask(
    code: number,
    ext: ExtInput,
    { address = this.#target.brokerAddress, body = '' } = {},
  ): Promise<RemotingCommand> {
    return this.#remoting.invoke(address, { code, ext, body: Buffer.from(body) }, ANSWERED);
  }
}
