import { Observable, type OperatorFunction } from 'rxjs';
import type { MessageQueue, ReceivedMessage } from '../message/message.js';
import { validateTopic } from '../message/message-rules.js';
import { EventHub } from '../pipeline/event-hub.js';
import type { StageEvent } from '../pipeline/events.js';
import { describeChain } from '../pipeline/pipeline.js';
import type { SendResult } from '../pipeline/send-result.js';
import { TopicRoutes } from '../pipeline/topic-routes.js';
import { requireCloseOptions } from '../runtime/known-options.js';
import { LifeCycle, type LifeCycleState } from '../runtime/life-cycle.js';
import type { ProducerOptions } from './options.js';
import type {
  AnyMessage,
  MessageSource,
  OperatorOptions,
  ProducerPipeline,
  RecallOptions,
  RequestOptions,
  SendAllOptions,
  SendOptions,
  SendReport,
} from './producer.js';
import type { SendObserver } from './producer-send.js';
import { recall } from './recall.js';
import { request } from './request-reply/request.js';
import { resolveProducerOptions } from './resolve-options.js';
import { type Sender, sendAll } from './send-all.js';
import { sendBatch } from './send-batch.js';
import { sendOperator } from './send-operator.js';
import { checkRecallOptions } from './send-options.js';
import { type SendMode, Sends } from './sends.js';
import type { ProducerServices } from './services.js';
import type { StartableProducer } from './startable-producer.js';

/** The facade over the pipeline: gives each send, and how it ends, the form that was asked for. */
export class PipelineProducer implements StartableProducer {
  readonly group: string;
  readonly pipeline: ProducerPipeline;
  readonly #services: ProducerServices;
  readonly #lifeCycle: LifeCycle;
  readonly #events: EventHub;
  readonly #topics: TopicRoutes;
  readonly #sends: Sends;
  readonly #sender: Sender;

  constructor(options: ProducerOptions, services: ProducerServices) {
    const { logger, routes, names, unitMode } = services;
    const resolved = resolveProducerOptions(options, unitMode);
    this.group = options.group;
    this.#services = services;
    this.#lifeCycle = new LifeCycle(`producer of group ${options.group}`);
    this.#events = new EventHub(logger);
    this.#topics = new TopicRoutes(routes, names, resolved.pipeline);
    this.#sends = new Sends(resolved, services, this.#lifeCycle, this.#events);
    this.#sender = (message, sendOptions, observer) => this.#sends.begin('send', message, sendOptions, observer);
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
      const send = this.#sends.begin('send', message, options, {
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
    return sendBatch(this.#sends, messages, options);
  }

  async sendOneway(message: AnyMessage, options?: SendOptions): Promise<void> {
    await this.#promise('oneway', message, options);
  }

  request<R = undefined>(message: AnyMessage, options: RequestOptions<R> = {}): Promise<ReceivedMessage<R>> {
    return request(this.#sends, message, options);
  }

  async recall(topic: string, recallHandle: string, options?: RecallOptions): Promise<string> {
    this.#lifeCycle.requireRunning();
    checkRecallOptions(options);
    validateTopic(topic);
    const { names, routes, remoting } = this.#services;
    const timeoutMs = this.#sends.timeoutMsOf(options);
    return recall({ group: this.group, names, routes, remoting }, topic, recallHandle, { ...options, timeoutMs });
  }

  async fetchPublishMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.#lifeCycle.requireRunning();
    validateTopic(topic);
    return (await this.#topics.load(topic)).queues;
  }

  describe(): string {
    return describeChain(this.#sends.chain);
  }

  async close(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    requireCloseOptions(options);
    const wasStarted = this.#lifeCycle.state === 'running';
    return this.#lifeCycle.close(async () => {
      await this.#sends.drain(options);
      const { membership, names } = this.#services;
      if (wasStarted) await membership.leave(names.groupToWire(this.group), 'producer');
      this.#events.close();
      this.#services.onClosed?.();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run(message: AnyMessage, options: SendOptions | undefined): Observable<StageEvent> {
    return new Observable((subscriber) => {
      const observer: SendObserver = {
        onResult: () => subscriber.complete(),
        onError: (error) => subscriber.error(error),
      };
      const send = this.#sends.begin('send', message, options, observer, (event) => subscriber.next(event));
      return () => send.cancel();
    });
  }

  #promise(mode: SendMode, message: AnyMessage, options: SendOptions | undefined): Promise<SendResult> {
    const promise = new Promise<SendResult>(capture);
    this.#sends.begin(mode, message, options, { onResult: captured.resolve, onError: captured.reject });
    return promise;
  }
}

/** Where the functions of the promise that is being made are put: one function for all promises instead of one each. */
const captured: { resolve: (result: SendResult) => void; reject: (error: unknown) => void } = {
  resolve: () => {},
  reject: () => {},
};

function capture(resolve: (result: SendResult) => void, reject: (error: unknown) => void): void {
  captured.resolve = resolve;
  captured.reject = reject;
}
