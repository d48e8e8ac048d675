/**
 * The public door of the client. `connect` is the entry; everything else is a type, a small helper, or a token of a part
 * that a plugin can replace.
 */

// Topics, offsets and single messages.
export type {
  Admin,
  AdminCallOptions,
  CreateTopicOptions,
  DeleteSubscriptionGroupOptions,
  DeleteTopicOptions,
  MessageRequestModeOptions,
  MessageTraceResult,
  QueryMessageOptions,
  QueryResult,
  SearchOffsetOptions,
  TraceOptions,
} from './admin/admin.js';
export { describeTrace } from './admin/describe-trace.js';
export type {
  MessageTrace,
  TracedDelivery,
  TracedGroup,
  TracedRecall,
  TracedSend,
  TracedTransactionEnd,
} from './admin/message-trace.js';
// The entry.
export type { Client, ClientCloseOptions, ClientStatistics } from './client/client.js';
export type { ClusterSource, ClusterTransport, RunningCluster } from './client/cluster-source.js';
export type { ConnectOptions, HeaderEncoding } from './client/connect-options.js';
// Replaceable parts: each name is a token and the interface of what is bound under it.
export { AllocateStrategy } from './consumer/allocation/allocate-strategy.js';
export { allocateAveragely } from './consumer/allocation/averagely.js';
export { allocateByCircle } from './consumer/allocation/averagely-by-circle.js';
export { allocateByConfig } from './consumer/allocation/by-config.js';
export { allocateByMachineRoom } from './consumer/allocation/by-machine-room.js';
export { allocateConsistently, type ConsistentHashOptions } from './consumer/allocation/consistent-hash.js';
export { allocateNearby, type MachineRooms } from './consumer/allocation/machine-room-nearby.js';
export type {
  AssignedQueue,
  BatchHandler,
  CloseOptions,
  Consumer,
  MessageHandler,
  RunOptions,
  SeekPosition,
} from './consumer/consumer.js';
// Consumers.
export type { ConsumerState } from './consumer/consumer-state.js';
export type { ConsumedMessage, SubscribedMessage } from './consumer/delivery/consumed-message.js';
// Delivery and raw requests, for interceptors.
export {
  type ConsumerFacts,
  type DeliveryContext,
  type DeliveryHandler,
  type DeliveryInterceptor,
  type DeliveryOutcome,
  type MessageOutcome,
  outcomeOf,
} from './consumer/delivery/delivery.js';
export type { AcceptMessage, DeliveryFilterAttachment } from './consumer/delivery/delivery-filter.js';
export type { HandlerContext } from './consumer/delivery/handler-context.js';
export type { HandlerPolicies } from './consumer/delivery/handler-policies.js';
export { type ReplyOptions, ReplySender, type TypedReplyOptions } from './consumer/delivery/reply-sender.js';
export type { RetryAfter } from './consumer/delivery/retry-after.js';
export { type OffsetStore, OffsetStoreFactory } from './consumer/offsets/offset-store.js';
export type {
  ConsumerOptions,
  HandlerRetry,
  RequestMode,
  StartFrom,
  Undecodable,
} from './consumer/options/consumer-options.js';
export type {
  AssignOptions,
  CommitPositions,
  LitePullConsumer,
  PollOptions,
} from './consumer/pull/lite-pull-consumer.js';
export type { LitePullConsumerOptions } from './consumer/pull/lite-pull-options.js';
export type {
  OffsetOptions,
  PullConsumer,
  PullOptions,
  PullResult,
  PullStatus,
  SendBackOptions,
} from './consumer/pull/pull-consumer.js';
export type { PullConsumerOptions } from './consumer/pull/pull-options.js';
export type { QueuesListener } from './consumer/pull/queue-watch.js';
export type { ConsumerEvent, FailureNext } from './consumer/report/consumer-event.js';
export type {
  ClientHealth,
  ConsumerHealth,
  ConsumerVerdict,
  QueueHealth,
  QueueVerdict,
} from './consumer/report/health.js';
export type { IterationOptions } from './consumer/shapes/message-iterator.js';
export { on, type TopicHandler } from './consumer/shapes/topic-handler.js';
export { type SqlExpression, sql } from './consumer/subscription/sql.js';
export type {
  DecodableTopic,
  Expression,
  Subscribe,
  SubscribedTopic,
  SubscribedValue,
} from './consumer/subscription/subscribe.js';
export { connect } from './container/connect.js';
// Errors.
export { ERROR_CODES, type ErrorCode, type ErrorCodeFacts } from './errors/codes.js';
export {
  type ErrorFields,
  type ErrorFieldsByCode,
  type FailedAttempt,
  isRocketMQError,
  type RocketMQError,
  type RocketMQErrorOf,
  rocketMQError,
  type StoredOfBatch,
} from './errors/rocketmq-error.js';
export {
  type CompressionName,
  type CompressionType,
  Compressor,
  Compressors,
} from './message/compression/compressor.js';
// Messages.
export type { Exchange } from './message/exchange.js';
export { json } from './message/json-codec.js';
export type { MessageQueue, OutgoingMessage, Properties, ReceivedMessage } from './message/message.js';
export { UniqueIdGenerator } from './message/message-ids.js';
export { validateGroup, validateTopic } from './message/message-rules.js';
export { PropertyName } from './message/property-names.js';
export { ResourceNames } from './message/resource-names.js';
export type { StandardSchema } from './message/standard-schema.js';
export {
  DLQ_TOPIC_PREFIX,
  isSystemTopic,
  RETRY_TOPIC_PREFIX,
  SYSTEM_GROUP_PREFIX,
} from './message/system-topics.js';
export type { TopicCodec } from './message/topic-codec.js';
// The records of RocketMQ's message trace.
export { type DecodedTraces, decodeTraces } from './message/trace/decode-trace.js';
export { encodeTraceRecord, traceKeys } from './message/trace/encode-trace.js';
export {
  type AccessChannel,
  type ConsumeReturnType,
  type EndTransactionRecord,
  isTraceTopic,
  type PubRecord,
  type RecallRecord,
  regionTraceTopic,
  type SubAfterRecord,
  type SubBeforeRecord,
  TRACE_TOPIC,
  type TracedMessageType,
  type TraceRecord,
  type TraceType,
} from './message/trace/trace-record.js';
export { type ReadsBodies, type TypedTopic, topic, type ValueOf, type WritesBodies } from './message/typed-topic.js';
// The send pipeline, for interceptors.
export type {
  AttachAfter,
  AttachBefore,
  AttachSend,
  CreateInterceptor,
  InterceptSend,
} from './pipeline/attach.js';
export type {
  AttemptContext,
  AttemptOutcome,
  BrokerFacts,
  CreatedContext,
  EncodedContext,
  MessageChange,
  Payload,
  QueueSelector,
  RoutedContext,
  SendContext,
  SendFacts,
  SendTarget,
  SettledContext,
  StateKey,
} from './pipeline/context.js';
export { eachMessage } from './pipeline/each-message.js';
export type { StageEvent } from './pipeline/events.js';
export { FaultStrategy, type QueueTurn } from './pipeline/fault-strategy.js';
export { type FollowingWork, followed } from './pipeline/followed-step.js';
export { type AsyncSendInterceptor, fromAsync } from './pipeline/from-async.js';
export {
  type ContextAfter,
  type ContextBefore,
  type InterceptorOrder,
  type ProducerFacts,
  type SendHandler,
  type SendInterceptor,
  STAGE_NAMES,
  type StageName,
} from './pipeline/interceptor.js';
// Producers.
export type { NotStoredPolicy, PipelineOptions } from './pipeline/options.js';
export type { SendResult, SendStatus } from './pipeline/send-result.js';
export type { SendOutcome, SettledListener } from './pipeline/settled.js';
export { type SettledCallbacks, settled } from './pipeline/settled-step.js';
export type {
  CheckStage,
  CompressInput,
  CompressStage,
  RouteInput,
  RouteStage,
  SelectInput,
  SelectStage,
  SendInput,
  Stage,
  TransmitStage,
  UpdateFaultStage,
} from './pipeline/stage.js';
export { ProducerScope, type ResolveFromScope, SendStage } from './pipeline/tokens.js';
// Plugins.
export type { EndTransactionContext, LocalTransactionState } from './plugin/end-transaction.js';
export type { BindOptions, Part } from './plugin/part.js';
export type {
  Plugin,
  PluginHost,
  PluginProducerOptions,
  RegisteredGroup,
  RequestTarget,
} from './plugin/plugin.js';
export type { ReadInterceptor } from './plugin/read-interceptor.js';
export type { AutoBatchOptions, BackPressureOptions, ProducerOptions } from './producer/options.js';
export type {
  AnyMessage,
  Fitting,
  MessageRouting,
  MessageSource,
  OperatorOptions,
  Producer,
  ProducerPipeline,
  RawMessage,
  RecallOptions,
  RequestOptions,
  SendAllOptions,
  SendOptions,
  SendReport,
  SendSlot,
  TypedMessage,
} from './producer/producer.js';
export type { ReplyInterceptor } from './producer/request-reply/reply-interceptor.js';
export {
  CommandFlag,
  type ExtInput,
  type OutgoingCommand,
  type RemotingCommand,
} from './remoting/protocol/remoting-command.js';
export { RequestCode } from './remoting/protocol/request-codes.js';
export { ResponseCode } from './remoting/protocol/response-codes.js';
export type { CallbackHandler, PendingRequest, RequestObserver } from './remoting/remoting-client.js';
export { RemotingClient } from './remoting/remoting-client.js';
export type { RequestContext, RequestHandler, RequestInterceptor } from './remoting/request-interceptor.js';
export type { TlsOptions } from './remoting/tls/tls-options.js';
export { type Listener, type ListenOptions, Transport, type Wire, type WireEvents } from './remoting/transport.js';
export type {
  LatencyFaultForm,
  LatencyFaultOptions,
  ReachabilityDetectorOptions,
} from './routing/latency-fault/latency-fault-options.js';
export { type ConsumerMember, type MemberSubscription, Membership } from './routing/membership.js';
export { NameServerResolver } from './routing/name-server-resolver.js';
export type { AdvertisedAddress, ResolveAddress } from './routing/resolve-address.js';
export { RouteTable } from './routing/route-table.js';
export type { BrokerData, PublishInfo, QueueData, TopicRoute } from './routing/topic-route.js';
export { Clock, type Timer } from './runtime/clock.js';
export { type ConsoleLoggerOptions, consoleLogger } from './runtime/console-logger.js';
export { type OptionNames, requireKnown } from './runtime/known-options.js';
export type { LifeCycleState } from './runtime/life-cycle.js';
export { Logger, silentLogger } from './runtime/logger.js';
export { Random } from './runtime/random.js';
export { type Token, token } from './runtime/token.js';
