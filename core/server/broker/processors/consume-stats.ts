import { inject, injectable } from 'inversify';
import type { MessageQueue } from '../../../message/message.js';
import {
  type ConsumeStats,
  encodeBrokerConsumeStats,
  encodeConsumeStats,
  encodeGroupList,
  type QueueProgress,
} from '../../../remoting/protocol/consume-stats.js';
import { optionalString, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { BrokerStats } from '../stats/broker-stats.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** How far groups are: what an operator watches. Matches Apache's AdminBrokerProcessor (4.9). */
@injectable()
export class ConsumeStatsProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #consumers: ConsumerRegistry;
  readonly #stats: BrokerStats;
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.GET_CONSUME_STATS]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const group = requiredString(request, 'consumerGroup');
      const topic = optionalString(request, 'topic')?.trim() ?? '';
      const topics = topic === '' ? this.#offsets.topicsOf(group) : [topic];
      const stats = await this.#statsOf(group, topics);
      return { code: ResponseCode.SUCCESS, body: encodeConsumeStats(stats) };
    },
    [RequestCode.GET_BROKER_CONSUME_STATS]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const isOrder = requiredString(request, 'isOrder') === 'true';
      const groups = await this.#allStats(isOrder);
      const { address: brokerAddr } = this.#settings;
      return { code: ResponseCode.SUCCESS, body: encodeBrokerConsumeStats({ brokerAddr, groups }) };
    },
    [RequestCode.QUERY_TOPIC_CONSUME_BY_WHO]: (request: RemotingCommand): OutgoingResponse => {
      const topic = requiredString(request, 'topic');
      const online = this.#consumers.groups.filter((group) => this.#consumers.subscription(group, topic) !== undefined);
      const groups = [...new Set([...online, ...this.#offsets.groupsOf(topic)])];
      return { code: ResponseCode.SUCCESS, body: encodeGroupList(groups) };
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(BrokerStats) stats: BrokerStats,
    @inject(MessageStore) store: MessageStore,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#consumers = consumers;
    this.#stats = stats;
    this.#store = store;
  }

  /** One entry for each topic of each group that has offsets; with `isOrder` of ordered topics only. */
  async #allStats(isOrder: boolean): Promise<ReadonlyMap<string, readonly ConsumeStats[]>> {
    const all = new Map<string, ConsumeStats[]>();
    for (const [group, topics] of this.#offsets.topicsByGroup) {
      const stats: ConsumeStats[] = [];
      for (const topic of topics) {
        if (isOrder && this.#topics.find(topic)?.order !== true) continue;
        const one = await this.#statsOf(group, [topic]);
        if (one.offsetTable.size > 0) stats.push(one);
      }
      all.set(group, stats);
    }
    return all;
  }

  /** A topic that the group's members do not subscribe to any more is left out, as long as there are members. */
  async #statsOf(group: string, topics: readonly string[]): Promise<ConsumeStats> {
    const offsetTable = new Map<MessageQueue, QueueProgress>();
    const isOnline = this.#consumers.messageModel(group) !== undefined;
    let consumeTps = 0;
    for (const topic of topics) {
      const config = this.#topics.find(topic);
      if (config === undefined) continue;
      if (isOnline && this.#consumers.subscription(group, topic) === undefined) continue;
      for (const [queue, progress] of await this.#progressOf(group, config)) offsetTable.set(queue, progress);
      consumeTps += this.#stats.rate(topic, group);
    }
    return { consumeTps, offsetTable };
  }

  async #progressOf(group: string, { topicName: topic, readQueueNums }: TopicConfig) {
    const progress: [MessageQueue, QueueProgress][] = [];
    const { brokerName } = this.#settings;
    for (let queueId = 0; queueId < readQueueNums; queueId++) {
      const consumerOffset = Math.max(0, this.#offsets.query(group, topic, queueId) ?? 0);
      const last = consumerOffset > 0 ? await this.#store.storeTimeAt(topic, queueId, consumerOffset - 1) : undefined;
      const brokerOffset = this.#store.maxOffset(topic, queueId);
      progress.push([
        { topic, brokerName, queueId },
        { brokerOffset, consumerOffset, lastTimestamp: last ?? 0 },
      ]);
    }
    return progress;
  }
}
