import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import { validateTopic } from '../../message/message-rules.js';
import { PropertyName } from '../../message/property-names.js';
import { type ConsumerRunningInfo, RunningInfoProperty } from '../../remoting/protocol/consumer-running-info.js';
import { type OptionNames, requireCloseOptions, requireKnown } from '../../runtime/known-options.js';
import { LifeCycle, type LifeCycleState } from '../../runtime/life-cycle.js';
import { onAbort } from '../../runtime/on-abort.js';
import type { PeriodicTask } from '../../runtime/scheduler.js';
import { BrokerRequests } from '../broker-requests.js';
import { createSendBack, DEAD_LETTER_LEVEL, type SendBack } from '../clustering/send-back.js';
import type { CloseOptions } from '../consumer.js';
import type { RegisteredConsumer } from '../consumer-registry.js';
import { createOffsetStore } from '../create-offset-store.js';
import { attachedTo } from '../delivery/attached.js';
import { decodeMessage } from '../delivery/decode-message.js';
import { MessageReader } from '../delivery/message-reader.js';
import { afterMs, delayLevelFor, retryOutcome } from '../delivery/retry-after.js';
import { whole } from '../options/option-checks.js';
import { queueKey } from '../queues/consumed-queue.js';
import { ConsumerEvents } from '../report/consumer-events.js';
import { type ConsumerHealth, reasonsOf } from '../report/health.js';
import type { Expression } from '../subscription/subscribe.js';
import { parseSubscription } from '../subscription/subscription.js';
import { CommittedOffsets } from './committed-offsets.js';
import type { LitePullServices } from './lite-pull-consumer.js';
import { MessageGiver } from './message-giver.js';
import type { OffsetOptions, PullConsumer, PullOptions, PullResult, SendBackOptions } from './pull-consumer.js';
import type { ResolvedPullOptions } from './pull-options.js';
import { PulledQueues } from './pulled-queues.js';
import { pullQueue, requireOffset } from './queue-pull.js';

const PULL: OptionNames = {
  of: 'a pull',
  names: new Set<keyof PullOptions>(['maxMessages', 'timeoutMs', 'signal']),
};
const OFFSET: OptionNames = { of: 'fetchConsumeOffset', names: new Set<keyof OffsetOptions>(['fromStore']) };
const SEND_BACK: OptionNames = { of: 'sendMessageBack', names: new Set(['after', 'delayLevel', 'deadLetter']) };

/** The consumer that `mq.pullConsumer` gives. */
export class PlainPull implements PullConsumer {
  readonly group: string;
  readonly #wireGroup: string;
  readonly #options: ResolvedPullOptions;
  readonly #services: LitePullServices;
  readonly #requests: BrokerRequests;
  readonly #offsets: CommittedOffsets;
  readonly #sendBack: SendBack;
  readonly #giver: MessageGiver;
  readonly #life: LifeCycle;
  readonly #events: ConsumerEvents;
  /** As the application said it, by queue on the wire. */
  readonly #positions = new Map<string, readonly [queue: MessageQueue, offset: number]>();
  /** Pulls that wait; closing takes them back. */
  readonly #pulling = new Set<AbortController>();
  #persisting: PeriodicTask | undefined;
  #unregister: () => void = () => undefined;
  #stopListening: () => void = () => undefined;
  #joined = false;
  readonly #pulled = new PulledQueues();

