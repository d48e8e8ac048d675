import { rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../message/message.js';
import { TRACE_TOPIC } from '../message/trace/trace-record.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import type {
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
} from './admin.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { askMasters } from './ask-masters.js';
import { createTopic } from './create-topic.js';
import { deleteTopic } from './delete-topic.js';
import { untilAborted } from './limits.js';
import { queryMessages } from './message-query.js';
import { viewByEither, viewByOffset } from './message-view.js';
import { QueueOffsets } from './queue-offsets.js';
import { setRequestMode } from './request-mode.js';
import { queryTrace } from './trace-query.js';

const TIMEOUT_MS = 6_000;
/** A broker may have to go through a long index: Java's factor. */
const QUERY_TIMEOUT_MS = 3 * TIMEOUT_MS;
const MESSAGES_DEFAULT = 32;
/** As many as a broker gives. */
const TRACES_DEFAULT = 64;

const call = ['timeoutMs', 'signal'] as const satisfies (keyof AdminCallOptions)[];
const query = [...call, 'maxNum', 'begin', 'end'] as const satisfies (keyof QueryMessageOptions)[];
const optionsOf = (name: string, names: readonly string[]): OptionNames => ({ of: name, names: new Set(names) });

const CALL = optionsOf('a call of the admin', call);
const SIGNAL = optionsOf('a look at queues', ['signal']);
const SEARCH_OFFSET = optionsOf('searchOffset', [...call, 'boundary'] satisfies (keyof SearchOffsetOptions)[]);
const QUERY_MESSAGE = optionsOf('queryMessage', query);
const TRACE = optionsOf('trace', [...query, 'traceTopic'] satisfies (keyof TraceOptions)[]);
const REQUEST_MODE = optionsOf('setMessageRequestMode', [
  ...call,
  'popShareQueueNum',
] satisfies (keyof MessageRequestModeOptions)[]);
const DELETE_TOPIC = optionsOf('deleteTopic', [...call, 'cluster'] satisfies (keyof DeleteTopicOptions)[]);
const DELETE_GROUP = optionsOf('deleteSubscriptionGroup', [
  ...call,
  'cluster',
  'removeOffset',
] satisfies (keyof DeleteSubscriptionGroupOptions)[]);
const CREATE_TOPIC = optionsOf('createTopic', [
  ...call,
  'queueNum',
  'cluster',
  'perm',
  'order',
  'topicSysFlag',
  'attributes',
] satisfies (keyof CreateTopicOptions)[]);

/** Checks what it is asked, and hands it to whoever knows how to find it out. */
export class ClientAdmin implements Admin {
  readonly #services: AdminServices;
  readonly #offsets: QueueOffsets;
  readonly #requireRunning: () => void;

  constructor(services: AdminServices, requireRunning: () => void) {
    this.#services = services;
    this.#offsets = new QueueOffsets(services);
    this.#requireRunning = requireRunning;
  }

