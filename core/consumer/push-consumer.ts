import type { Observable } from 'rxjs';
import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue } from '../message/message.js';
import { validateTopic } from '../message/message-rules.js';
import { type OptionNames, requireCloseOptions, requireKnown } from '../runtime/known-options.js';
import { onAbort } from '../runtime/on-abort.js';
import type {
  AssignedQueue,
  BatchHandler,
  CloseOptions,
  Consumer,
  ConsumerServices,
  MessageHandler,
  RunOptions,
  SeekPosition,
} from './consumer.js';
import type { ConsumerState } from './consumer-state.js';
import { attachedTo } from './delivery/attached.js';
import type { SubscribedMessage } from './delivery/consumed-message.js';
import type { NamedDeliveryInterceptor } from './delivery/delivery-chain.js';
import type { DeliveryFilter } from './delivery/delivery-filter.js';
import type { AnyBatchHandler, AnyHandler } from './delivery/handler-end.js';
import { checkPolicies, type HandlerPolicies } from './delivery/handler-policies.js';
import type { Receiver } from './delivery/receiver.js';
import type { ResolvedConsumerOptions } from './options/consumer-options.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import type { ConsumerEvent } from './report/consumer-event.js';
import { ConsumerEvents } from './report/consumer-events.js';
import type { ConsumerHealth } from './report/health.js';
import { RunningConsumer } from './running-consumer.js';
import { batchReceiver, Handlers, handlerReceiver } from './shapes/handler-receiver.js';
import { ackOption, type IterationOptions, MessageIterator } from './shapes/message-iterator.js';
import { messageStream } from './shapes/message-stream.js';
import type { TopicHandler } from './shapes/topic-handler.js';
import type { Expression, Subscribe, SubscribedTopic } from './subscription/subscribe.js';
import { parseSubscription, type TopicSubscription } from './subscription/subscription.js';
import { Subscriptions } from './subscription/subscriptions.js';

const RUN: OptionNames = { of: 'a run', names: new Set<keyof RunOptions>(['signal']) };

/** The consumer that `mq.consumer` gives: its states, and the shapes in which messages can be taken. */
export class PushConsumer<S extends Subscribe> implements Consumer<S> {
  readonly group: string;
  readonly #options: ResolvedConsumerOptions;
  readonly #services: ConsumerServices;
  readonly #subscriptions = new Subscriptions();
  readonly #interceptors: readonly NamedDeliveryInterceptor[];
  readonly #filters: readonly DeliveryFilter[];
  readonly #events: ConsumerEvents;
  #state: ConsumerState = 'created';
  #startFailure: unknown;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #running: RunningConsumer | undefined;
  #receiver: Receiver | undefined;
  #handlers: Handlers | undefined;
  #paused = false;
  #stopListening: () => void = () => {};

  constructor(
    group: string,
    options: ResolvedConsumerOptions,
    subscriptions: readonly TopicSubscription[],
    services: ConsumerServices,
  ) {
    const { names, clock, logger } = services;
    this.group = group;
    this.#options = options;
    this.#services = services;
    for (const one of subscriptions) this.#subscriptions.set(names.topicToWire(one.topic), one);
    const attached = attachedTo({ group, consumeTimeoutMs: options.consumeTimeoutMs }, services);
    this.#interceptors = attached.interceptors;
    this.#filters = attached.filters;
    this.#events = new ConsumerEvents(group, clock, logger);
  }

  get state(): ConsumerState {
    return this.#state;
  }

  get events$(): Observable<ConsumerEvent> {
    return this.#events.events$;
  }

  get messages$(): Observable<SubscribedMessage<S>> {
    const consumer = {
      start: (receiver: Receiver) => this.#run(receiver, {}),
      close: (receiver: Receiver) => this.#isOf(receiver) && void this.close(),
    };
    return messageStream(consumer) as Observable<SubscribedMessage<S>>;
  }

  async run(handler: MessageHandler<S> | readonly TopicHandler[], options: RunOptions = {}): Promise<void> {
    const topics = this.#subscriptions.topics.map(({ topic }) => topic);
    this.#expectCreated();
    requireKnown(options, RUN);
    if (this.#options.batchSize > 1) {
      throw invalid('batchSize', `${this.#options.batchSize}`, 'is for runBatch; run takes one message at a time');
    }
    const handlers = Handlers.of(handler as AnyHandler | readonly TopicHandler[], topics);
    this.#handlers = handlers;
    await this.#run(handlerReceiver(handlers), options);
  }

  async runBatch(handler: BatchHandler<S>, options: RunOptions = {}): Promise<void> {
    this.#expectCreated();
    requireKnown(options, RUN);
    await this.#run(batchReceiver(handler as AnyBatchHandler, this.#options.batchSize), options);
  }

