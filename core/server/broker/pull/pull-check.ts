import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { Permission, PullSysFlag } from '../../../remoting/protocol/flags.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { ExpressionType, parseTagExpression } from '../../../remoting/protocol/subscription-data.js';
import type { ConsumerRegistry } from '../clients/consumer-registry.js';
import type { PropertyFilters, RecordMatcher } from '../filters/property-filters.js';
import { isTagExpression, type TagMatcher, tagMatcherOf } from '../filters/tag-matcher.js';
import type { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { FAQ_LINE, groupSwitchedOff, type Refusal, unknownGroup, unknownTopic } from '../refusal.js';
import { brokerHost } from '../settings/broker-host.js';
import type { BrokerSettings } from '../settings/broker-settings.js';
import type { TopicConfigManager } from '../topics/topic-config-manager.js';
import type { PullRequest } from './pull-fields.js';

export interface PullCheckScope {
  readonly settings: BrokerSettings;
  readonly topics: TopicConfigManager;
  readonly groups: SubscriptionGroupManager;
  readonly consumers: ConsumerRegistry;
  readonly filters: PropertyFilters;
  /** `ip:port` of the puller, for the remark. */
  readonly consumer: string;
}

const PARSE_FAILED = "parse the consumer's subscription failed";

/** What a pull may read. */
export interface PullFilter {
  readonly matchesTagsCode: TagMatcher;
  /** Present for an expression over properties. */
  readonly matchesRecord?: RecordMatcher;
}

/**
 * Decides whether a pull may read, and which messages match. The order of the checks is part of the protocol. Matches the
 * head of Apache's PullMessageProcessor (4.9.7), but that an expression that cannot be compiled is refused where Apache lets everything
 * through.
 */
export function checkPull(pull: PullRequest, scope: PullCheckScope): PullFilter | Refusal {
  const { settings, topics, groups } = scope;
  const { consumerGroup, topic, queueId } = pull;
  const host = brokerHost(settings);
  if ((settings.brokerPermission & Permission.READ) === 0) {
    return { code: ResponseCode.NO_PERMISSION, remark: `the broker[${host}] pulling message is forbidden` };
  }
  if (pull.lite && !settings.litePullMessageEnable) {
    return { code: ResponseCode.NO_PERMISSION, remark: `the broker[${host}] for lite pull consumer is forbidden` };
  }
  const group = groups.find(consumerGroup);
  if (group === undefined) return unknownGroup(consumerGroup);
  if (!group.consumeEnable) return groupSwitchedOff(consumerGroup);
  const config = topics.find(topic);
  if (config === undefined) return unknownTopic(topic);
  if ((config.perm & Permission.READ) === 0) {
    return { code: ResponseCode.NO_PERMISSION, remark: `the topic[${topic}] pulling message is forbidden` };
  }
  if (queueId < 0 || queueId >= config.readQueueNums) {
    const numbers = `topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}]`;
    const remark = `queueId[${queueId}] is illegal, ${numbers} consumer:[${scope.consumer}]`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  return (pull.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
    ? filterOfRequest(pull, scope)
    : filterOfHeartbeat(pull, scope, group.consumeBroadcastEnable);
}

function filterOfRequest(pull: PullRequest, scope: PullCheckScope): PullFilter | Refusal {
  const { topic, subscription, expressionType, subVersion } = pull;
  if (!isTagExpression(expressionType)) {
    const refusal = { code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark: PARSE_FAILED };
    return filterOverProperties(expressionType, subscription ?? '', scope, refusal);
  }
  try {
    return { matchesTagsCode: tagMatcherOf(parseTagExpression(topic, subscription ?? '*', subVersion)) };
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_SUBSCRIPTION_INVALID')) throw error;
    return { code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark: PARSE_FAILED };
  }
}

function filterOfHeartbeat(
  { consumerGroup, topic, subVersion }: PullRequest,
  scope: PullCheckScope,
  broadcastEnable: boolean,
): PullFilter | Refusal {
  const { consumers } = scope;
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
  if (isTagExpression(data.expressionType)) return { matchesTagsCode };
  const remark = "the consumer's consumer filter data not exist!";
  const refusal = { code: ResponseCode.FILTER_DATA_NOT_EXIST, remark: `${remark}${FAQ_LINE}` };
  return filterOverProperties(data.expressionType, data.subString, scope, refusal);
}

/** @param refusal for an expression that is none */
function filterOverProperties(
  expressionType: string | undefined,
  expression: string,
  { settings, filters }: PullCheckScope,
  refusal: Refusal,
): PullFilter | Refusal {
  if (!settings.enablePropertyFilter || expressionType !== ExpressionType.SQL92)
    return refuseFilterType(expressionType);
  const filter = filters.of(expression);
  return 'reason' in filter ? refusal : { matchesTagsCode: undefined, matchesRecord: filter.matchesRecord };
}

/** For a kind of expression that this broker does not know, or was told not to serve. */
export function refuseFilterType(expressionType: string | undefined): Refusal {
  const remark = `The broker does not support consumer to filter message by ${expressionType}`;
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
