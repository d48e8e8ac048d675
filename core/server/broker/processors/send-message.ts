import { inject, injectable } from 'inversify';
import { withProperties } from '../../../message/edited-properties.js';
import { OffsetMsgIds } from '../../../message/offset-msg-ids.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag } from '../../../message/sys-flag.js';
import { deadLetterTopicOf, RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageDelays } from '../delay/message-delays.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import {
  type AppendBatchResult,
  type AppendResult,
  type AppendStatus,
  isStored,
  MessageStore,
  type StoreMessage,
} from '../message-store.js';
import { type Refusal, unknownGroupOfRetry } from '../refusal.js';
import { appendResponseCode, appendResponseRemark } from '../send/append-status.js';
import { recordHostOf } from '../send/record-host.js';
import { SendAnswer } from '../send/send-answer.js';
import { type BatchRefusal, readBatch, refuseBatchTopic } from '../send/send-batch.js';
import { checkSend, type SendCheckScope } from '../send/send-check.js';
import { readSend, SEND_FIELDS, SEND_FIELDS_V2, type SendFields, type SendRequest } from '../send/send-fields.js';
import { readSendProperties, type SendProperties } from '../send/send-properties.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import { halfProperties } from '../transaction/half-message.js';
import { HalfMessages } from '../transaction/half-messages.js';
import { isHalfSend, refuseTransaction } from '../transaction/send-half.js';
import { HALF_TOPIC, TRANSACTION_QUEUE_ID } from '../transaction/transaction-topics.js';

type Respond = (response: OutgoingResponse) => void;
type Answer = OutgoingResponse | Promise<OutgoingResponse> | 'later';

/** Where a message goes in the end. */
interface Destination {
  readonly topic: string;
  readonly queueId: number;
  /** A dead letter: its delay no longer counts. */
  readonly dead: boolean;
  readonly multiTag: boolean;
}

const DLQ_QUEUE_NUMS = 1;

/**
 * SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE. Once per message: fields are read straight from the header, the
 * answer is one object of a fixed shape, and no promise is made unless the topic is new.
 */
