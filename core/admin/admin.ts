import type { MessageQueue, ReceivedMessage } from '../message/message.js';
import type { MessageTrace } from './message-trace.js';

/** For one call of an admin. */
export interface AdminCallOptions {
  /** For each request to a broker. Default 6,000; of questions by key 18,000, as Java's. */
  readonly timeoutMs?: number;
  /** Ends the call with RMQ_REQUEST_ABORTED. */
  readonly signal?: AbortSignal;
}

/** What a topic is created with, or changed to. */
export interface CreateTopicOptions extends AdminCallOptions {
  /** Queues on each broker. Default 8. */
  readonly queueNum?: number;
  /** Whose brokers get it. Default: the only cluster that the name server knows. */
  readonly cluster?: string;
  /** Bits: 4 read, 2 write. Default 6. */
  readonly perm?: number;
  /** Whether its messages are read in order; consumers decide for themselves. Default false. */
  readonly order?: boolean;
  /** Bits: 1 of a unit, 2 subscribed across units. Default 0. */
  readonly topicSysFlag?: number;
  /** Such as `{ 'message.type': 'DELAY' }`: of brokers of 5.x; those of 4.9 pass over them. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** For `admin.deleteTopic`. */
export interface DeleteTopicOptions extends AdminCallOptions {
  /** Whose brokers lose it. Default: the only cluster that the name server knows. */
  readonly cluster?: string;
}

/** For `admin.deleteSubscriptionGroup`. */
export interface DeleteSubscriptionGroupOptions extends AdminCallOptions {
  /** Whose brokers lose it. Default: the only cluster that the name server knows. */
  readonly cluster?: string;
  /** Whether its offsets go too. Default false, as Java's: a group of the same name goes on where it was. */
  readonly removeOffset?: boolean;
}

/** For `admin.setMessageRequestMode`. */
export interface MessageRequestModeOptions extends AdminCallOptions {
  /** With `'pop'`: how many members pop the queues of each beside itself; 0 has all pop all. Default 0. */
  readonly popShareQueueNum?: number;
}

/** For `admin.searchOffset`. */
export interface SearchOffsetOptions extends AdminCallOptions {
  /**
   * `lower`: the first offset stored then or later, one past the last without any. `upper`: the last stored then or earlier,
   * 0 without any. Our server and brokers of 5.x know both; those of 4.9 search the nearest whatever is asked for. Default:
   * what the broker does, the nearest with 4.9 and our server, `lower` with 5.x.
   */
  readonly boundary?: 'lower' | 'upper';
}

/** For `admin.queryMessage`: how many, and stored when. */
export interface QueryMessageOptions extends AdminCallOptions {
  /** At most so many, the newest; a broker gives no more than 64. Default 32. */
  readonly maxNum?: number;
  /** Stored at this time or later: a Date, or milliseconds since 1970. Default: from the beginning. */
  readonly begin?: Date | number;
  /** Stored at this time or earlier, in the same form. Default: up to now. */
  readonly end?: Date | number;
}

/** What brokers have of a key. */
export interface QueryResult {
  /** By store time; empty when nothing was found. */
  readonly messages: readonly ReceivedMessage[];
  /** Store time of the newest message that a broker can find by a key, milliseconds since 1970; 0 when none says so. */
  readonly indexLastUpdateTimestamp: number;
  /** Brokers of the topic that did not answer: what they have is missing. */
  readonly failures: readonly { readonly brokerName: string; readonly error: unknown }[];
}

/** For `admin.trace`: where traces are looked for, and how many. */
export interface TraceOptions extends QueryMessageOptions {
  /** Where traces are. Default `RMQ_SYS_TRACE_TOPIC`; of a hosted cluster `rmq_sys_TRACE_DATA_` and the region. */
  readonly traceTopic?: string;
  /** Trace messages that are looked at, the newest. Default 64. */
  readonly maxNum?: number;
}

/** What `admin.trace` found of a message. */
export interface MessageTraceResult extends MessageTrace {
  /** Records about the message that cannot be read, as they stand there. */
  readonly unreadable: readonly string[];
  /** Brokers of the trace topic that did not answer: what they have is missing. */
  readonly failures: QueryResult['failures'];
}

/**
 * What operators ask of a cluster: topics, offsets, single messages. It goes over the client's own connections, and topics are
 * called as the application calls them. Matches Apache's MQAdmin.
 *
 * All calls reject with RMQ_OPTIONS_INVALID for arguments that cannot be, RMQ_NOT_RUNNING when the client is closed,
 * RMQ_NAME_SERVER_UNREACHABLE, RMQ_ROUTE_NOT_FOUND for an unknown topic, RMQ_BROKER_NOT_FOUND, RMQ_BROKER_ERROR with the
 * broker's own code and remark, RMQ_CONNECT_FAILED, RMQ_CONNECTION_LOST, RMQ_REQUEST_TIMEOUT and RMQ_REQUEST_ABORTED.
 */
export interface Admin {
  /**
   * Creates a topic on every broker of a cluster, or changes the one that is there. Resolves when all have taken it; where one
   * has not, it may be there on others: the same call may be made again.
   * @throws RMQ_MESSAGE_ILLEGAL for a name that no topic can have, or that belongs to RocketMQ itself
   */
  createTopic(topic: string, options?: CreateTopicOptions): Promise<void>;
  /**
   * Deletes a topic with its messages on every broker of a cluster, and takes it off every name server. Resolves when all have
   * done so; where one has not, the same call may be made again. A topic that is not there is fine. A producer that still
   * sends to it makes it again where brokers let sends create topics.
   * @throws RMQ_MESSAGE_ILLEGAL for a name that no topic can have, or that belongs to RocketMQ itself
   */
  deleteTopic(topic: string, options?: DeleteTopicOptions): Promise<void>;
  /**
   * Deletes a consumer group's settings on every broker of a cluster. Its retry topic and its dead letters stay: they are
   * topics, `%RETRY%group` and `%DLQ%group`, and are deleted as such.
   */
  deleteSubscriptionGroup(group: string, options?: DeleteSubscriptionGroupOptions): Promise<void>;
  /**
   * Says at every broker of a topic how members of a group that have their brokers share queues out (`messageRequestMode:
   * 'assigned'`; Java: `clientRebalance` false) come by its messages. Brokers of 5.x and ours. Members notice at the next rebalance.
   * @throws RMQ_BROKER_ERROR with code 3 from a broker that is older, 26 from one that does not know the group
   */
  setMessageRequestMode(
    topic: string,
    group: string,
    mode: 'pull' | 'pop',
    options?: MessageRequestModeOptions,
  ): Promise<void>;
  /** Queues that messages can be sent to. */
  fetchPublishMessageQueues(
    topic: string,
    options?: Pick<AdminCallOptions, 'signal'>,
  ): Promise<readonly MessageQueue[]>;
  /** Queues that messages can be read from. */
  fetchSubscribeMessageQueues(
    topic: string,
    options?: Pick<AdminCallOptions, 'signal'>,
  ): Promise<readonly MessageQueue[]>;
  /** The offset that a time stands for: a Date, or milliseconds since 1970. */
  searchOffset(queue: MessageQueue, timestamp: Date | number, options?: SearchOffsetOptions): Promise<number>;
  /** The offset that the next message will get. */
  maxOffset(queue: MessageQueue, options?: AdminCallOptions): Promise<number>;
  /** The offset of the oldest message that is there. */
  minOffset(queue: MessageQueue, options?: AdminCallOptions): Promise<number>;
  /** Store time of the oldest message, milliseconds since 1970; undefined without any. */
  earliestMsgStoreTime(queue: MessageQueue, options?: AdminCallOptions): Promise<number | undefined>;
  /**
   * A message by the id that says where it lies (`offsetMsgId`). The broker is asked at the address inside the id; where no
   * name server knows it, the message's `brokerName` is empty.
   * @throws RMQ_MESSAGE_NOT_FOUND, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED
   */
  viewMessage(offsetMsgId: string, options?: AdminCallOptions): Promise<ReceivedMessage>;
  /**
   * A message of a topic by either of its ids: the one that its producer gave it (`msgId`), or `offsetMsgId`. Of several with
   * one msgId, a message that was sent twice, the first.
   * @throws RMQ_MESSAGE_NOT_FOUND, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED
   */
  viewMessage(topic: string, msgId: string, options?: AdminCallOptions): Promise<ReceivedMessage>;
  /**
   * Messages of a topic that have a key, from all of its brokers.
   * @throws RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED
   * @example
   * const { messages } = await mq.admin.queryMessage('orders', '42', { begin: Date.now() - 3_600_000 });
   */
  queryMessage(topic: string, key: string, options?: QueryMessageOptions): Promise<QueryResult>;
  /**
   * What happened to a message, as clients that trace tell it, Java's and ours: sent by whom and how long that took, handled by
   * which groups, when, how often and how that ended. Of a message that nobody traced all lists are empty.
   * @throws RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED
   * @example console.log(describeTrace(await mq.admin.trace(msgId)));
   */
  trace(msgId: string, options?: TraceOptions): Promise<MessageTraceResult>;
}