  constructor(group: string, options: ResolvedPullOptions, services: LitePullServices) {
    const { names, clock, logger, routes, remoting, unitMode = false, compressors } = services;
    const wireGroup = names.groupToWire(group);
    const { requestTimeoutMs } = options;
    this.group = group;
    this.#wireGroup = wireGroup;
    this.#options = options;
    this.#services = services;
    this.#life = new LifeCycle(`pull consumer ${group}`);
    this.#events = new ConsumerEvents(group, clock, logger);
    this.#requests = new BrokerRequests(wireGroup, routes, remoting, requestTimeoutMs);
    this.#sendBack = createSendBack({ group: wireGroup, unitMode, routes, remoting });
    const store = { group, wireGroup, messageModel: 'clustering', localOffsetStoreDir: undefined } as const;
    this.#offsets = new CommittedOffsets((onPersisted) =>
      createOffsetStore({ ...store, events: this.#events, onPersisted }, services),
    );
    const attached = attachedTo({ group }, services);
    const decodeOptions = {
      topicFromWire: (topic: string) => names.topicFromWire(topic),
      compressors,
      sizeBytesMax: options.decompressedSizeBytesMax,
    };
    this.#giver = new MessageGiver({
      ...{ group, clock, logger, interceptors: attached.interceptors },
      reader: new MessageReader({
        decode: (pulled, consumed) =>
          decodeMessage(pulled, consumed.queue.brokerName, consumed.subscription, decodeOptions),
        filters: attached.filters,
      }),
      decodableOf: () => undefined,
    });
  }

  get state(): LifeCycleState {
    return this.#life.state;
  }

  /** Joins the group. @throws what makes it impossible */
  async start(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#stopListening = onAbort(signal, () => void this.close());
    const { membership, registry, scheduler, unitMode = false } = this.#services;
    try {
      await this.#life.start(async () => {
        membership.joinConsumer({
          group: this.#wireGroup,
          consumeType: 'CONSUME_ACTIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
          unitMode,
          subscriptions: () => [],
        });
        this.#joined = true;
        this.#unregister = registry.add(this.#registered());
        const { persistOffsetIntervalMs: periodMs } = this.#options;
        this.#persisting = scheduler.every(`offsets of ${this.group}`, { periodMs }, () => this.#offsets.persist());
        await membership.heartbeat();
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  pull(queue: MessageQueue, expression: Expression, offset: number, options: PullOptions = {}): Promise<PullResult> {
    return this.#pull(queue, expression, offset, options, undefined, this.#options.pullTimeoutMs);
  }

  pullBlockIfNotFound(
    queue: MessageQueue,
    expression: Expression,
    offset: number,
    options: PullOptions = {},
  ): Promise<PullResult> {
    const { suspendTimeoutMs, suspendPullTimeoutMs } = this.#options;
    return this.#pull(queue, expression, offset, options, suspendTimeoutMs, suspendPullTimeoutMs);
  }

  async fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.#life.requireRunning();
    validateTopic(topic);
    const { names, routes } = this.#services;
    const queues = await routes.loadSubscribeQueues(names.topicToWire(topic));
    return queues.map((queue) => ({ ...queue, topic }));
  }

  async fetchConsumeOffset(queue: MessageQueue, options: OffsetOptions = {}): Promise<number | undefined> {
    this.#life.requireRunning();
    requireKnown(options, OFFSET);
    const { fromStore = false } = options;
    const wire = this.#wire(queue);
    const known = fromStore ? undefined : this.#positions.get(queueKey(wire))?.[1];
    return known ?? this.#offsets.read(wire);
  }

  updateConsumeOffset(queue: MessageQueue, offset: number): void {
    this.#life.requireRunning();
    requireOffset(offset);
    const position = [this.#wire(queue), offset] as const;
    this.#positions.set(queueKey(position[0]), position);
    this.#offsets.remember([position]);
  }

  async persistConsumeOffsets(): Promise<void> {
    this.#life.requireRunning();
    await this.#offsets.commit([...this.#positions.values()]);
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    this.#life.requireRunning();
    return this.#requests.min(this.#wire(queue));
  }

  async maxOffset(queue: MessageQueue): Promise<number> {
    this.#life.requireRunning();
    return this.#requests.max(this.#wire(queue));
  }

  async searchOffset(queue: MessageQueue, timestamp: number): Promise<number> {
    this.#life.requireRunning();
    return this.#requests.atTimestamp(this.#wire(queue), timestamp);
  }

  async sendMessageBack(message: ReceivedMessage, options: SendBackOptions = {}): Promise<void> {
    this.#life.requireRunning();
    requireKnown(options, SEND_BACK);
    const { commitLogOffset, msgId, properties } = message;
    const queue = this.#wire(message);
    const originTopic = properties[PropertyName.RETRY_TOPIC] ?? queue.topic;
    const { maxReconsumeTimes } = this.#options;
    const delayLevel = delayLevelOf(options);
    await this.#sendBack({ queue, commitLogOffset, msgId, originTopic, delayLevel, maxReconsumeTimes });
  }

  health(): ConsumerHealth {
    const nowMs = this.#services.clock.monotonic();
    const { lastPullMs } = this.#pulled;
    const sinceLastPollMs = lastPullMs === undefined ? undefined : nowMs - lastPullMs;
    const facts = { group: this.group, state: this.state, sinceLastPollMs };
    if (this.state !== 'running') return { ...facts, verdict: 'not running', reasons: [], queues: [] };
    const queues = this.#pulled.health(nowMs);
    const reasons = reasonsOf(queues, [], 0);
    return { ...facts, verdict: reasons.length === 0 ? 'healthy' : 'unhealthy', reasons, queues };
  }

  describe(): string {
    return `pull consumer ${this.group}: ${this.state}, offsets of ${this.#positions.size} queues`;
  }

  async close(options: CloseOptions = {}): Promise<void> {
    requireCloseOptions(options);
    return this.#life.close(async () => {
      this.#stopListening();
      for (const taken of this.#pulling) taken.abort(new DOMException('the consumer closes', 'AbortError'));
      this.#persisting?.cancel();
      await this.#offsets.persist();
      this.#unregister();
      if (this.#joined) await this.#services.membership.leave(this.#wireGroup, 'consumer');
      this.#events.complete();
      this.#services.onClosed?.(this);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #pull(
    queue: MessageQueue,
    expression: Expression,
    offset: number,
    options: PullOptions,
    suspendTimeoutMs: number | undefined,
    defaultTimeoutMs: number,
  ): Promise<PullResult> {
    this.#life.requireRunning();
    requireKnown(options, PULL);
    const { maxMessages, timeoutMs, signal } = options;
    requireOffset(offset);
    const subscription = parseSubscription(queue.topic, expression, 0);
    const taken = new AbortController();
    const pull = {
      ...{ queue: this.#wire(queue), subscription, wireGroup: this.#wireGroup, offset, suspendTimeoutMs },
      maxMessages: whole('maxMessages', maxMessages, 32, 1, 1_024),
      timeoutMs: whole('timeoutMs', timeoutMs, defaultTimeoutMs, 1, 600_000),
      signal: taken.signal,
      brokerId: this.#pulled.suggestedBrokerId(queue),
      onSuggested: (brokerId: number) => this.#pulled.suggested(queue, brokerId),
    };
    const { clock } = this.#services;
    this.#pulled.began(queue, clock.monotonic());
    if (signal?.aborted) taken.abort(signal.reason);
    // Not AbortSignal.any: in Node 20 a signal keeps something of every one that was made of it.
    const stopListening = onAbort(signal, () => taken.abort(signal?.reason));
    this.#pulling.add(taken);
    try {
      const result = await pullQueue(pull, this.#giver, this.#services);
      this.#pulled.answered(queue, result, clock.monotonic());
      return result;
    } catch (error) {
      this.#pulled.failed(queue, error, clock.monotonic());
      throw error;
    } finally {
      stopListening();
      this.#pulling.delete(taken);
    }
  }

  #wire({ topic, brokerName, queueId }: MessageQueue): MessageQueue {
    return { topic: this.#services.names.topicToWire(topic), brokerName, queueId };
  }

  /** As brokers and operators find it: it has no queues of its own, and no handler. */
  #registered(): RegisteredConsumer {
    const startedAtMs = this.#services.clock.now();
    const ofTopic = (topic: string) => [...this.#positions.values()].filter(([queue]) => queue.topic === topic);
    return {
      group: this.#wireGroup,
      onMembersChanged: () => undefined,
      resetOffsets: (_topic, offsets) => {
        for (const [queue, offset] of offsets) this.#positions.set(queueKey(queue), [queue, offset]);
        this.#offsets.remember([...offsets]);
      },
      offsets: (topic) => new Map(ofTopic(topic)),
      runningInfo: (described) => this.#runningInfo(startedAtMs, described),
      consumeDirectly: () => {
        const why = `consumer ${this.group} has no handler: its messages are pulled`;
        return Promise.reject(rocketMQError('RMQ_NOT_RUNNING', why, { state: 'running' }));
      },
    };
  }

  #runningInfo(startedAtMs: number, described: boolean): ConsumerRunningInfo {
    const properties = {
      consumerGroup: this.#wireGroup,
      messageModel: 'CLUSTERING',
      [RunningInfoProperty.CONSUME_TYPE]: 'CONSUME_ACTIVELY',
      [RunningInfoProperty.CLIENT_VERSION]: 'V4_9_7',
      [RunningInfoProperty.CONSUMER_START_TIMESTAMP]: String(startedAtMs),
    };
    const jstack = described ? this.describe() : undefined;
    return { properties, subscriptionSet: [], mqTable: new Map(), statusTable: new Map(), jstack };
  }
}

/** @throws RMQ_OPTIONS_INVALID */
function delayLevelOf(options: SendBackOptions): number {
  if ('deadLetter' in options) return DEAD_LETTER_LEVEL;
  const outcome = retryOutcome(undefined, options);
  if (outcome.kind === 'retry' && outcome.delayLevel !== undefined) return outcome.delayLevel;
  return options.after === undefined ? 0 : delayLevelFor(afterMs(options.after));
}
