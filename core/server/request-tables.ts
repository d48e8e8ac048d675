import type { Newable } from 'inversify';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { BrokerProcessor } from './broker/broker-processor.js';
import { AckMessageProcessor } from './broker/processors/ack-message.js';
import { BrokerConfigProcessor } from './broker/processors/broker-config.js';
import { BrokerStatsProcessor } from './broker/processors/broker-stats.js';
import { ChangeInvisibleTimeProcessor } from './broker/processors/change-invisible-time.js';
import { CheckClientConfigProcessor } from './broker/processors/check-client-config.js';
import { CleaningProcessor } from './broker/processors/cleaning.js';
import { ClientListProcessor } from './broker/processors/client-list.js';
import { ConsumeStatsProcessor } from './broker/processors/consume-stats.js';
import { ConsumerCallProcessor } from './broker/processors/consumer-call.js';
import { ConsumerOffsetProcessor } from './broker/processors/consumer-offset.js';
import { DelayOffsetProcessor } from './broker/processors/delay-offset.js';
import { EndTransactionProcessor } from './broker/processors/end-transaction.js';
import { GroupOffsetsProcessor } from './broker/processors/group-offsets.js';
import { HeartBeatProcessor } from './broker/processors/heart-beat.js';
import { LockBatchProcessor } from './broker/processors/lock-batch.js';
import { PopMessageProcessor } from './broker/processors/pop-message.js';
import { PopNotificationProcessor } from './broker/processors/pop-notification.js';
import { PullMessageProcessor } from './broker/processors/pull-message.js';
import { QueryAssignmentProcessor } from './broker/processors/query-assignment.js';
import { QueryMessageProcessor } from './broker/processors/query-message.js';
import { QueueFactsProcessor } from './broker/processors/queue-facts.js';
import { QueueOffsetProcessor } from './broker/processors/queue-offset.js';
import { RecallMessageProcessor } from './broker/processors/recall-message.js';
import { ReplyMessageProcessor } from './broker/processors/reply-message.js';
import { ResumeCheckProcessor } from './broker/processors/resume-check.js';
import { RuntimeInfoProcessor } from './broker/processors/runtime-info.js';
import { SendBackProcessor } from './broker/processors/send-back.js';
import { SendMessageProcessor } from './broker/processors/send-message.js';
import { SubscriptionGroupProcessor } from './broker/processors/subscription-group.js';
import { TopicAdminProcessor } from './broker/processors/topic-admin.js';
import { TopicStatsProcessor } from './broker/processors/topic-stats.js';
import { UnregisterClientProcessor } from './broker/processors/unregister-client.js';
import { ViewMessageProcessor } from './broker/processors/view-message.js';
import type { NameServerProcessor } from './nameserver/name-server-processor.js';
import { ClusterInfoProcessor } from './nameserver/processors/cluster-info.js';
import { KvConfigProcessor } from './nameserver/processors/kv-config.js';
import { NameServerConfigProcessor } from './nameserver/processors/name-server-config.js';
import { QueryDataVersionProcessor } from './nameserver/processors/query-data-version.js';
import { RegisterBrokerProcessor } from './nameserver/processors/register-broker.js';
import { RouteInfoProcessor } from './nameserver/processors/route-info.js';
import { TopicListProcessor } from './nameserver/processors/topic-list.js';
import { WritePermissionProcessor } from './nameserver/processors/write-permission.js';

/** A processor's class and the codes that it answers. */
export type RequestRow<T> = readonly [processor: Newable<T>, ...codes: number[]];