  messages(options: IterationOptions = {}): AsyncIterableIterator<SubscribedMessage<S>, undefined> {
    const ack = ackOption(options);
    const consumer = {
      start: (receiver: Receiver) => this.#run(receiver, options),
      more: () => this.#running?.parts.runner.fill(),
      leave: async (receiver: Receiver) => {
        if (!this.#isOf(receiver)) return;
        this.#running?.releaseHeld();
        await this.close();
      },
    };
    const iterator: unknown = new MessageIterator(consumer, ack);
    return iterator as AsyncIterableIterator<SubscribedMessage<S>, undefined>;
  }

  pause(queues?: readonly MessageQueue[]): void {
    if (queues === undefined) this.#paused = true;
    else this.#expectRunning('paused');
    this.#running?.pause(queues);
  }

  resume(queues?: readonly MessageQueue[]): void {
    if (queues === undefined) this.#paused = false;
    else this.#expectRunning('resumed');
    this.#running?.resume(queues);
  }

  async seek(queue: MessageQueue, to: SeekPosition): Promise<number> {
    const known =
      to === 'first' ||
      to === 'last' ||
      (typeof to === 'object' && to !== null
        ? Number.isSafeInteger(to.timestamp)
        : Number.isSafeInteger(to) && to >= 0);
    if (!known) throw invalid('seek', String(to), "must be an offset, 'first', 'last' or { timestamp }");
    return this.#expectRunning('moved').seek(queue, to);
  }

  async subscribe(
    topic: SubscribedTopic,
    expression: Expression = '*',
    handler?: AnyHandler,
    policies: HandlerPolicies = {},
  ): Promise<void> {
    const { names, clock } = this.#services;
    const running = this.#expectRunning('subscribed');
    const before = this.#subscriptions.topics.map(({ subVersion }) => subVersion);
    const subscription = parseSubscription(topic, expression, Math.max(clock.now(), ...before.map((one) => one + 1)));
    validateTopic(subscription.topic);
    this.#checkHandler(subscription.topic, handler, policies);
    const wireTopic = names.topicToWire(subscription.topic);
    await running.prepare(wireTopic, subscription);
    if (handler !== undefined) this.#handlers?.set(subscription.topic, handler, policies);
    await running.subscribe(wireTopic, subscription);
  }

  async unsubscribe(topic: SubscribedTopic): Promise<void> {
    const name = typeof topic === 'string' ? topic : topic.name;
    const running = this.#expectRunning('unsubscribed');
    await running.unsubscribe(this.#services.names.topicToWire(name));
    this.#handlers?.delete(name);
  }

  assignment(): readonly AssignedQueue[] {
    const own = (this.#running?.consumed ?? []).filter(({ subscription }) => !subscription.retried);
    return own.map(({ shown, popped, processQueue, paused }) => ({
      ...shown,
      pullOffset: popped ? -1 : processQueue.nextOffset,
      committableOffset: popped ? -1 : processQueue.committableOffset,
      unacknowledged: processQueue.count,
      paused,
    }));
  }

  health(): ConsumerHealth {
    const state = this.#state;
    const facts = { group: this.group, state, sinceLastPollMs: undefined };
    if (state === 'start failed') {
      const reasons = [`its start failed: ${String(this.#startFailure)}`];
      return { ...facts, verdict: 'unhealthy', reasons, queues: [] };
    }
    const now = this.#running?.health() ?? { queues: [], reasons: [] };
    if (state !== 'running') return { ...facts, verdict: 'not running', reasons: [], queues: now.queues };
    return { ...facts, verdict: now.reasons.length === 0 ? 'healthy' : 'unhealthy', ...now };
  }

  describe(): string {
    const filters = this.#filters.map(({ plugin }) => `${plugin} (filter)`);
    const plugins = this.#interceptors.map(({ plugin }) => plugin);
    const way = [...filters, ...plugins, this.#receiver?.kind ?? 'handler'].join(' → ');
    return [
      `consumer ${this.group}: ${this.#state}${this.#paused ? ', paused' : ''}`,
      ...this.#subscriptions.topics.map(({ topic, expression }) => `  topic ${topic}: ${expression}`),
      `  delivery: ${way}, ${this.#options.concurrency} at one time`,
      ...(this.#running?.consumed ?? []).map(queueLine),
    ].join('\n');
  }

  async close(options: CloseOptions = {}): Promise<void> {
    requireCloseOptions(options);
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(receiver: Receiver, { signal = this.#options.signal }: RunOptions): Promise<void> {
    this.#expectCreated();
    signal?.throwIfAborted();
    this.#state = 'starting';
    this.#receiver = receiver;
    this.#stopListening = onAbort(signal, () => void this.close());
    this.#starting = this.#start(receiver);
    try {
      await this.#starting;
    } catch (error) {
      // A handler that had what it wanted before the start was over: that is how the application ends it.
      if (!(signal?.aborted && isRocketMQError(error, 'RMQ_NOT_RUNNING'))) throw error;
    }
  }

  async #start(receiver: Receiver): Promise<void> {
    const { names, logger } = this.#services;
    const running = new RunningConsumer(
      {
        group: this.group,
        wireGroup: names.groupToWire(this.group),
        options: this.#options,
        subscriptions: this.#subscriptions,
        interceptors: this.#interceptors,
        filters: this.#filters,
        events: this.#events,
        receiver,
        describe: () => this.describe(),
      },
      this.#services,
    );
    this.#running = running;
    if (this.#paused) running.pause(undefined);
    try {
      await running.start();
    } catch (error) {
      if (this.#state === 'starting') {
        this.#state = 'start failed';
        this.#startFailure = error;
        this.#running = undefined;
        await running.discard();
      }
      throw error;
    }
    if (this.#state !== 'starting') {
      // Closed by its first messages, maybe: it did run.
      if (running.began) return;
      throw this.#cannotRun();
    }
    this.#state = 'running';
    const topics = this.#subscriptions.topics.map(({ topic, expression }) => `${topic}: ${expression}`);
    logger.info('a consumer runs', { group: this.group, topics });
    if (this.#events.observed) this.#events.emit({ type: 'started' });
  }

  async #close(options: CloseOptions): Promise<void> {
    const neverRan = this.#state === 'created' || this.#state === 'start failed';
    this.#state = neverRan ? this.#state : 'closing';
    this.#stopListening();
    this.#running?.beginStop();
    await this.#starting?.catch(() => undefined);
    const running = this.#running;
    const unfinished = (await running?.stop(options)) ?? 0;
    this.#running = undefined;
    this.#state = 'shut down';
    if (this.#events.observed) this.#events.emit({ type: 'closed', unfinished });
    this.#events.complete();
    this.#services.onClosed?.(this);
  }

  /** Whether nobody else takes the messages: who came second closes nothing. */
  #isOf(receiver: Receiver): boolean {
    return this.#receiver === undefined || this.#receiver === receiver;
  }

  /** Whether a topic that is subscribed to has what takes its messages. @throws RMQ_OPTIONS_INVALID */
  #checkHandler(topic: string, handler: AnyHandler | undefined, policies: HandlerPolicies): void {
    const handlers = this.#handlers;
    if (handler !== undefined) {
      checkPolicies(topic, policies);
      if (typeof handler !== 'function') throw invalid('handler', `of type ${typeof handler}`, 'has to be a function');
      if (handlers === undefined) throw invalid('handler', 'for one topic', 'goes with run only');
      return;
    }
    if (Object.keys(policies).length > 0)
      throw invalid('handler', 'absent', 'is needed: policies are those of a handler');
    if (handlers !== undefined && handlers.of(topic) === undefined) {
      throw invalid('handler', 'absent', `is needed: topic ${topic} has none yet`);
    }
  }

  #expectCreated(): void {
    if (this.#state !== 'created') throw this.#cannotRun();
  }

  /** @throws RMQ_NOT_RUNNING */
  #expectRunning(what: string): RunningConsumer {
    if (this.#running !== undefined && this.#state === 'running') return this.#running;
    const state = this.#state;
    const message = `consumer ${this.group} does not run, so nothing of it can be ${what}`;
    throw rocketMQError('RMQ_NOT_RUNNING', message, { state });
  }

  #cannotRun() {
    const state = this.#state;
    const runs = state === 'running' || state === 'starting';
    const why =
      state === 'start failed'
        ? 'its start failed; make a new one'
        : runs
          ? 'it was started already'
          : 'it is closed; make a new one';
    const hint = runs ? 'Take the messages in one way, once: it gets those of all topics.' : undefined;
    return rocketMQError(
      'RMQ_NOT_RUNNING',
      `consumer ${this.group} cannot run: ${why}`,
      { state },
      { cause: this.#startFailure, ...(hint === undefined ? {} : { hint }) },
    );
  }
}

function queueLine({ shown, popped, processQueue, receiptsExpired, paused }: ConsumedQueue): string {
  const { nextOffset, committableOffset } = processQueue;
  const how = popped
    ? `popped ${nextOffset}, done ${committableOffset}, expired ${receiptsExpired}`
    : `pulled to ${nextOffset}, done to ${committableOffset}`;
  const which = popped && shown.queueId < 0 ? 'all queues of' : 'queue';
  const place =
    which === 'queue' ? `${shown.topic} ${shown.brokerName} ${shown.queueId}` : `${shown.topic} ${shown.brokerName}`;
  return `  ${which} ${place}: ${how}${paused ? ', paused' : ''}`;
}

function invalid(option: string, given: string, why: string) {
  return rocketMQError('RMQ_OPTIONS_INVALID', `consumer: ${option} ${given} ${why}`, { option });
}
