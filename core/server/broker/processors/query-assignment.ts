import { inject, injectable } from 'inversify';
import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { decodeMessageRequestMode } from '../../../remoting/protocol/message-request-mode.js';
import {
  decodeQueryAssignmentRequest,
  encodeQueryAssignmentResponse,
  type QueryAssignmentRequest,
  type QueueAssignment,
} from '../../../remoting/protocol/query-assignment.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { allocateQueues } from '../pop/allocate-queues.js';
import { MessageRequestModes } from '../pop/message-request-modes.js';
import { TopicQueues } from '../pop/topic-queues.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/**
 * QUERY_ASSIGNMENT and SET_MESSAGE_REQUEST_MODE of 5.x: consumers that leave the sharing out to the broker ask which queues
 * are theirs, and operators say which groups pop. Matches Apache's QueryAssignmentProcessor.
 */
@injectable()
export class QueryAssignmentProcessor implements BrokerProcessor {
  readonly #modes: MessageRequestModes;
  readonly #queues: TopicQueues;
  readonly #consumers: ConsumerRegistry;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.QUERY_ASSIGNMENT]: async ({ body }: RemotingCommand): Promise<OutgoingResponse> => {
      const assignments = await this.#assign(decodeQueryAssignmentRequest(body));
      return { code: ResponseCode.SUCCESS, body: encodeQueryAssignmentResponse(assignments) };
    },
    [RequestCode.SET_MESSAGE_REQUEST_MODE]: (request: RemotingCommand): Promise<OutgoingResponse> =>
      this.#setMode(request),
  };

  constructor(
    @inject(MessageRequestModes) modes: MessageRequestModes,
    @inject(TopicQueues) queues: TopicQueues,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(Logger) logger: Logger,
  ) {
    this.#modes = modes;
    this.#queues = queues;
    this.#consumers = consumers;
    this.#topics = topics;
    this.#groups = groups;
    this.#logger = logger;
  }

  /** Undefined where nothing can be said: the client keeps what it has. */
  async #assign(request: QueryAssignmentRequest): Promise<readonly QueueAssignment[] | undefined> {
    const { topic, consumerGroup, messageModel, clientId, strategyName } = request;
    const setting = this.#modes.of(topic, consumerGroup);
    const queues = await this.#queues.of(topic);
    if (queues === undefined) return undefined;
    const clientIds = this.#consumers.clientIds(consumerGroup);
    if (messageModel !== 'BROADCASTING' && clientIds.length === 0) return undefined;
    const mine =
      messageModel === 'BROADCASTING' ? queues : allocateQueues(queues, clientIds, { clientId, strategyName, setting });
    if (mine === undefined) {
      this.#logger.warn('a consumer wants its queues by a strategy that brokers do not know', { strategyName, topic });
      return undefined;
    }
    return mine.map((messageQueue) => ({ messageQueue, mode: setting.mode }));
  }

  async #setMode({ body }: RemotingCommand): Promise<OutgoingResponse> {
    const setting = decodeMessageRequestMode(body);
    const { topic, consumerGroup } = setting;
    if (topic.startsWith(RETRY_TOPIC_PREFIX)) {
      return { code: ResponseCode.NO_PERMISSION, remark: 'retry topic is not allowed to set mode' };
    }
    if (this.#topics.find(topic) === undefined) {
      return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist` };
    }
    if (this.#groups.find(consumerGroup) === undefined) {
      return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: 'subscription group does not exist' };
    }
    await this.#modes.set(setting);
    return { code: ResponseCode.SUCCESS };
  }
}
