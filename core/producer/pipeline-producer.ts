import { Observable, type OperatorFunction } from 'rxjs';
import type { RocketMQError } from '../errors/rocketmq-error.js';
import { frozenMessage } from '../message/frozen-message.js';
import type { MessageQueue, ReceivedMessage } from '../message/message.js';
import { validateTopic } from '../message/message-rules.js';
import { messagesOf } from '../message/outgoing-batch.js';
import type { Chain } from '../pipeline/chain.js';
import { EventHub } from '../pipeline/event-hub.js';
import type { StageEvent } from '../pipeline/events.js';
import { composePipeline, describeChain } from '../pipeline/pipeline.js';
import { PipelineContext } from '../pipeline/pipeline-context.js';
import type { SendResult } from '../pipeline/send-result.js';
import type { SendOutcome } from '../pipeline/settled.js';
import { TopicRoutes } from '../pipeline/topic-routes.js';
import { requireCloseOptions } from '../runtime/known-options.js';
import { LifeCycle, type LifeCycleState } from '../runtime/life-cycle.js';
import { Accumulator, type AccumulatorHost } from './accumulator.js';
import type { BatchPart } from './batch-part.js';
import { Budget } from './budget.js';
import { InFlight } from './in-flight.js';
import type { ProducerOptions } from './options.js';
import type {
  AnyMessage,
  MessageSource,
  OperatorOptions,
  ProducerPipeline,
  RawMessage,
  RecallOptions,
  RequestOptions,
  SendAllOptions,
  SendOptions,
  SendReport,
} from './producer.js';
import { ProducerSend, type SendObserver, type SendOwner } from './producer-send.js';
import { recall } from './recall.js';
import { type RequestHost, request } from './request.js';
import { positive, type ResolvedProducerOptions, resolveProducerOptions } from './resolve-options.js';
import { sendAll } from './send-all.js';
import { type BatchHost, sendBatch } from './send-batch.js';
import { SendDeadlines } from './send-deadlines.js';
import { bodySize, encodeTyped, isTyped, sendFailure, targetOf } from './send-input.js';
import { sendOperator } from './send-operator.js';
import { checkRecallOptions, checkSendOptions } from './send-options.js';
import type { ProducerServices } from './services.js';
import type { StartableProducer } from './startable-producer.js';

type Mode = 'send' | 'oneway';
type EventListener = ((event: StageEvent) => void) | undefined;

/** The facade over the pipeline: makes each send's state, lets it in, and gives its end the form that was asked for. */
export class PipelineProducer implements StartableProducer, SendOwner {
  readonly group: string;
  readonly pipeline: ProducerPipeline;
  readonly #services: ProducerServices;
  readonly #options: ResolvedProducerOptions;
  readonly #lifeCycle: LifeCycle;
  readonly #events: EventHub;
  readonly #chain: Chain;
  readonly #topics: TopicRoutes;
  readonly #budget: Budget;
  readonly #inFlight = new InFlight();
  readonly #deadlines: SendDeadlines;
  readonly #batches: BatchHost & AccumulatorHost;
  readonly #requests: RequestHost;
  /** Undefined unless sends wait for one another. */
  readonly #accumulator: Accumulator | undefined;
  /** A send that was taken before the producer closed is entering the chain. */
  #admitting = false;
  /** When the send that is just beginning began; NaN when that was in an earlier turn. */
  #begunMs = Number.NaN;

  constructor(options: ProducerOptions, services: ProducerServices) {
    this.#services = services;
    this.#options = resolveProducerOptions(options, services.unitMode);
    this.group = options.group;
    this.#lifeCycle = new LifeCycle(`producer of group ${options.group}`);
    this.#deadlines = new SendDeadlines(this.#inFlight, services.deadlines, services.clock);
    this.#events = new EventHub(services.logger);
    this.#budget = new Budget(this.#options.messagesMax, this.#options.bytesMax);
    this.#topics = new TopicRoutes(services.routes, services.names, this.#options.pipeline);
    const internal = services.internal ?? false;
    const facts = { group: options.group, internal };
    const resolve = services.openScope({
      facts,
      options: this.#options.pipeline,
      requireRunning: () => {
        if (!this.#admitting) this.#lifeCycle.requireRunning();
      },
      random: services.random ?? Math.random,
    });
    this.#chain = composePipeline({
      producer: facts,
      resolve,
      attachments: internal ? [] : services.attachments,
      routes: services.routes,
      clock: services.clock,
      logger: services.logger,
      events: this.#events,
    });
    this.#batches = this.#batchHost();
    this.#requests = this.#requestHost();
    const { autoBatch } = this.#options;
    this.#accumulator = autoBatch && new Accumulator(autoBatch, this.#batches);
    this.pipeline = {
      run: (message: AnyMessage, sendOptions?: SendOptions) => this.#run(message, sendOptions),
      events$: this.#events.events$,
      operator: <M extends AnyMessage>(operatorOptions?: OperatorOptions): OperatorFunction<M, SendReport<M>> =>
        sendOperator(this.#sender, operatorOptions),
    };
  }

