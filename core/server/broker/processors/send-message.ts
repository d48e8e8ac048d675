import { inject, injectable } from 'inversify';
import { formatOffsetMsgId } from '../../../message/message-ids.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { deadLetterTopicOf, RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { BrokerSettings } from '../broker-settings.js';
import { type AppendResult, MessageStore } from '../message-store.js';
import { readSendProperties, type SendProperties } from '../send-properties.js';
import { SubscriptionGroupManager } from '../subscription-group-manager.js';
import { TopicConfigManager } from '../topic-config-manager.js';
import { FAQ_LINE, type Refusal } from '../topic-names.js';
import { appendResponseCode, appendResponseRemark } from './append-status.js';
import { checkSend, type SendCheckScope } from './send-check.js';
import { readSend, SEND_FIELDS, SEND_FIELDS_V2, type SendFields, type SendRequest } from './send-fields.js';

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
const HOST_BITS = SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6;

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
  readonly #scope: SendCheckScope;
  #nextQueue = 0;
  /** The part of an offset id that is the same for every message of this broker, and the address it is of. */
  #idPrefix: { readonly storeHost: string; readonly hex: string } | undefined;

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
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#scope = { settings, topics, clock };
  }

  #handler(fields: SendFields) {
    return (request: RemotingCommand, connection: ServerConnection, respond: Respond): Answer =>
      this.#process(readSend(fields, request), request.body, connection, respond);
  }

  #process(send: SendRequest, body: Buffer, connection: ServerConnection, respond: Respond): Answer {
    const checked = checkSend(send, connection.remoteAddress, this.#scope);
    if ('code' in checked) return this.#refuse(checked);
    const destination = this.#destination(send, checked);
    if ('code' in destination) return this.#refuse(destination);
    const properties = readSendProperties(send.properties, this.#settings.clusterName);
    const refusal = this.#refuseFeatures(send, destination, properties);
    if (refusal) return this.#refuse(refusal);

    const saving = this.#topics.savingOf(destination.topic);
    if (saving === undefined) {
      this.#append(send, destination, properties, body, connection, respond);
      return 'later';
    }
    // The topic is only just being written down: nothing is acknowledged before. The body is a view of this turn's bytes.
    const kept = Buffer.from(body);
    return saving.then(
      () => new Promise((answer) => this.#append(send, destination, properties, kept, connection, answer)),
    );
  }

  #append(
    send: SendRequest,
    destination: Destination,
    properties: SendProperties,
    body: Buffer,
    connection: ServerConnection,
    respond: Respond,
  ): void {
    this.#store.append(
      {
        topic: destination.topic,
        queueId: destination.queueId,
        flag: send.flag,
        // Which hosts are IPv6 is the store's to say: it writes them.
        sysFlag: (send.sysFlag & ~HOST_BITS) | (destination.multiTag ? SysFlag.MULTI_TAGS : 0),
        bornTimestamp: send.bornTimestamp,
        bornHost: recordHostOf(connection.remoteAddress),
        storeHost: this.#settings.storeHost,
        reconsumeTimes: send.reconsumeTimes,
        preparedTransactionOffset: 0,
        body,
        properties: Buffer.from(properties.stored),
        tagsCode: tagsCodeOf(properties.tag),
        waitStored: properties.waitStored,
      },
      (result) => respond(this.#answer(result, destination.queueId)),
    );
  }

  #answer(result: AppendResult, queueId: number): OutgoingResponse {
    const code = appendResponseCode(result.status);
    if (code === ResponseCode.SUCCESS || code === ResponseCode.FLUSH_DISK_TIMEOUT) {
      return {
        code,
        ext: {
          msgId: this.#offsetMsgId(result.commitLogOffset),
          queueId,
          queueOffset: result.queueOffset,
          MSG_REGION: this.#settings.regionId,
          TRACE_ON: this.#settings.traceOn,
        },
      };
    }
    return this.#refuse({ code, remark: appendResponseRemark(result.status, this.#settings, this.#store) });
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
      if (group === undefined) {
        const remark = `subscription group not exist, ${groupName} ${FAQ_LINE}`;
        return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
      }
      if (send.reconsumeTimes >= (send.maxReconsumeTimes ?? group.retryMaxTimes)) {
        const dead = this.#topics.createPlain(deadLetterTopicOf(groupName), DLQ_QUEUE_NUMS, 0);
        return { topic: dead.topicName, queueId: 0, dead: true, multiTag };
      }
    }
    if (queueId >= 0) return { topic, queueId, dead: false, multiTag };
    const { writeQueueNums } = config;
    if (writeQueueNums < 1) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `topic[${topic}] has no queue to write to` };
    }
    this.#nextQueue = (this.#nextQueue + 1) % writeQueueNums;
    return { topic, queueId: this.#nextQueue, dead: false, multiTag };
  }

  /** What this server cannot do yet is refused: to take it would be to lie. */
  #refuseFeatures(
    { batch, sysFlag }: SendRequest,
    { dead }: Destination,
    properties: SendProperties,
  ): Refusal | undefined {
    if (batch) {
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark: 'message batches are not supported by this broker' };
    }
    const type = transactionType(sysFlag);
    if (properties.transactional || type === SysFlag.TRANSACTION_PREPARED || type === SysFlag.TRANSACTION_ROLLBACK) {
      const host = hostOf(this.#settings.address);
      const remark = `the broker[${host}] sending transaction message is forbidden`;
      return { code: ResponseCode.NO_PERMISSION, remark };
    }
    if (properties.timed) {
      const remark = 'accurate timer message is not enabled, timerWheelEnable is false';
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    // Java reads it as an int; what is none cannot be a level either.
    if (properties.delay !== undefined && !dead && !(Number(properties.delay) <= 0)) {
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark: 'delay levels are not supported by this broker' };
    }
    return undefined;
  }

  #offsetMsgId(commitLogOffset: number): string {
    const { storeHost } = this.#settings;
    if (this.#idPrefix?.storeHost !== storeHost) {
      this.#idPrefix = { storeHost, hex: formatOffsetMsgId(storeHost, 0).slice(0, -16) };
    }
    return this.#idPrefix.hex + commitLogOffset.toString(16).toUpperCase().padStart(16, '0');
  }
}

/** A record holds an IP address; a client in this process may have come without one. */
function recordHostOf(remoteAddress: string): string {
  const first = remoteAddress.charCodeAt(0);
  const isIp = (first >= 0x30 && first <= 0x39) || first === 0x5b;
  return isIp ? remoteAddress : `127.0.0.1${remoteAddress.slice(remoteAddress.lastIndexOf(':'))}`;
}

/** The host in a `host:port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}
