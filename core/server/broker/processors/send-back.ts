import { inject, injectable } from 'inversify';
import { withoutProperties, withProperties } from '../../../message/edited-properties.js';
import { formatOffsetMsgId } from '../../../message/message-ids.js';
import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { deadLetterTopicOf, retryTopicOf } from '../../../message/system-topics.js';
import {
  optionalBoolean,
  optionalInt32,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import { Permission, TopicSysFlag } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { SubscriptionGroupConfig } from '../../../remoting/protocol/subscription-group-config.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageDelays } from '../delay/message-delays.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { type AppendResult, MessageStore, type StoreMessage } from '../message-store.js';
import { unknownGroupOfRetry } from '../refusal.js';
import { republish } from '../send/republish.js';
import { brokerHost } from '../settings/broker-host.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** First retry: level 3, ten seconds; each further one waits a level more. */
const FIRST_RETRY_LEVEL = 3;
const DLQ_QUEUE_NUMS = 1;
const REPLACED = [PropertyName.RETRY_TOPIC, PropertyName.ORIGIN_MESSAGE_ID, PropertyName.WAIT, PropertyName.DELAY];

/** What a consumer asks for a message that it could not handle. */
interface SendBackRequest {
  /** Where the message lies in the commit log. */
  readonly offset: number;
  readonly group: string;
  /** -1 a dead letter, 0 by the number of tries, else a level. */
  readonly delayLevel: number;
  readonly unitMode: boolean;
  readonly maxReconsumeTimes: number | undefined;
}

/**
 * CONSUMER_SEND_MSG_BACK: stores a message anew for the group's retry topic, to be delivered after a while, or for its dead
 * letters when it was tried often enough. Matches consumerSendMsgBack of Apache's SendMessageProcessor (4.9).
 */
@injectable()
export class SendBackProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #delays: MessageDelays;
  #nextQueue = 0;

  readonly handlers = {
    [RequestCode.CONSUMER_SEND_MSG_BACK]: (request: RemotingCommand): Promise<OutgoingResponse> =>
      this.#process({
        group: requiredString(request, 'group'),
        offset: requiredInt64(request, 'offset'),
        delayLevel: requiredInt32(request, 'delayLevel'),
        unitMode: optionalBoolean(request, 'unitMode') ?? false,
        maxReconsumeTimes: optionalInt32(request, 'maxReconsumeTimes'),
      }),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(MessageDelays) delays: MessageDelays,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#delays = delays;
  }

  async #process(request: SendBackRequest): Promise<OutgoingResponse> {
    const { group, offset, unitMode } = request;
    const config = this.#groups.find(group);
    if (config === undefined) return unknownGroupOfRetry(group);
    if ((this.#settings.brokerPermission & Permission.WRITE) === 0) {
      const remark = `the broker[${brokerHost(this.#settings)}] sending message is forbidden`;
      return { code: ResponseCode.NO_PERMISSION, remark };
    }
    // Such a group wants no retries: the message is done with.
    if (config.retryQueueNums <= 0) return { code: ResponseCode.SUCCESS };
    const retryTopic = retryTopicOf(group);
    const { perm } = this.#topics.createPlain(retryTopic, config.retryQueueNums, unitMode ? TopicSysFlag.UNIT_SUB : 0);
    if ((perm & Permission.WRITE) === 0) {
      return { code: ResponseCode.NO_PERMISSION, remark: `the topic[${retryTopic}] sending message is forbidden` };
    }
    const record = await this.#store.recordAt(offset);
    if (record === undefined) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `look message by offset failed, ${offset}` };
    }
    const message = this.#again(record, request, config);
    const delayed = this.#delays.divert(message);
    if ('code' in delayed) return delayed;
    await this.#topics.savingOf(message.topic);
    const { status } = await this.#append(delayed.message);
    return status === 'PUT_OK' ? { code: ResponseCode.SUCCESS } : { code: ResponseCode.SYSTEM_ERROR, remark: status };
  }

  /** The message for the next try, or for the dead letters. */
  #again(
    record: StoredRecord,
    { group, delayLevel, maxReconsumeTimes }: SendBackRequest,
    config: SubscriptionGroupConfig,
  ) {
    const { reconsumeTimes } = record;
    const stored = record.properties.toString();
    const isDead = reconsumeTimes >= (maxReconsumeTimes ?? config.retryMaxTimes) || delayLevel < 0;
    const nextLevel = delayLevel === 0 ? FIRST_RETRY_LEVEL + reconsumeTimes : delayLevel;
    const topic = isDead
      ? this.#topics.createPlain(deadLetterTopicOf(group), DLQ_QUEUE_NUMS, 0).topicName
      : retryTopicOf(group);
    const originId = formatOffsetMsgId(record.storeHost, record.physicalOffset);
    const properties = withProperties(withoutProperties(stored, REPLACED), {
      [PropertyName.RETRY_TOPIC]: findProperty(stored, PropertyName.RETRY_TOPIC) ?? record.topic,
      [PropertyName.ORIGIN_MESSAGE_ID]: findProperty(stored, PropertyName.ORIGIN_MESSAGE_ID) ?? originId,
      [PropertyName.WAIT]: 'false',
      [PropertyName.DELAY]: isDead ? 0 : nextLevel,
    });
    return republish(record, {
      topic,
      queueId: isDead ? 0 : this.#anyQueue(config.retryQueueNums),
      properties,
      reconsumeTimes: reconsumeTimes + 1,
    });
  }

  #anyQueue(queueNums: number): number {
    this.#nextQueue = (this.#nextQueue + 1) % queueNums;
    return this.#nextQueue;
  }

  #append(message: StoreMessage): Promise<AppendResult> {
    return new Promise((resolve) => this.#store.append(message, resolve));
  }
}
