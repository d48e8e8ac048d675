import { NOT_ALLOWED_SEND_TOPICS, RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { Clock } from '../../../runtime/clock.js';
import { FAQ_LINE, type Refusal } from '../refusal.js';
import { brokerHost } from '../settings/broker-host.js';
import type { BrokerSettings } from '../settings/broker-settings.js';
import { describeTopicConfig } from '../topics/topic-config.js';
import type { TopicConfigManager, TopicRequest } from '../topics/topic-config-manager.js';
import { refuseTopicName } from '../topics/topic-names.js';

export interface SendCheckScope {
  readonly settings: BrokerSettings;
  readonly topics: TopicConfigManager;
  readonly clock: Clock;
}

/**
 * Decides whether a message may be sent to a topic and queue, and creates the topic where it may; `producer` is the sender's
 * `ip:port`, for remarks. The order of the checks is part of the protocol. Matches preSend and msgCheck of Apache's AbstractSendMessageProcessor (4.9.7).
 */
export function checkSend(
  request: TopicRequest & { readonly queueId: number },
  producer: string,
  scope: SendCheckScope,
): TopicConfig | Refusal {
  const { settings, topics } = scope;
  const { topic, queueId } = request;
  if (settings.startAcceptSendRequestTimeStamp > 0 && scope.clock.now() < settings.startAcceptSendRequestTimeStamp) {
    const until = humanTime(settings.startAcceptSendRequestTimeStamp);
    return { code: ResponseCode.SYSTEM_ERROR, remark: `broker unable to service, until ${until}` };
  }
  if ((settings.brokerPermission & Permission.WRITE) === 0 && topics.find(topic)?.order === true) {
    const remark = `the broker[${brokerHost(settings)}] sending message is forbidden`;
    return { code: ResponseCode.NO_PERMISSION, remark };
  }
  const illegal = refuseTopicName(topic);
  if (illegal) return illegal;
  if (NOT_ALLOWED_SEND_TOPICS.has(topic)) {
    return { code: ResponseCode.NO_PERMISSION, remark: `Sending message to topic[${topic}] is forbidden.` };
  }
  const config = topics.find(topic) ?? topics.createFromTemplate(request) ?? createRetryTopic(request, topics);
  if (config === undefined) {
    const remark = `topic[${topic}] not exist, apply first please!${FAQ_LINE}`;
    return { code: ResponseCode.TOPIC_NOT_EXIST, remark };
  }
  if (queueId >= Math.max(config.writeQueueNums, config.readQueueNums)) {
    const remark = `request queueId[${queueId}] is illegal, ${describeTopicConfig(config)} Producer: ${producer}`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  return config;
}

function createRetryTopic({ topic, topicSysFlag }: TopicRequest, topics: TopicConfigManager): TopicConfig | undefined {
  return topic.startsWith(RETRY_TOPIC_PREFIX) ? topics.createPlain(topic, 1, topicSysFlag) : undefined;
}

/** `yyyy-MM-dd HH:mm:ss,SSS` in local time, as Apache writes it. */
function humanTime(timestampMs: number): string {
  const date = new Date(timestampMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`;
}
