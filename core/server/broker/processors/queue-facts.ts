import { inject, injectable } from 'inversify';
import { optionalString, requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import { stringifyJsonDialect } from '../../../remoting/protocol/json-dialect.js';
import {
  type ConsumeQueueFacts,
  encodeConsumeQueueFacts,
  encodeConsumeTimeSpans,
  type QueueTimeSpan,
} from '../../../remoting/protocol/queue-facts.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ConsumerFilterManager } from '../filter-data/consumer-filter-manager.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** Entries of a queue in one answer. */
const ENTRIES_MAX = 1_024;
/** Apache's for a message that is not there. */
const NO_TIME = -1;

/**
 * What an operator sees of the queues themselves: when their messages came and how far behind a group is in time, and the
 * entries as they lie there. Matches Apache's AdminBrokerProcessor (4.9).
 */
@injectable()
export class QueueFactsProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #consumers: ConsumerRegistry;
  readonly #filters: ConsumerFilterManager;
  readonly #store: MessageStore;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.QUERY_CONSUME_TIME_SPAN]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const topic = requiredString(request, 'topic');
      const group = requiredString(request, 'group');
      const config = this.#topics.find(topic);
      if (config === undefined) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist` };
      const spans: QueueTimeSpan[] = [];
      for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
        spans.push(await this.#timeSpanOf(group, topic, queueId));
      }
      return { code: ResponseCode.SUCCESS, body: encodeConsumeTimeSpans(spans) };
    },
    [RequestCode.QUERY_CONSUME_QUEUE]: (request: RemotingCommand): OutgoingResponse => this.#entriesOf(request),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(ConsumerFilterManager) filters: ConsumerFilterManager,
    @inject(MessageStore) store: MessageStore,
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#offsets = offsets;
    this.#consumers = consumers;
    this.#filters = filters;
    this.#store = store;
    this.#clock = clock;
  }

  async #timeSpanOf(group: string, topic: string, queueId: number): Promise<QueueTimeSpan> {
    const timeAt = async (offset: number) => (await this.#store.storeTimeAt(topic, queueId, offset)) ?? NO_TIME;
    const [first, end] = [this.#store.minOffset(topic, queueId), this.#store.maxOffset(topic, queueId)];
    const consumed = Math.max(0, this.#offsets.query(group, topic, queueId) ?? 0);
    const minTimeStamp = end > first ? await timeAt(first) : NO_TIME;
    const next = consumed < end ? await timeAt(Math.max(first, consumed)) : NO_TIME;
    return {
      messageQueue: { topic, brokerName: this.#settings.brokerName, queueId },
      minTimeStamp,
      maxTimeStamp: end > first ? await timeAt(end - 1) : NO_TIME,
      consumeTimeStamp: consumed > 0 ? await timeAt(consumed - 1) : minTimeStamp,
      delayTime: next === NO_TIME ? 0 : Math.max(0, this.#clock.now() - next),
    };
  }

  #entriesOf(request: RemotingCommand): OutgoingResponse {
    const topic = requiredString(request, 'topic');
    const queueId = requiredInt32(request, 'queueId');
    const index = requiredInt64(request, 'index');
    const count = requiredInt32(request, 'count');
    const group = optionalString(request, 'consumerGroup') ?? '';
    const config = this.#topics.find(topic);
    if (config === undefined || queueId < 0 || queueId >= Math.max(config.readQueueNums, config.writeQueueNums)) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `${queueId}@${topic} is not exist!` };
    }
    const [first, end] = [this.#store.minOffset(topic, queueId), this.#store.maxOffset(topic, queueId)];
    // Apache leaves the body out, and its own tool ends with a NullPointerException.
    const isThere = index >= first && index < end;
    const countMax = Math.max(0, Math.min(count, ENTRIES_MAX));
    const { entries } = isThere ? this.#store.entries(topic, queueId, index, countMax) : { entries: [] };
    const facts: ConsumeQueueFacts = {
      minQueueIndex: first,
      maxQueueIndex: end,
      queueData: entries.map(({ commitLogOffset, sizeBytes, tagsCode }) => ({
        physicOffset: commitLogOffset,
        physicSize: sizeBytes,
        tagsCode,
      })),
      ...(group !== '' && this.#wantsOf(group, topic)),
    };
    return {
      code: ResponseCode.SUCCESS,
      ...(!isThere && { remark: `Index ${index} of ${queueId}@${topic} is not exist!` }),
      body: encodeConsumeQueueFacts(facts),
    };
  }

  #wantsOf(group: string, topic: string): Pick<ConsumeQueueFacts, 'subscriptionData' | 'filterData'> {
    const subscription = this.#consumers.subscription(group, topic);
    if (subscription === undefined) return { filterData: `${group}@${topic} is not online!` };
    const filter = this.#filters.find(topic, group);
    const filterData = filter === undefined ? 'null' : stringifyJsonDialect(filter, { indent: '\t' });
    return { subscriptionData: subscription.data, filterData };
  }
}
