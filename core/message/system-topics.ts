/** Topics that RocketMQ itself uses. Matches Apache's TopicValidator. */
export const SystemTopic = {
  /** Template for topics that the first send creates. */
  AUTO_CREATE_TOPIC_KEY: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANS_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRANS_OP_HALF: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRANS_CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED_EVENT: 'OFFSET_MOVED_EVENT',
} as const;

/** Where messages wait for an instant. Brokers before 5.0 have none. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';

const SYSTEM_TOPICS: ReadonlySet<string> = new Set<string>(Object.values(SystemTopic));
const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';

/** Topics to which no producer may send. */
export const NOT_ALLOWED_SEND_TOPICS: ReadonlySet<string> = new Set<string>([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
]);

/** Whether a topic belongs to RocketMQ itself on every broker. */
export function isSystemTopic(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

/** `%RETRY%` and a group: the topic of messages that come again to it. */
export const RETRY_TOPIC_PREFIX = '%RETRY%';
/** `%DLQ%` and a group: the topic of its dead letters. */
export const DLQ_TOPIC_PREFIX = '%DLQ%';

/** Where messages of a group wait to be consumed again. */
export function retryTopicOf(group: string): string {
  return RETRY_TOPIC_PREFIX + group;
}

/** Where messages of a group wait that were popped and not acknowledged in time (5.x, the first version of such topics). */
export function popRetryTopicOf(topic: string, group: string): string {
  return `${RETRY_TOPIC_PREFIX}${group}_${topic}`;
}

/** As {@link popRetryTopicOf}, the second version, which Apache's brokers use when told to. */
export function popRetryTopicV2Of(topic: string, group: string): string {
  return `${RETRY_TOPIC_PREFIX}${group}+${topic}`;
}

/** Where a cluster's brokers note which messages were popped and which acknowledged (5.x). */
export function reviveTopicOf(clusterName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${clusterName}`;
}

/** Where messages of a group end that could not be consumed. */
export function deadLetterTopicOf(group: string): string {
  return DLQ_TOPIC_PREFIX + group;
}

/** Where answers to a cluster's request messages go. */
export function replyTopicOf(clusterName: string): string {
  return `${clusterName}_REPLY_TOPIC`;
}

/** Groups that RocketMQ itself uses; brokers have them from the start. Matches Apache's MixAll. */
export const SystemGroup = {
  DEFAULT_PRODUCER: 'DEFAULT_PRODUCER',
  DEFAULT_CONSUMER: 'DEFAULT_CONSUMER',
  CLIENT_INNER_PRODUCER: 'CLIENT_INNER_PRODUCER',
  TOOLS_CONSUMER: 'TOOLS_CONSUMER',
  FILTERSRV_CONSUMER: 'FILTERSRV_CONSUMER',
  SELF_TEST_CONSUMER: 'SELF_TEST_C_GROUP',
  ONS_HTTP_PROXY: 'CID_ONS-HTTP-PROXY',
  ONSAPI_PULL: 'CID_ONSAPI_PULL',
  ONSAPI_PERMISSION: 'CID_ONSAPI_PERMISSION',
  ONSAPI_OWNER: 'CID_ONSAPI_OWNER',
} as const;

/** Groups with this prefix exist on a broker without being created. */
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_';
