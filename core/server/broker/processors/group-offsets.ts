import { inject, injectable } from 'inversify';
import { optionalBoolean, optionalString, requiredString } from '../../../remoting/protocol/ext-fields.js';
import { encodeCorrectionOffsets, encodeSubscriptionOf } from '../../../remoting/protocol/queue-facts.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { encodeTopicList } from '../../../remoting/protocol/topic-list.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** Java's Long.MAX_VALUE as a client of ours reads it. */
const NO_CORRECTION = Number.MAX_SAFE_INTEGER;

/** Groups against each other and their topics, as an operator asks. Matches Apache's AdminBrokerProcessor (4.9; 343 and 345 are 5.x's). */
@injectable()
export class GroupOffsetsProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #consumers: ConsumerRegistry;

  readonly handlers = {
    [RequestCode.CLONE_GROUP_OFFSET]: (request: RemotingCommand): OutgoingResponse => this.#clone(request),
    [RequestCode.QUERY_CORRECTION_OFFSET]: (request: RemotingCommand): OutgoingResponse => this.#correction(request),
    [RequestCode.QUERY_TOPICS_BY_CONSUMER]: (request: RemotingCommand): OutgoingResponse => {
      const topicList = this.#offsets.topicsOf(requiredString(request, 'group'));
      const body = encodeTopicList({ topicList, brokerAddr: this.#settings.address });
      return { code: ResponseCode.SUCCESS, body };
    },
    [RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER]: (request: RemotingCommand): OutgoingResponse => {
      const [group, topic] = [requiredString(request, 'group'), requiredString(request, 'topic')];
      const subscription = this.#consumers.subscription(group, topic);
      return { code: ResponseCode.SUCCESS, body: encodeSubscriptionOf(group, topic, subscription?.data) };
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#consumers = consumers;
  }

  /** Gives a group the offsets of another. Topics that the other's members do not want any more are left out, unless `offline`. */
  #clone(request: RemotingCommand): OutgoingResponse {
    const source = requiredString(request, 'srcGroup');
    const target = requiredString(request, 'destGroup');
    const topic = optionalString(request, 'topic')?.trim() ?? '';
    const isOffline = optionalBoolean(request, 'offline') ?? false;
    const isOnline = this.#consumers.messageModel(source) !== undefined;
    for (const name of topic === '' ? this.#offsets.topicsOf(source) : [topic]) {
      if (this.#topics.find(name) === undefined) continue;
      if (!isOffline && isOnline && this.#consumers.subscription(source, name) === undefined) continue;
      for (const [queueId, offset] of this.#offsets.queuesOf(source, name)) {
        this.#offsets.commit(target, name, queueId, offset);
      }
    }
    return { code: ResponseCode.SUCCESS };
  }

  /** The smallest offset of all groups but some in each queue; none to correct where a group to compare with is behind it. */
  #correction(request: RemotingCommand): OutgoingResponse {
    const topic = requiredString(request, 'topic');
    const left = new Set((optionalString(request, 'filterGroups') ?? '').split(','));
    const smallest = new Map<number, number>();
    for (const group of this.#offsets.groupsOf(topic)) {
      if (left.has(group)) continue;
      for (const [queueId, offset] of this.#offsets.queuesOf(group, topic)) {
        smallest.set(queueId, Math.min(smallest.get(queueId) ?? offset, offset));
      }
    }
    for (const [queueId, offset] of this.#offsets.queuesOf(requiredString(request, 'compareGroup'), topic)) {
      if ((smallest.get(queueId) ?? offset) > offset) smallest.set(queueId, NO_CORRECTION);
    }
    return { code: ResponseCode.SUCCESS, body: encodeCorrectionOffsets(smallest) };
  }
}