/** Which processor of the broker answers which request. Codes that stand nowhere are refused. */
export const BROKER_REQUESTS: readonly RequestRow<BrokerProcessor>[] = [
  [AckMessageProcessor, RequestCode.ACK_MESSAGE, RequestCode.BATCH_ACK_MESSAGE],
  [BrokerConfigProcessor, RequestCode.GET_BROKER_CONFIG, RequestCode.UPDATE_BROKER_CONFIG],
  [BrokerStatsProcessor, RequestCode.VIEW_BROKER_STATS_DATA],
  [ChangeInvisibleTimeProcessor, RequestCode.CHANGE_MESSAGE_INVISIBLETIME],
  [CheckClientConfigProcessor, RequestCode.CHECK_CLIENT_CONFIG],
  [
    CleaningProcessor,
    RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE,
    RequestCode.CLEAN_UNUSED_TOPIC,
    RequestCode.DELETE_EXPIRED_COMMITLOG,
  ],
  [
    ClientListProcessor,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP,
    RequestCode.GET_CONSUMER_CONNECTION_LIST,
    RequestCode.GET_PRODUCER_CONNECTION_LIST,
    RequestCode.GET_ALL_PRODUCER_INFO,
  ],
  [
    ConsumeStatsProcessor,
    RequestCode.GET_CONSUME_STATS,
    RequestCode.GET_BROKER_CONSUME_STATS,
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
  ],
  [
    ConsumerCallProcessor,
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
    RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
    RequestCode.GET_CONSUMER_RUNNING_INFO,
    RequestCode.CONSUME_MESSAGE_DIRECTLY,
  ],
  [
    ConsumerOffsetProcessor,
    RequestCode.QUERY_CONSUMER_OFFSET,
    RequestCode.UPDATE_CONSUMER_OFFSET,
    RequestCode.GET_ALL_CONSUMER_OFFSET,
  ],
  [DelayOffsetProcessor, RequestCode.GET_ALL_DELAY_OFFSET],
  [EndTransactionProcessor, RequestCode.END_TRANSACTION],
  [
    GroupOffsetsProcessor,
    RequestCode.CLONE_GROUP_OFFSET,
    RequestCode.QUERY_CORRECTION_OFFSET,
    RequestCode.QUERY_TOPICS_BY_CONSUMER,
    RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
  ],
  [HeartBeatProcessor, RequestCode.HEART_BEAT],
  [LockBatchProcessor, RequestCode.LOCK_BATCH_MQ, RequestCode.UNLOCK_BATCH_MQ],
  [PopMessageProcessor, RequestCode.POP_MESSAGE],
  [PopNotificationProcessor, RequestCode.NOTIFICATION, RequestCode.POLLING_INFO],
  [PullMessageProcessor, RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE],
  [QueryAssignmentProcessor, RequestCode.QUERY_ASSIGNMENT, RequestCode.SET_MESSAGE_REQUEST_MODE],
  [QueryMessageProcessor, RequestCode.QUERY_MESSAGE],
  [QueueFactsProcessor, RequestCode.QUERY_CONSUME_TIME_SPAN, RequestCode.QUERY_CONSUME_QUEUE],
  [
    QueueOffsetProcessor,
    RequestCode.GET_MAX_OFFSET,
    RequestCode.GET_MIN_OFFSET,
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
    RequestCode.GET_EARLIEST_MSG_STORETIME,
  ],
  [RecallMessageProcessor, RequestCode.RECALL_MESSAGE],
  [ReplyMessageProcessor, RequestCode.SEND_REPLY_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2],
  [ResumeCheckProcessor, RequestCode.RESUME_CHECK_HALF_MESSAGE],
  [RuntimeInfoProcessor, RequestCode.GET_BROKER_RUNTIME_INFO, RequestCode.GET_BROKER_HA_STATUS],
  [SendBackProcessor, RequestCode.CONSUMER_SEND_MSG_BACK],
  [SendMessageProcessor, RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE],
  [
    SubscriptionGroupProcessor,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
    RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
    RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
    RequestCode.DELETE_SUBSCRIPTIONGROUP,
  ],
  [
    TopicAdminProcessor,
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
    RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.GET_ALL_TOPIC_CONFIG,
    RequestCode.GET_TOPIC_CONFIG,
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  ],
  [TopicStatsProcessor, RequestCode.GET_TOPIC_STATS_INFO],
  [UnregisterClientProcessor, RequestCode.UNREGISTER_CLIENT],
  [ViewMessageProcessor, RequestCode.VIEW_MESSAGE_BY_ID],
];

/** Which processor of the name server answers which request. */
export const NAME_SERVER_REQUESTS: readonly RequestRow<NameServerProcessor>[] = [
  [ClusterInfoProcessor, RequestCode.GET_BROKER_CLUSTER_INFO],
  [
    KvConfigProcessor,
    RequestCode.PUT_KV_CONFIG,
    RequestCode.GET_KV_CONFIG,
    RequestCode.DELETE_KV_CONFIG,
    RequestCode.GET_KVLIST_BY_NAMESPACE,
  ],
  [NameServerConfigProcessor, RequestCode.GET_NAMESRV_CONFIG, RequestCode.UPDATE_NAMESRV_CONFIG],
  [QueryDataVersionProcessor, RequestCode.QUERY_DATA_VERSION],
  [RegisterBrokerProcessor, RequestCode.REGISTER_BROKER, RequestCode.UNREGISTER_BROKER],
  [RouteInfoProcessor, RequestCode.GET_ROUTEINFO_BY_TOPIC],
  [
    TopicListProcessor,
    RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
    RequestCode.GET_TOPICS_BY_CLUSTER,
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS,
    RequestCode.DELETE_TOPIC_IN_NAMESRV,
  ],
  [WritePermissionProcessor, RequestCode.WIPE_WRITE_PERM_OF_BROKER, RequestCode.ADD_WRITE_PERM_OF_BROKER],
];
