import { inject, injectable } from 'inversify';
import { encodeConsumerOffsetTable } from '../../../remoting/protocol/consumer-offset-table.js';
import { requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { MessageStore } from '../message-store.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** Reads and takes committed offsets. Matches Apache's ConsumerManageProcessor (4.9; of topics that are not there as 5.x). */
@injectable()
export class ConsumerOffsetProcessor implements BrokerProcessor {
  readonly #offsets: ConsumerOffsetManager;
  readonly #topics: TopicConfigManager;
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.QUERY_CONSUMER_OFFSET]: (request: RemotingCommand) => this.#query(request),
    [RequestCode.UPDATE_CONSUMER_OFFSET]: (request: RemotingCommand) => this.#update(request),
    [RequestCode.GET_ALL_CONSUMER_OFFSET]: () => this.#all(),
  };

  constructor(
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(MessageStore) store: MessageStore,
  ) {
    this.#offsets = offsets;
    this.#topics = topics;
    this.#store = store;
  }

  #query(request: RemotingCommand): OutgoingResponse {
    const group = requiredString(request, 'consumerGroup');
    const topic = requiredString(request, 'topic');
    const queueId = requiredInt32(request, 'queueId');
    const offset = this.#offsets.query(group, topic, queueId);
    if (offset !== undefined && offset >= 0) return { code: ResponseCode.SUCCESS, ext: { offset } };
    // A new group on a young topic starts at its first message, wherever it wants to start otherwise.
    if (this.#store.minOffset(topic, queueId) <= 0 && !this.#store.isCold(topic, queueId, 0)) {
      return { code: ResponseCode.SUCCESS, ext: { offset: 0 } };
    }
    return {
      code: ResponseCode.QUERY_NOT_FOUND,
      remark: 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
      ext: {},
    };
  }

  #update(request: RemotingCommand): OutgoingResponse {
    const topic = requiredString(request, 'topic');
    // Members that have not heard that a topic was deleted go on committing; in one of the same name that would skip messages.
    if (this.#topics.find(topic) === undefined) {
      return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `Topic ${topic} not exist!`, ext: {} };
    }
    this.#offsets.commit(
      requiredString(request, 'consumerGroup'),
      topic,
      requiredInt32(request, 'queueId'),
      requiredInt64(request, 'commitOffset'),
    );
    return { code: ResponseCode.SUCCESS, ext: {} };
  }

  #all(): OutgoingResponse {
    return { code: ResponseCode.SUCCESS, body: encodeConsumerOffsetTable(this.#offsets.all) };
  }
}
