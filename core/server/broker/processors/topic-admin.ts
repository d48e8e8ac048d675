import { inject, injectable } from 'inversify';
import {
  optionalBoolean,
  optionalInt32,
  requiredInt32,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import {
  decodeTopicConfigList,
  encodeTopicConfig,
  encodeTopicConfigTable,
  type TopicConfig,
} from '../../../remoting/protocol/topic-config.js';
import { encodeTopicList } from '../../../remoting/protocol/topic-list.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import type { Refusal } from '../refusal.js';
import { Registration } from '../registration.js';
import { TopicDeletion } from '../topic-deletion.js';
import { QUEUE_NUMS_MAX } from '../topics/topic-config.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';
import { refuseTopicName } from '../topics/topic-names.js';

/** Creates, changes and deletes topics, and lists them. */
@injectable()
export class TopicAdminProcessor implements BrokerProcessor {
  readonly #topics: TopicConfigManager;
  readonly #registration: Registration;
  readonly #deletion: TopicDeletion;

  readonly handlers = {
    [RequestCode.UPDATE_AND_CREATE_TOPIC]: (request: RemotingCommand) => this.#update(request),
    [RequestCode.UPDATE_AND_CREATE_TOPIC_LIST]: (request: RemotingCommand) =>
      this.#updateAll(decodeTopicConfigList(request.body)),
    [RequestCode.DELETE_TOPIC_IN_BROKER]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const topic = requiredString(request, 'topic');
      const refusal = refuseTopicName(topic) ?? this.#refuseSystemTopic(topic);
      if (refusal) return refusal;
      await this.#deletion.delete(topic);
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.GET_ALL_TOPIC_CONFIG]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeTopicConfigTable(this.#topics.table),
    }),
    [RequestCode.GET_TOPIC_CONFIG]: (request: RemotingCommand): OutgoingResponse => {
      const topic = requiredString(request, 'topic');
      const config = this.#topics.find(topic);
      return config === undefined
        ? { code: ResponseCode.TOPIC_NOT_EXIST, remark: `No topic in this broker. topic: ${topic}` }
        : { code: ResponseCode.SUCCESS, body: encodeTopicConfig(config) };
    },
    [RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeTopicList({ topicList: this.#topics.systemTopics }),
    }),
  };

  constructor(
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(Registration) registration: Registration,
    @inject(TopicDeletion) deletion: TopicDeletion,
  ) {
    this.#topics = topics;
    this.#registration = registration;
    this.#deletion = deletion;
  }

  #update(request: RemotingCommand): Promise<OutgoingResponse> {
    return this.#updateAll([
      {
        topicName: requiredString(request, 'topic'),
        readQueueNums: requiredInt32(request, 'readQueueNums'),
        writeQueueNums: requiredInt32(request, 'writeQueueNums'),
        perm: requiredInt32(request, 'perm'),
        topicFilterType: requiredString(request, 'topicFilterType'),
        topicSysFlag: optionalInt32(request, 'topicSysFlag') ?? 0,
        order: optionalBoolean(request, 'order') ?? false,
      },
    ]);
  }

  /** All of them or none. Answers when they are saved and the name servers have heard of them: a client may use them then. */
  async #updateAll(configs: readonly TopicConfig[]): Promise<OutgoingResponse> {
    for (const config of configs) {
      const refusal = this.#refusalOf(config);
      if (refusal) return refusal;
    }
    await Promise.all(configs.map((config) => this.#topics.update(config)));
    await this.#registration.changed();
    return { code: ResponseCode.SUCCESS };
  }

  #refusalOf({ topicName, readQueueNums, writeQueueNums }: TopicConfig): OutgoingResponse | undefined {
    const refusal = refuseTopicName(topicName) ?? this.#refuseSystemTopic(topicName);
    if (refusal) return refusal;
    for (const queueNums of [readQueueNums, writeQueueNums]) {
      if (queueNums >= 0 && queueNums <= QUEUE_NUMS_MAX) continue;
      const remark = `topic[${topicName}] cannot have ${queueNums} queues, 0 to ${QUEUE_NUMS_MAX} are allowed`;
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    return undefined;
  }

  #refuseSystemTopic(topic: string): Refusal | undefined {
    if (!this.#topics.isSystemTopic(topic)) return undefined;
    return { code: ResponseCode.SYSTEM_ERROR, remark: `The topic[${topic}] is conflict with system topic.` };
  }
}