  async createTopic(topic: string, options: CreateTopicOptions = {}): Promise<void> {
    await createTopic(this.#services, topic, options, this.#limits(options, TIMEOUT_MS, CREATE_TOPIC));
  }

  async deleteTopic(topic: string, options: DeleteTopicOptions = {}): Promise<void> {
    await deleteTopic(this.#services, topic, options.cluster, this.#limits(options, TIMEOUT_MS, DELETE_TOPIC));
  }

  async deleteSubscriptionGroup(group: string, options: DeleteSubscriptionGroupOptions = {}): Promise<void> {
    const limits = this.#limits(options, TIMEOUT_MS, DELETE_GROUP);
    const { cluster, removeOffset = false } = options;
    const groupName = this.#services.names.groupToWire(requireText('group', group));
    // 4.9 and 5.x call it by different names.
    const ext = { groupName, removeOffset, cleanOffset: removeOffset };
    await askMasters(this.#services, cluster, { code: RequestCode.DELETE_SUBSCRIPTIONGROUP, ext }, limits);
  }

  async setMessageRequestMode(
    topic: string,
    group: string,
    mode: 'pull' | 'pop',
    options: MessageRequestModeOptions = {},
  ): Promise<void> {
    const limits = this.#limits(options, TIMEOUT_MS, REQUEST_MODE);
    if (mode !== 'pull' && mode !== 'pop') throw invalid('mode', `'pull' or 'pop'`, mode);
    const setting = {
      topic: requireText('topic', topic),
      group: requireText('group', group),
      mode: mode === 'pop' ? 'POP' : 'PULL',
      popShareQueueNum: options.popShareQueueNum ?? 0,
    } as const;
    await setRequestMode(this.#services, setting, limits);
  }

  async fetchPublishMessageQueues(
    topic: string,
    options: Pick<AdminCallOptions, 'signal'> = {},
  ): Promise<readonly MessageQueue[]> {
    const { signal } = this.#limits(options, TIMEOUT_MS, SIGNAL);
    const wire = this.#services.names.topicToWire(requireText('topic', topic));
    // Its own key: a topic that does not exist is not to be found by the route of the one it would be made from.
    const { queues } = await untilAborted(signal, async () => {
      await this.#services.routes.loadSubscribeQueues(wire);
      return this.#services.routes.loadPublishInfo(wire);
    });
    return queues.map((queue) => ({ ...queue, topic }));
  }

  async fetchSubscribeMessageQueues(
    topic: string,
    options: Pick<AdminCallOptions, 'signal'> = {},
  ): Promise<readonly MessageQueue[]> {
    const { signal } = this.#limits(options, TIMEOUT_MS, SIGNAL);
    const wire = this.#services.names.topicToWire(requireText('topic', topic));
    const queues = await untilAborted(signal, () => this.#services.routes.loadSubscribeQueues(wire));
    return queues.map((queue) => ({ ...queue, topic }));
  }

  async searchOffset(
    queue: MessageQueue,
    timestamp: Date | number,
    options: SearchOffsetOptions = {},
  ): Promise<number> {
    const limits = this.#limits(options, TIMEOUT_MS, SEARCH_OFFSET);
    const { boundary } = options;
    if (boundary !== undefined && boundary !== 'lower' && boundary !== 'upper') {
      throw invalid('boundary', `'lower' or 'upper'`, boundary);
    }
    const at = requireTime('timestamp', timestamp);
    return this.#offsets.atTime(requireQueue(queue), at, boundary, limits);
  }

  async maxOffset(queue: MessageQueue, options: AdminCallOptions = {}): Promise<number> {
    return this.#offsets.max(requireQueue(queue), this.#limits(options));
  }

  async minOffset(queue: MessageQueue, options: AdminCallOptions = {}): Promise<number> {
    return this.#offsets.min(requireQueue(queue), this.#limits(options));
  }

  async earliestMsgStoreTime(queue: MessageQueue, options: AdminCallOptions = {}): Promise<number | undefined> {
    return this.#offsets.earliestStoreTime(requireQueue(queue), this.#limits(options));
  }

  viewMessage(offsetMsgId: string, options?: AdminCallOptions): Promise<ReceivedMessage>;
  viewMessage(topic: string, msgId: string, options?: AdminCallOptions): Promise<ReceivedMessage>;
  async viewMessage(
    idOrTopic: string,
    idOrOptions: string | AdminCallOptions = {},
    options: AdminCallOptions = {},
  ): Promise<ReceivedMessage> {
    if (typeof idOrOptions !== 'string') {
      const offsetMsgId = requireText('offsetMsgId', idOrTopic);
      return viewByOffset(this.#services, offsetMsgId, this.#limits(idOrOptions));
    }
    const topic = requireText('topic', idOrTopic);
    const msgId = requireText('msgId', idOrOptions);
    return viewByEither(this.#services, topic, msgId, this.#limits(options, QUERY_TIMEOUT_MS));
  }

  async queryMessage(topic: string, key: string, options: QueryMessageOptions = {}): Promise<QueryResult> {
    const limits = this.#limits(options, QUERY_TIMEOUT_MS, QUERY_MESSAGE);
    const found = { topic: requireText('topic', topic), key: requireText('key', key), isUnique: false };
    return queryMessages(this.#services, { ...found, ...requireRange(options, MESSAGES_DEFAULT) }, limits);
  }

  async trace(msgId: string, options: TraceOptions = {}): Promise<MessageTraceResult> {
    const limits = this.#limits(options, QUERY_TIMEOUT_MS, TRACE);
    const topic = requireText('traceTopic', options.traceTopic ?? TRACE_TOPIC);
    const query = { topic, ...requireRange(options, TRACES_DEFAULT) };
    return queryTrace(this.#services, requireText('msgId', msgId), query, limits);
  }

  #limits(options: AdminCallOptions, timeoutMsDefault = TIMEOUT_MS, known = CALL): CallLimits {
    this.#requireRunning();
    requireKnown(options, known);
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw invalid('timeoutMs', 'milliseconds above 0', timeoutMs);
    return { timeoutMs: timeoutMs ?? timeoutMsDefault, signal };
  }
}

function requireQueue(queue: MessageQueue): MessageQueue {
  const { topic, brokerName, queueId } = (queue ?? {}) as Partial<MessageQueue>;
  const isQueue = typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
  if (!isQueue || (queueId as number) < 0) throw invalid('queue', 'a queue with topic, brokerName and queueId', queue);
  return queue;
}

function requireText(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(option, 'text', value);
}

function requireRange({ maxNum, begin = 0, end }: QueryMessageOptions, maxNumDefault: number) {
  if (maxNum !== undefined && (!Number.isInteger(maxNum) || maxNum < 1)) {
    throw invalid('maxNum', 'a whole number from 1', maxNum);
  }
  return {
    maxNum: maxNum ?? maxNumDefault,
    begin: requireTime('begin', begin),
    end: end === undefined ? undefined : requireTime('end', end),
  };
}

function requireTime(option: string, value: Date | number): number {
  const at = typeof value === 'number' ? value : Number(value);
  if (Number.isFinite(at)) return Math.trunc(at);
  throw invalid(option, 'a Date, or milliseconds since 1970', value);
}

function invalid(option: string, expected: string, got: unknown): Error {
  const shown = JSON.stringify(got) ?? String(got);
  return rocketMQError('RMQ_OPTIONS_INVALID', `${option}: expected ${expected}, got ${shown}`, { option });
}
