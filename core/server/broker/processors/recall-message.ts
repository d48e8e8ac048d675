import { inject, injectable } from 'inversify';
import { withProperties } from '../../../message/edited-properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { parseRecallHandle, type RecallHandle } from '../../../message/recall-handle.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageDelays } from '../delay/message-delays.js';
import { recallKey } from '../delay/recall-key.js';
import { isStored, MessageStore, type StoreMessage } from '../message-store.js';
import type { Refusal } from '../refusal.js';
import { recordHostOf } from '../send/record-host.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

const TAG = '_RECALL_TAG_';

/**
 * RECALL_MESSAGE (5.x): takes a timer back that is not due yet. What takes it back is a timer of the same second, which is
 * never delivered itself. Whether there was such a message is not known, and not said. Matches Apache's
 * RecallMessageProcessor.
 */
@injectable()
export class RecallMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #delays: MessageDelays;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.RECALL_MESSAGE]: (request: RemotingCommand, connection: ServerConnection) =>
      this.#recall(request, connection),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(MessageDelays) delays: MessageDelays,
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#delays = delays;
    this.#clock = clock;
  }

  async #recall(request: RemotingCommand, connection: ServerConnection): Promise<OutgoingResponse> {
    const topic = requiredString(request, 'topic');
    const handle = this.#check(topic, requiredString(request, 'recallHandle'));
    if ('code' in handle) return this.#answer(handle);
    const message = this.#message(handle, request.ext.producerGroup ?? '', connection);
    const diverted = this.#delays.divert(message);
    if ('code' in diverted) return this.#answer(FAILED);
    const { status } = await new Promise<{ readonly status: string }>((resolve) => {
      this.#store.append(diverted.message, resolve);
    });
    if (!isStored(status)) return this.#answer(FAILED);
    const { regionId } = this.#settings;
    return { code: ResponseCode.SUCCESS, ext: { msgId: handle.messageId, MSG_REGION: regionId } };
  }

  #check(topic: string, text: string): RecallHandle | Refusal {
    const { recallMessageEnable, startAcceptSendRequestTimeStamp, brokerPermission, brokerName } = this.#settings;
    const nowMs = this.#clock.now();
    const refuse = (code: number, why: string): Refusal => ({ code, remark: `recall failed, ${why}` });
    if (!recallMessageEnable) return refuse(ResponseCode.NO_PERMISSION, 'operation is forbidden');
    if (nowMs < startAcceptSendRequestTimeStamp || (brokerPermission & Permission.WRITE) === 0) {
      return refuse(ResponseCode.SERVICE_NOT_AVAILABLE, 'broker service not available');
    }
    if (this.#topics.find(topic) === undefined) {
      return refuse(ResponseCode.TOPIC_NOT_EXIST, `the topic[${topic}] not exist`);
    }
    const handle = parseRecallHandle(text);
    if (handle === undefined) return { code: ResponseCode.ILLEGAL_OPERATION, remark: 'recall handle is invalid' };
    if (handle.topic !== topic) return refuse(ResponseCode.ILLEGAL_OPERATION, 'topic not match');
    if (handle.brokerName !== brokerName) {
      return refuse(ResponseCode.ILLEGAL_OPERATION, 'broker service not available');
    }
    const leftMs = Number(/^\d{1,15}$/.test(handle.timestamp) ? handle.timestamp : -1) - nowMs;
    if (leftMs <= 0 || leftMs >= this.#settings.timerMaxDelaySec * 1_000) {
      return refuse(ResponseCode.ILLEGAL_OPERATION, 'timestamp invalid');
    }
    return handle;
  }

  #message({ topic, timestamp, messageId }: RecallHandle, group: string, connection: ServerConnection): StoreMessage {
    const bornTimestamp = this.#clock.now();
    const properties = withProperties('', {
      [PropertyName.TAGS]: TAG,
      [PropertyName.TIMER_DEL_UNIQKEY]: recallKey(topic, messageId),
      [PropertyName.UNIQ_KEY]: messageId,
      [PropertyName.TIMER_DELIVER_MS]: timestamp,
      [PropertyName.BORN_TIMESTAMP]: bornTimestamp,
      ...(group !== '' && { [PropertyName.PGROUP]: group }),
    });
    return {
      topic,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestamp,
      bornHost: recordHostOf(connection.remoteAddress),
      storeHost: this.#settings.storeHost,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from('0'),
      properties: Buffer.from(properties),
      tagsCode: tagsCodeOf(TAG),
      waitStored: true,
    };
  }

  #answer({ code, remark }: Refusal): OutgoingResponse {
    return { code, remark, ext: { MSG_REGION: this.#settings.regionId } };
  }
}

const FAILED: Refusal = { code: ResponseCode.SYSTEM_ERROR, remark: 'recall failed, execute error' };
