import { inject, injectable } from 'inversify';
import type { MessageQueue } from '../../../message/message.js';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { encodeTopicStatsTable, type TopicOffset } from '../../../remoting/protocol/topic-stats.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** GET_TOPIC_STATS_INFO: first and last offset of each queue of a topic, and when the last message came. */
@injectable()
export class TopicStatsProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.GET_TOPIC_STATS_INFO]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const topic = requiredString(request, 'topic');
      const config = this.#topics.find(topic);
      if (config === undefined) {
        return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist` };
      }
      const offsetTable = new Map<MessageQueue, TopicOffset>();
      for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
        const { brokerName } = this.#settings;
        offsetTable.set({ brokerName, queueId, topic }, await this.#queueStats(topic, queueId));
      }
      return { code: ResponseCode.SUCCESS, body: encodeTopicStatsTable(offsetTable) };
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(MessageStore) store: MessageStore,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#store = store;
  }

  async #queueStats(topic: string, queueId: number): Promise<TopicOffset> {
    const minOffset = this.#store.minOffset(topic, queueId);
    const maxOffset = this.#store.maxOffset(topic, queueId);
    const last = maxOffset > 0 ? await this.#store.storeTimeAt(topic, queueId, maxOffset - 1) : undefined;
    return { lastUpdateTimestamp: last ?? 0, maxOffset, minOffset };
  }
}