@injectable()
export class SendMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #halfMessages: HalfMessages;
  readonly #delays: MessageDelays;
  readonly #scope: SendCheckScope;
  #nextQueue = 0;
  /** Of the address that the broker advertises now. */
  #ids: OffsetMsgIds | undefined;

  readonly handlers = {
    [RequestCode.SEND_MESSAGE]: this.#handler(SEND_FIELDS),
    [RequestCode.SEND_MESSAGE_V2]: this.#handler(SEND_FIELDS_V2),
    [RequestCode.SEND_BATCH_MESSAGE]: this.#handler(SEND_FIELDS_V2),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(HalfMessages) halfMessages: HalfMessages,
    @inject(MessageDelays) delays: MessageDelays,
    @inject(Clock) clock: Clock,
  ) {
    this.#delays = delays;
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#halfMessages = halfMessages;
    this.#scope = { settings, topics, clock };
  }

  #handler(fields: SendFields) {
    return (request: RemotingCommand, connection: ServerConnection, respond: Respond): Answer =>
      this.#process(readSend(fields, request), request.body, connection, respond);
  }

  #process(send: SendRequest, body: Buffer, connection: ServerConnection, respond: Respond): Answer {
    const checked = checkSend(send, connection.remoteAddress, this.#scope);
    if ('code' in checked) return this.#refuse(checked);
    if (send.batch) return this.#processBatch(send, body, checked, connection, respond);
    const destination = this.#destination(send, checked);
    if ('code' in destination) return this.#refuse(destination);
    const properties = readSendProperties(send.properties, this.#settings.clusterName);
    const refusal = refuseTransaction(send, properties, this.#settings);
    if (refusal) return this.#refuse(refusal);

    const saving = this.#savingFor(send, destination, properties);
    if (saving !== undefined) return this.#processAfter(saving, send, body, connection);
    this.#append(send, destination, properties, body, connection, respond);
    return 'later';
  }

  /**
   * Its topic is only just being written down: nothing is acknowledged before. Who deletes that meanwhile has it looked up,
   * and made, again. The body is a view of this turn's bytes.
   */
  #processAfter(
    saving: Promise<unknown>,
    send: SendRequest,
    body: Buffer,
    connection: ServerConnection,
  ): Promise<OutgoingResponse> {
    const kept = Buffer.from(body);
    const again = (resolve: (answer: OutgoingResponse | Promise<OutgoingResponse>) => void): void => {
      const answer = this.#process(send, kept, connection, resolve);
      if (answer !== 'later') resolve(answer);
    };
    return saving.then(() => new Promise(again));
  }

  #processBatch(
    send: SendRequest,
    body: Buffer,
    config: TopicConfig,
    connection: ServerConnection,
    respond: Respond,
  ): Answer {
    const { topic } = send;
    const refusal = refuseBatchTopic(topic);
    if (refusal !== undefined) return this.#refuseBatch(refusal);
    const queueId = send.queueId >= 0 ? send.queueId : this.#anyQueue(config);
    if (typeof queueId !== 'number') return this.#refuse(queueId);
    const saving = this.#topics.savingOf(topic);
    if (saving !== undefined) return this.#processAfter(saving, send, body, connection);
    const common = {
      topic,
      queueId,
      sysFlag: sysFlagOf(send, config.topicFilterType === 'MULTI_TAG'),
      bornTimestamp: send.bornTimestamp,
      bornHost: recordHostOf(connection.remoteAddress),
      storeHost: this.#settings.storeHost,
      reconsumeTimes: send.reconsumeTimes,
    };
    const messages = readBatch(send, body, common, this.#settings);
    if (!Array.isArray(messages)) return this.#refuseBatch(messages);
    this.#store.appendBatch(messages, (result) => respond(this.#answerBatch(result, queueId)));
    return 'later';
  }

  #append(
    send: SendRequest,
    destination: Destination,
    properties: SendProperties,
    body: Buffer,
    connection: ServerConnection,
    respond: Respond,
  ): void {
    const isHalf = isHalfSend(send, properties);
    const stored = isHalf ? halfProperties(properties, send.properties, destination) : Buffer.from(properties.stored);
    if (stored === undefined) {
      respond(this.#refuseStatus('MESSAGE_ILLEGAL'));
      return;
    }
    const sysFlag = sysFlagOf(send, destination.multiTag);
    const message: StoreMessage = {
      topic: isHalf ? HALF_TOPIC : destination.topic,
      queueId: isHalf ? TRANSACTION_QUEUE_ID : destination.queueId,
      flag: send.flag,
      sysFlag: isHalf ? sysFlag & ~SysFlag.TRANSACTION_MASK : sysFlag,
      bornTimestamp: send.bornTimestamp,
      bornHost: recordHostOf(connection.remoteAddress),
      storeHost: this.#settings.storeHost,
      reconsumeTimes: send.reconsumeTimes,
      preparedTransactionOffset: 0,
      body,
      properties: stored,
      tagsCode: tagsCodeOf(properties.tag),
      waitStored: properties.waitStored,
    };
    if (!isHalf && (properties.delay !== undefined || properties.timed) && !destination.dead) {
      this.#appendDelayed(message, findProperty(send.properties ?? '', PropertyName.WAIT), respond);
      return;
    }
    this.#store.append(message, (result) => respond(this.#answer(result, destination.queueId)));
  }

  /** What waits is stored with `WAIT`, what does not without, and the answer names the queue that was asked for. */
  #appendDelayed(message: StoreMessage, wait: string | undefined, respond: Respond): void {
    const text = message.properties.toString();
    const properties = wait === undefined ? message.properties : Buffer.from(withProperties(text, { WAIT: wait }));
    const diverted = this.#delays.divert({ ...message, properties });
    if ('code' in diverted) {
      respond(this.#refuse(diverted));
      return;
    }
    const { recallHandle } = diverted;
    const isDelayed = diverted.message.topic !== message.topic;
    this.#store.append(isDelayed ? diverted.message : message, (result) => {
      const answer = this.#answer(result, message.queueId);
      const isRecallable = recallHandle !== undefined && isStored(result.status);
      respond(isRecallable ? { code: answer.code, ext: { ...answer.ext, recallHandle } } : answer);
    });
  }

  /** What to wait for before the message can be acknowledged: topics that are only just being written down. */
  #savingFor(send: SendRequest, { topic }: Destination, properties: SendProperties): Promise<unknown> | undefined {
    const saving = this.#topics.savingOf(topic);
    const halfSaving = isHalfSend(send, properties) ? this.#halfMessages.makeTopics() : undefined;
    return saving === undefined || halfSaving === undefined
      ? (saving ?? halfSaving)
      : Promise.all([saving, halfSaving]);
  }

  #answer({ status, commitLogOffset, queueOffset }: AppendResult, queueId: number): OutgoingResponse {
    if (!isStored(status)) return this.#refuseStatus(status);
    return this.#stored(status, this.#offsetMsgId(commitLogOffset), queueId, queueOffset);
  }

  /** One id for each message, the offset of the first. */
  #answerBatch({ status, commitLogOffsets, queueOffset }: AppendBatchResult, queueId: number): OutgoingResponse {
    if (!isStored(status)) return this.#refuseStatus(status);
    const ids = commitLogOffsets.map((commitLogOffset) => this.#offsetMsgId(commitLogOffset));
    return this.#stored(status, ids.join(','), queueId, queueOffset);
  }

  #stored(status: AppendStatus, msgId: string, queueId: number, queueOffset: number): OutgoingResponse {
    return new SendAnswer(appendResponseCode(status), msgId, queueId, queueOffset, this.#settings);
  }

  #refuseStatus(status: AppendStatus): OutgoingResponse {
    const remark = appendResponseRemark(status, this.#settings, this.#store);
    return this.#refuse({ code: appendResponseCode(status), remark });
  }

  #refuseBatch(refusal: BatchRefusal): OutgoingResponse {
    if (refusal === 'illegal') return this.#refuseStatus('MESSAGE_ILLEGAL');
    return this.#refuse({ code: ResponseCode.MESSAGE_ILLEGAL, remark: refusal.remark });
  }

  /** Java reads MSG_REGION from every answer to a send without asking whether it is there. */
  #refuse({ code, remark }: Refusal): OutgoingResponse {
    return { code, remark, ext: { MSG_REGION: this.#settings.regionId, TRACE_ON: this.#settings.traceOn } };
  }

  /** A retry topic's message that was tried often enough becomes a dead letter; all others go where they are sent. */
  #destination(send: SendRequest, config: TopicConfig): Destination | Refusal {
    const { topic, queueId } = send;
    const multiTag = config.topicFilterType === 'MULTI_TAG';
    if (topic.startsWith(RETRY_TOPIC_PREFIX)) {
      const groupName = topic.slice(RETRY_TOPIC_PREFIX.length);
      const group = this.#groups.find(groupName);
      if (group === undefined) return unknownGroupOfRetry(groupName);
      if (send.reconsumeTimes >= (send.maxReconsumeTimes ?? group.retryMaxTimes)) {
        const dead = this.#topics.createPlain(deadLetterTopicOf(groupName), DLQ_QUEUE_NUMS, 0);
        return { topic: dead.topicName, queueId: 0, dead: true, multiTag };
      }
    }
    if (queueId >= 0) return { topic, queueId, dead: false, multiTag };
    const chosen = this.#anyQueue(config);
    return typeof chosen === 'number' ? { topic, queueId: chosen, dead: false, multiTag } : chosen;
  }

  #anyQueue({ topicName, writeQueueNums }: TopicConfig): number | Refusal {
    if (writeQueueNums < 1) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `topic[${topicName}] has no queue to write to` };
    }
    this.#nextQueue = (this.#nextQueue + 1) % writeQueueNums;
    return this.#nextQueue;
  }

  #offsetMsgId(commitLogOffset: number): string {
    const { storeHost } = this.#settings;
    if (this.#ids?.host !== storeHost) this.#ids = new OffsetMsgIds(storeHost);
    return this.#ids.idAt(commitLogOffset);
  }
}

function sysFlagOf({ sysFlag }: SendRequest, multiTag: boolean): number {
  return sysFlag | (multiTag ? SysFlag.MULTI_TAGS : 0);
}
