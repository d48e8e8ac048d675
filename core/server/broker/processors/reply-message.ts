import { inject, injectable } from 'inversify';
import { formatOffsetMsgId } from '../../../message/message-ids.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { ExtInput, RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ProducerRegistry } from '../clients/producer-registry.js';
import { pushReply } from '../clients/push-reply.js';
import { type AppendResult, MessageStore } from '../message-store.js';
import { recordHostOf } from '../send/record-host.js';
import { checkSend } from '../send/send-check.js';
import { readSend, SEND_FIELDS, SEND_FIELDS_V2, type SendFields, type SendRequest } from '../send/send-fields.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/**
 * SEND_REPLY_MESSAGE and SEND_REPLY_MESSAGE_V2: a reply is pushed to the client that waits for it, and stored in its
 * topic for whoever looks later, also when nobody took it. The answer tells the replier whether it was taken. Matches
 * Apache's ReplyMessageProcessor, but that the stored record says how its body is compressed.
 */
@injectable()
export class ReplyMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #producers: ProducerRegistry;
  readonly #clock: Clock;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.SEND_REPLY_MESSAGE]: this.#handler(SEND_FIELDS),
    [RequestCode.SEND_REPLY_MESSAGE_V2]: this.#handler(SEND_FIELDS_V2),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#producers = producers;
    this.#clock = clock;
    this.#logger = logger;
  }

  #handler(fields: SendFields) {
    return (request: RemotingCommand, connection: ServerConnection): OutgoingResponse | Promise<OutgoingResponse> => {
      const send = readSend(fields, request);
      const scope = { settings: this.#settings, topics: this.#topics, clock: this.#clock };
      const checked = checkSend(send, connection.remoteAddress, scope);
      if ('code' in checked) return this.#answer(checked.code, checked.remark);
      // What is awaited below outlives this turn's bytes.
      const body = Buffer.from(request.body);
      return this.#process(send, headerOf(fields, request), body, recordHostOf(connection.remoteAddress));
    };
  }

  async #process(send: SendRequest, header: ExtInput, body: Buffer, bornHost: string): Promise<OutgoingResponse> {
    const { storeHost, storeReplyMessageEnable } = this.#settings;
    const properties = send.properties ?? '';
    const reply = { header, properties, body, bornHost, storeHost, now: this.#clock.now() };
    const failure = await pushReply(reply, this.#producers, this.#logger);
    const queueId = Math.max(0, send.queueId);
    const stored = storeReplyMessageEnable ? await this.#append(send, queueId, body, bornHost) : undefined;
    if (failure !== undefined) return this.#answer(ResponseCode.SYSTEM_ERROR, failure);
    const place =
      stored === undefined || stored.commitLogOffset < 0
        ? { msgId: '0', queueId, queueOffset: 0 }
        : { msgId: formatOffsetMsgId(storeHost, stored.commitLogOffset), queueId, queueOffset: stored.queueOffset };
    return this.#answer(ResponseCode.SUCCESS, undefined, place);
  }

  async #append(send: SendRequest, queueId: number, body: Buffer, bornHost: string): Promise<AppendResult> {
    const { topic, flag, bornTimestamp, reconsumeTimes, properties = '' } = send;
    await this.#topics.savingOf(topic);
    const result = await new Promise<AppendResult>((done) =>
      this.#store.append(
        {
          topic,
          queueId,
          flag,
          sysFlag: send.sysFlag,
          bornTimestamp,
          bornHost,
          storeHost: this.#settings.storeHost,
          reconsumeTimes,
          preparedTransactionOffset: 0,
          body,
          properties: Buffer.from(properties),
          tagsCode: tagsCodeOf(findProperty(properties, PropertyName.TAGS)),
          waitStored: findProperty(properties, PropertyName.WAIT)?.toLowerCase() !== 'false',
        },
        done,
      ),
    );
    if (result.commitLogOffset < 0) this.#logger.warn('a reply was not stored', { topic, status: result.status });
    return result;
  }

  #answer(code: number, remark: string | undefined, place: ExtInput = {}): OutgoingResponse {
    const { regionId, traceOn } = this.#settings;
    return { code, remark, ext: { ...place, MSG_REGION: regionId, TRACE_ON: traceOn } };
  }
}

/** The replier's header as the waiting client gets it. */
function headerOf(fields: SendFields, { ext }: RemotingCommand): ExtInput {
  return {
    producerGroup: ext[fields.producerGroup],
    topic: ext[fields.topic],
    defaultTopic: ext[fields.defaultTopic],
    defaultTopicQueueNums: ext[fields.defaultTopicQueueNums],
    queueId: ext[fields.queueId],
    sysFlag: ext[fields.sysFlag],
    bornTimestamp: ext[fields.bornTimestamp],
    flag: ext[fields.flag],
    reconsumeTimes: ext[fields.reconsumeTimes],
    unitMode: ext[fields.unitMode] ?? 'false',
  };
}
