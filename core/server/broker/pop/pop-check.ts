import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { RECORD_TOPIC_BYTES_MAX } from '../../../message/message-record.js';
import { popRetryTopicOf } from '../../../message/system-topics.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { ExpressionType, parseTagExpression } from '../../../remoting/protocol/subscription-data.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { PropertyFilters } from '../filters/property-filters.js';
import { isTagExpression, tagMatcherOf } from '../filters/tag-matcher.js';
import type { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { type PullFilter, refuseFilterType } from '../pull/pull-check.js';
import { groupSwitchedOff, type Refusal, unknownGroup, unknownTopic } from '../refusal.js';
import { brokerHost } from '../settings/broker-host.js';
import type { BrokerSettings } from '../settings/broker-settings.js';
import type { TopicConfigManager } from '../topics/topic-config-manager.js';
import type { PopRequest, PopTarget } from './pop-fields.js';

export interface PopCheckScope {
  readonly settings: BrokerSettings;
  readonly topics: TopicConfigManager;
  readonly groups: SubscriptionGroupManager;
}

/** What one pop hands out at most. */
export const POP_MESSAGES_MAX = 32;
const LATE_MS = 500;

/** Checks of POP_MESSAGE alone, in front of {@link checkPopTarget}; undefined for a good one. */
export function refusePop(pop: PopRequest, settings: BrokerSettings, nowMs: number): Refusal | undefined {
  const broker = `the broker[${brokerHost(settings)}] pop message`;
  if (nowMs - pop.bornTime - pop.pollTime > LATE_MS) {
    return { code: ResponseCode.POLLING_TIMEOUT, remark: `${broker} is timeout too much` };
  }
  if ((settings.brokerPermission & Permission.READ) === 0) {
    return { code: ResponseCode.NO_PERMISSION, remark: `${broker} is forbidden` };
  }
  if (pop.maxMsgNums > POP_MESSAGES_MAX) {
    return { code: ResponseCode.INVALID_PARAMETER, remark: `${broker}'s num is greater than ${POP_MESSAGES_MAX}` };
  }
  if (!settings.timerWheelEnable) {
    const remark = `${broker} is forbidden because timerWheelEnable is false`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  if (pop.invisibleTime > settings.timerMaxDelaySec * 1_000) {
    const remark = `${broker}'s invisible time is more than timerMaxDelaySec, ${settings.timerMaxDelaySec}`;
    return { code: ResponseCode.INVALID_PARAMETER, remark };
  }
  const retryTopic = popRetryTopicOf(pop.topic, pop.group);
  if (Buffer.byteLength(retryTopic) > RECORD_TOPIC_BYTES_MAX) {
    const remark = `${broker} is forbidden because retries would go to ${retryTopic}, which is longer than ${RECORD_TOPIC_BYTES_MAX}`;
    return { code: ResponseCode.INVALID_PARAMETER, remark };
  }
  return undefined;
}

/** Whether a group may consume a topic; the order is part of the protocol. */
export function checkPopTarget(target: PopTarget, scope: PopCheckScope, consumer: string): TopicConfig | Refusal {
  const { topic, queueId, group } = target;
  if ((scope.settings.brokerPermission & Permission.READ) === 0) {
    const remark = `the broker[${brokerHost(scope.settings)}] peeking message is forbidden`;
    return { code: ResponseCode.NO_PERMISSION, remark };
  }
  const config = scope.topics.find(topic);
  if (config === undefined) return unknownTopic(topic);
  if ((config.perm & Permission.READ) === 0) {
    return { code: ResponseCode.NO_PERMISSION, remark: `the topic[${topic}] peeking message is forbidden` };
  }
  if (queueId >= config.readQueueNums) {
    return { code: ResponseCode.INVALID_PARAMETER, remark: illegalQueue(target, config, consumer) };
  }
  const settings = scope.groups.find(group);
  if (settings === undefined) return unknownGroup(group);
  if (!settings.consumeEnable) return groupSwitchedOff(group);
  return config;
}

/** Which messages a pop wants; without an expression all. */
export function filterOfPop(
  { topic, expression, expressionType }: PopRequest,
  { enablePropertyFilter }: BrokerSettings,
  filters: PropertyFilters,
): PullFilter | Refusal {
  const refusal = {
    code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    remark: "parse the consumer's subscription failed",
  };
  if (expression === undefined) return { matchesTagsCode: undefined };
  if (!isTagExpression(expressionType)) {
    if (!enablePropertyFilter || expressionType !== ExpressionType.SQL92) return refuseFilterType(expressionType);
    const filter = filters.of(expression);
    return 'reason' in filter ? refusal : { matchesTagsCode: undefined, matchesRecord: filter.matchesRecord };
  }
  try {
    return { matchesTagsCode: tagMatcherOf(parseTagExpression(topic, expression, 0)) };
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_SUBSCRIPTION_INVALID')) throw error;
    return refusal;
  }
}

export function illegalQueue({ topic, queueId }: PopTarget, { readQueueNums }: TopicConfig, consumer: string): string {
  const numbers = `topic:[${topic}] topicConfig.readQueueNums:[${readQueueNums}]`;
  return `queueId[${queueId}] is illegal, ${numbers} consumer:[${consumer}]`;
}
