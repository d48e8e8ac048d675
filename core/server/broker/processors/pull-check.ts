import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { Permission, PullSysFlag } from '../../../remoting/protocol/flags.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { parseTagExpression } from '../../../remoting/protocol/subscription-data.js';
import type { BrokerSettings } from '../broker-settings.js';
import type { ConsumerRegistry } from '../consumer-registry.js';
import type { SubscriptionGroupManager } from '../subscription-group-manager.js';
import { isTagExpression, type TagMatcher, tagMatcherOf } from '../tag-matcher.js';
import type { TopicConfigManager } from '../topic-config-manager.js';
import { FAQ_LINE, type Refusal } from '../topic-names.js';
import type { PullRequest } from './pull-fields.js';

export interface PullCheckScope {
  readonly settings: BrokerSettings;
  readonly topics: TopicConfigManager;
  readonly groups: SubscriptionGroupManager;
  readonly consumers: ConsumerRegistry;
  /** `ip:port` of the puller, for the remark. */
  readonly consumer: string;
}

/** What a pull may read. */
export interface PullFilter {
  readonly matchesTagsCode: TagMatcher;
}

/**
 * Decides whether a pull may read, and which messages match. The order of the checks is part of the protocol. Matches the
 * head of Apache's PullMessageProcessor (4.9.7) with enablePropertyFilter off.
 */
export function checkPull(pull: PullRequest, scope: PullCheckScope): PullFilter | Refusal {
  const { settings, topics, groups } = scope;
  const { consumerGroup, topic, queueId } = pull;
  if ((settings.brokerPermission & Permission.READ) === 0) {
    const host = settings.address.slice(0, settings.address.lastIndexOf(':'));
    return { code: ResponseCode.NO_PERMISSION, remark: `the broker[${host}] pulling message is forbidden` };
  }
  const group = groups.find(consumerGroup);
  if (group === undefined) {
    const remark = `subscription group [${consumerGroup}] does not exist, ${FAQ_LINE}`;
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
  }
  if (!group.consumeEnable) {
    return { code: ResponseCode.NO_PERMISSION, remark: `subscription group no permission, ${consumerGroup}` };
  }
  const config = topics.find(topic);
  if (config === undefined) {
    return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist, apply first please! ${FAQ_LINE}` };
  }
  if ((config.perm & Permission.READ) === 0) {
    return { code: ResponseCode.NO_PERMISSION, remark: `the topic[${topic}] pulling message is forbidden` };
  }
  if (queueId < 0 || queueId >= config.readQueueNums) {
    const numbers = `topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}]`;
    const remark = `queueId[${queueId}] is illegal, ${numbers} consumer:[${scope.consumer}]`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  return (pull.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
    ? filterOfRequest(pull)
    : filterOfHeartbeat(pull, scope.consumers, group.consumeBroadcastEnable);
}

function filterOfRequest({ topic, subscription, expressionType, subVersion }: PullRequest): PullFilter | Refusal {
  if (!isTagExpression(expressionType)) return propertyFilterOff(expressionType);
  try {
    return { matchesTagsCode: tagMatcherOf(parseTagExpression(topic, subscription ?? '*', subVersion)) };
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_SUBSCRIPTION_INVALID')) throw error;
    return { code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark: "parse the consumer's subscription failed" };
  }
}

function filterOfHeartbeat(
  { consumerGroup, topic, subVersion }: PullRequest,
  consumers: ConsumerRegistry,
  broadcastEnable: boolean,
): PullFilter | Refusal {
  const messageModel = consumers.messageModel(consumerGroup);
  if (messageModel === undefined) {
    const remark = `the consumer's group info not exist${FAQ_LINE}`;
    return { code: ResponseCode.SUBSCRIPTION_NOT_EXIST, remark };
  }
  if (!broadcastEnable && messageModel === 'BROADCASTING') {
    const remark = `the consumer group[${consumerGroup}] can not consume by broadcast way`;
    return { code: ResponseCode.NO_PERMISSION, remark };
  }
  const subscription = consumers.subscription(consumerGroup, topic);
  if (subscription === undefined) {
    return { code: ResponseCode.SUBSCRIPTION_NOT_EXIST, remark: `the consumer's subscription not exist${FAQ_LINE}` };
  }
  const { data, matchesTagsCode } = subscription;
  if (data.subVersion < subVersion) {
    return { code: ResponseCode.SUBSCRIPTION_NOT_LATEST, remark: "the consumer's subscription not latest" };
  }
  return isTagExpression(data.expressionType) ? { matchesTagsCode } : propertyFilterOff(data.expressionType);
}

function propertyFilterOff(expressionType: string | undefined): Refusal {
  const remark = `The broker does not support consumer to filter message by ${expressionType}`;
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