  get state(): LifeCycleState {
    return this.#lifeCycle.state;
  }

  get fullBy(): 'count' | 'bytes' {
    return this.#budget.fullBy;
  }

  start(): Promise<void> {
    return this.#lifeCycle.start(() => {
      this.#services.membership.joinProducer(this.#services.names.groupToWire(this.group));
      // Never rejects; a broker that cannot be reached is no reason to wait.
      void this.#services.membership.heartbeat();
    });
  }

  send(message: AnyMessage, options?: SendOptions): Promise<SendResult> {
    return this.#promise('send', message, options);
  }

  send$(message: AnyMessage, options?: SendOptions): Observable<SendResult> {
    return new Observable((subscriber) => {
      const send = this.#begin('send', message, options, {
        onResult: (result) => {
          subscriber.next(result);
          subscriber.complete();
        },
        onError: (error) => subscriber.error(error),
      });
      return () => send.cancel();
    });
  }

  sendAll<M extends AnyMessage>(messages: MessageSource<M>, options?: SendAllOptions): AsyncIterable<SendReport<M>> {
    return sendAll(this.#sender, messages, options);
  }

  sendBatch<M extends AnyMessage>(messages: readonly M[], options?: SendOptions): Promise<readonly SendResult[]> {
    return sendBatch(this.#batches, messages, options);
  }

  async sendOneway(message: AnyMessage, options?: SendOptions): Promise<void> {
    await this.#promise('oneway', message, options);
  }

  request<R = undefined>(message: AnyMessage, options: RequestOptions<R> = {}): Promise<ReceivedMessage<R>> {
    return request(this.#requests, message, options);
  }

  async recall(topic: string, recallHandle: string, options?: RecallOptions): Promise<string> {
    this.#lifeCycle.requireRunning();
    checkRecallOptions(options);
    validateTopic(topic);
    const { names, routes, remoting } = this.#services;
    const timeoutMs = this.#timeoutMs(options);
    return recall({ group: this.group, names, routes, remoting }, topic, recallHandle, { ...options, timeoutMs });
  }

  async fetchPublishMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.#lifeCycle.requireRunning();
    validateTopic(topic);
    return (await this.#topics.load(topic)).queues;
  }

  describe(): string {
    return describeChain(this.#chain);
  }

  async close(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    requireCloseOptions(options);
    const wasStarted = this.#lifeCycle.state === 'running';
    return this.#lifeCycle.close(async () => {
      this.#accumulator?.flushAll();
      await this.#drain(options);
      const { membership, names } = this.#services;
      if (wasStarted) await membership.leave(names.groupToWire(this.group), 'producer');
      this.#events.close();
      this.#services.onClosed?.();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  enter(send: ProducerSend): void {
    this.#admitting = true;
    try {
      this.#enterChain(send);
    } finally {
      this.#admitting = false;
    }
  }

  ended(send: ProducerSend, result: SendResult | undefined, error: RocketMQError | undefined): void {
    this.#deadlines.remove(send);
    this.#inFlight.remove(send);
    if (result !== undefined) send.observer.onResult(result);
    else send.observer.onError(error as RocketMQError, send.sent);
    const { settledListeners } = this.#services;
    if (settledListeners.length > 0 && this.#services.internal !== true) this.#tellSettled(send, result, error);
    if (send.admitted) this.#budget.release(send.sizeBytes);
    else this.#budget.wake();
  }

  #run(message: AnyMessage, options: SendOptions | undefined): Observable<StageEvent> {
    return new Observable((subscriber) => {
      const observer: SendObserver = {
        onResult: () => subscriber.complete(),
        onError: (error) => subscriber.error(error),
      };
      const send = this.#begin('send', message, options, observer, (event) => subscriber.next(event));
      return () => send.cancel();
    });
  }

  #promise(mode: Mode, message: AnyMessage, options: SendOptions | undefined): Promise<SendResult> {
    const promise = new Promise<SendResult>(capture);
    this.#begin(mode, message, options, { onResult: captured.resolve, onError: captured.reject });
    return promise;
  }

  readonly #sender = (message: AnyMessage, options: SendOptions | undefined, observer: SendObserver) =>
    this.#begin('send', message, options, observer);

  /** Begins a send; whatever is wrong with it is told to the observer. */
  #begin(
    mode: Mode,
    message: AnyMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener?: EventListener,
  ): { cancel(): void } {
    const startMs = this.#services.clock.monotonic();
    this.#begunMs = startMs;
    try {
      if (!isTyped(message)) return this.#launch(mode, message as RawMessage, options, observer, listener, startMs);
      this.#lifeCycle.requireRunning();
      const encoded = encodeTyped(message);
      if (!(encoded instanceof Promise)) return this.#launch(mode, encoded, options, observer, listener, startMs);
      return this.#launchLater(mode, encoded, options, observer, listener, startMs);
    } catch (error) {
      observer.onError(sendFailure(error));
      return NOTHING;
    }
  }

  #launch(
    mode: Mode,
    message: RawMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
  ): { cancel(): void } {
    checkSendOptions(options);
    const alone = listener !== undefined || options?.slots !== undefined;
    if (this.#accumulator !== undefined && mode === 'send' && !alone) {
      const held = this.#accumulator.take({
        message,
        target: targetOf(message, options),
        startMs,
        timeoutMs: this.#timeoutMs(options),
        attemptTimeoutMs: this.#attemptTimeoutMs(options),
        signal: options?.signal,
        observer,
      });
      if (held !== undefined) return held;
    }
    return this.#start(mode, message, options, observer, listener, startMs, undefined);
  }

  #start(
    mode: Mode,
    message: RawMessage,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
    part: BatchPart | undefined,
  ): ProducerSend {
    const { clock, ids } = this.#services;
    const timeoutMs = this.#timeoutMs(options);
    const now = clock.now();
    const send = new ProducerSend(
      this.#chain,
      mode,
      part === undefined ? ids.next(now) : part.msgIds.join(','),
      this,
      message,
      bodySize(message),
      observer,
      options?.signal,
    );
    send.startTimestamp = now;
    send.timeoutMs = timeoutMs;
    send.deadlineMs = startMs + timeoutMs;
    send.attemptTimeoutMs = this.#attemptTimeoutMs(options);
    send.target = targetOf(message, options);
    send.listener = listener;
    if (options?.slots !== undefined) for (const { key, value } of options.slots) send.setSlot(key, value);
    send.batch = part?.batch;
    send.encodeBatch = part?.encode;
    this.#inFlight.add(send);
    this.#deadlines.add(send);
    this.#admit(send, part !== undefined);
    return send;
  }

  #timeoutMs(options: { readonly timeoutMs?: number } | undefined): number {
    const given = options?.timeoutMs;
    return given === undefined ? this.#options.pipeline.timeoutMs : positive('timeoutMs', given);
  }

  #attemptTimeoutMs(options: SendOptions | undefined): number | undefined {
    const given = options?.attemptTimeoutMs;
    return given === undefined ? this.#options.pipeline.attemptTimeoutMs : positive('attemptTimeoutMs', given);
  }

  /** A part belongs to what was taken before: it goes in whatever became of the producer since, and began earlier. */
  #admit(send: ProducerSend, isPart: boolean): void {
    const { abortSignal } = send;
    if (abortSignal !== undefined) {
      if (abortSignal.aborted) {
        send.cancel();
        return;
      }
      abortSignal.addEventListener('abort', send);
    }
    // A producer that does not run holds nothing back: stage 1 refuses.
    const running = isPart || this.#lifeCycle.state === 'running';
    if (running && !this.#budget.admit(send)) return;
    if (isPart) {
      send.onAdmitted();
      return;
    }
    send.admitted = running;
    send.freshMs = this.#begunMs;
    this.#enterChain(send);
    send.freshMs = Number.NaN;
  }

  #batchHost(): BatchHost & AccumulatorHost {
    const { clock, ids, deadlines, names } = this.#services;
    const { maxMessageSizeBytes, timeoutMs } = this.#options.pipeline;
    return {
      clock,
      ids,
      deadlines,
      system: names.properties,
      maxMessageSizeBytes,
      timeoutMs,
      requireRunning: () => this.#lifeCycle.requireRunning(),
      launchPart: (part, options, startMs, observer) =>
        this.#start('send', part.message, options, observer, undefined, startMs, part),
      hold: () => this.#inFlight.hold(),
      release: () => this.#inFlight.release(),
    };
  }

  #requestHost(): RequestHost {
    const { clock, ids, deadlines, replies, replyAttachments, internal } = this.#services;
    return {
      clock,
      ids,
      deadlines,
      replies,
      interceptors: internal === true ? [] : replyAttachments,
      timeoutMsOf: (options) => this.#timeoutMs(options),
      requireRunning: () => this.#lifeCycle.requireRunning(),
      launch: (message, options, startMs, observer) => {
        this.#begunMs = Number.NaN;
        return this.#start('send', message, options, observer, undefined, startMs, undefined);
      },
      hold: (holder) => this.#inFlight.hold(holder),
      release: (holder) => this.#inFlight.release(holder),
    };
  }

  #enterChain(send: ProducerSend): void {
    let { message } = send;
    if (send.batch !== undefined && this.#chain.shown) {
      message = frozenMessage(message);
      send.batch = messagesOf(message);
    }
    const context = new PipelineContext(send, message, undefined, 0, undefined, undefined, undefined);
    this.#chain.own(this.#chain.handler(context), send, 0).deliverTo(send);
  }

  /** A codec that takes its time: the deadline has begun, the rest begins when the body is there. */
  #launchLater(
    mode: Mode,
    encoded: Promise<RawMessage>,
    options: SendOptions | undefined,
    observer: SendObserver,
    listener: EventListener,
    startMs: number,
  ): { cancel(): void } {
    let send: { cancel(): void } | undefined;
    let cancelled = false;
    encoded.then(
      (message) => {
        try {
          this.#begunMs = Number.NaN;
          send = this.#launch(mode, message, options, observer, listener, startMs);
          if (cancelled) send.cancel();
        } catch (error) {
          observer.onError(sendFailure(error));
        }
      },
      (error: unknown) => observer.onError(sendFailure(error)),
    );
    return {
      cancel: () => {
        cancelled = true;
        send?.cancel();
      },
    };
  }

  async #drain(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void> {
    const cancelAll = () => this.#inFlight.cancelAll();
    const { timeoutMs, signal } = options;
    if (signal?.aborted) cancelAll();
    signal?.addEventListener('abort', cancelAll);
    const timer =
      timeoutMs === undefined ? undefined : this.#services.clock.setTimer(timeoutMs, cancelAll, { ref: true });
    await this.#inFlight.drained();
    timer?.cancel();
    signal?.removeEventListener('abort', cancelAll);
  }

  #tellSettled(send: ProducerSend, result: SendResult | undefined, error: RocketMQError | undefined): void {
    const outcome: SendOutcome =
      result !== undefined ? { kind: 'result', result } : { kind: 'failure', error: error as RocketMQError };
    for (const { plugin, listener } of this.#services.settledListeners) {
      try {
        listener(send, send.topic, outcome);
      } catch (thrown) {
        this.#services.logger.error('A plugin threw when it was told how a send ended', { plugin, error: thrown });
      }
    }
  }
}

const NOTHING = { cancel: () => {} };

/** Where the functions of the promise that is being made are put: one function for all promises instead of one each. */
const captured: { resolve: (result: SendResult) => void; reject: (error: unknown) => void } = {
  resolve: () => {},
  reject: () => {},
};

function capture(resolve: (result: SendResult) => void, reject: (error: unknown) => void): void {
  captured.resolve = resolve;
  captured.reject = reject;
}
