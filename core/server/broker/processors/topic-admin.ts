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
  encodeTopicConfig,
  encodeTopicConfigTable,
  type TopicConfig,
} from '../../../remoting/protocol/topic-config.js';
import { encodeTopicList } from '../../../remoting/protocol/topic-list.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { Registration } from '../registration.js';
import { QUEUE_NUMS_MAX } from '../topic-config.js';
import { TopicConfigManager } from '../topic-config-manager.js';
import { refuseTopicName } from '../topic-names.js';

/** Creates and changes topics, and lists them. */
@injectable()
export class TopicAdminProcessor implements BrokerProcessor {
  readonly #topics: TopicConfigManager;
  readonly #registration: Registration;

  readonly handlers = {
    [RequestCode.UPDATE_AND_CREATE_TOPIC]: (request: RemotingCommand) => this.#update(request),
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
  ) {
    this.#topics = topics;
    this.#registration = registration;
  }

  /** Answers when the topic is saved and the name servers have heard of it: a client may use it then. */
  async #update(request: RemotingCommand): Promise<OutgoingResponse> {
    const topicName = requiredString(request, 'topic');
    const config: TopicConfig = {
      topicName,
      readQueueNums: requiredInt32(request, 'readQueueNums'),
      writeQueueNums: requiredInt32(request, 'writeQueueNums'),
      perm: requiredInt32(request, 'perm'),
      topicFilterType: requiredString(request, 'topicFilterType'),
      topicSysFlag: optionalInt32(request, 'topicSysFlag') ?? 0,
      order: optionalBoolean(request, 'order') ?? false,
    };
    const refusal = refuseTopicName(topicName);
    if (refusal) return refusal;
    if (this.#topics.isSystemTopic(topicName)) {
      const remark = `The topic[${topicName}] is conflict with system topic.`;
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    for (const queueNums of [config.readQueueNums, config.writeQueueNums]) {
      if (queueNums >= 0 && queueNums <= QUEUE_NUMS_MAX) continue;
      const remark = `topic[${topicName}] cannot have ${queueNums} queues, 0 to ${QUEUE_NUMS_MAX} are allowed`;
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    await this.#topics.update(config);
    await this.#registration.registerTopic(config);
    return { code: ResponseCode.SUCCESS };
  }
}
