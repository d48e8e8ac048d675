import type { Observable } from 'rxjs';
import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { RETRY_TOPIC_PREFIX } from '../message/system-topics.js';
import { orderGap } from '../pipeline/gap-order.js';
import type { ConsumerMember, MemberSubscription } from '../routing/membership.js';
import { keepProcessAlive } from '../runtime/keep-alive.js';
import type { PeriodicTask } from '../runtime/scheduler.js';
import type {
  AssignedQueue,
  CloseOptions,
  Consumer,
  ConsumerServices,
  ConsumerState,
  MessageHandler,
} from './consumer.js';
import type { ConsumerEvent } from './consumer-event.js';
import { ConsumerEvents } from './consumer-events.js';
import type { ResolvedConsumerOptions } from './consumer-options.js';
import { assembleConsumer, type ConsumerParts } from './consumer-parts.js';
import type { NamedDeliveryInterceptor } from './delivery-chain.js';
import { waitAtMost } from './drain.js';
import type { AnyHandler } from './handler-end.js';
import type { Subscribe } from './subscribe.js';
import { retrySubscription, type TopicSubscription } from './subscription.js';

const CLOSE_TIMEOUT_MS = 30_000;
/** Between two heartbeats that a broker's ignorance of this member causes. */
const EXTRA_HEARTBEAT_MS = 1_000;

/** What exists between a successful `run` and the end of `close`. */
interface Running extends ConsumerParts {
  readonly persisting: PeriodicTask;
  readonly unregister: () => void;
}

/** The consumer that `mq.consumer` gives: the life cycle over assignment, pull loops and the handler runner. */
export class PushConsumer<S extends Subscribe> implements Consumer<S> {
  readonly group: string;
  readonly #options: ResolvedConsumerOptions;
  readonly #services: ConsumerServices;
  /** By the topic's name on the wire. */
  readonly #subscriptions: ReadonlyMap<string, TopicSubscription>;
  readonly #interceptors: readonly NamedDeliveryInterceptor[];
  readonly #events: ConsumerEvents;
  readonly #wireGroup: string;
  readonly #subVersion: number;
  #state: ConsumerState = 'created';
  #startFailure: unknown;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #running: Running | undefined;
  #joined = false;
  #paused = false;
  /** Between two pulls of a broker that is away nothing else would keep the process that reads alive. */
  #letProcessEnd: () => void = () => {};
  #lastExtraHeartbeatMs = Number.NEGATIVE_INFINITY;

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
    this.#wireGroup = names.groupToWire(group);
    this.#subscriptions = new Map([
      ...subscriptions.map((one) => [names.topicToWire(one.topic), one] as const),
      [`${RETRY_TOPIC_PREFIX}${this.#wireGroup}`, retrySubscription(group)],
    ]);
    this.#interceptors = orderGap(services.deliveryAttachments).flatMap(({ plugin, create }) => {
      const interceptor = create({ group });
      return interceptor === undefined ? [] : [{ plugin, interceptor }];
    });
    this.#events = new ConsumerEvents(group, clock, logger);
    this.#subVersion = clock.now();
  }

  get state(): ConsumerState {
    return this.#state;
  }

  get events$(): Observable<ConsumerEvent> {
    return this.#events.events$;
  }

  run(handler: MessageHandler<S>): Promise<void> {
    if (this.#state !== 'created') return Promise.reject(this.#cannotRun());
    if (typeof handler !== 'function') {
      return Promise.reject(
        rocketMQError('RMQ_OPTIONS_INVALID', `run needs a handler function, not ${typeof handler}`, {
          option: 'handler',
        }),
      );
    }
    this.#state = 'starting';
    this.#starting = this.#start(handler as AnyHandler);
    return this.#starting;
  }

  pause(): void {
    this.#paused = true;
    this.#running?.assignment.pause();
    this.#running?.runner.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#running?.assignment.resume();
    this.#running?.runner.resume();
  }

  assignment(): readonly AssignedQueue[] {
    return this.#running?.assignment.queues ?? [];
  }

  describe(): string {
    const plugins = this.#interceptors.map(({ plugin }) => plugin);
    return [
      `consumer ${this.group}: ${this.#state}${this.#paused ? ', paused' : ''}`,
      ...this.#topics.map(({ topic, expression }) => `  topic ${topic}: ${expression}`),
      `  delivery: ${[...plugins, 'handler'].join(' → ')}, ${this.#options.concurrency} at one time`,
      ...(this.#running?.assignment.consumed ?? []).map(
        ({ shown: { topic, brokerName, queueId }, processQueue: { nextOffset, committableOffset } }) =>
          `  queue ${topic} ${brokerName} ${queueId}: pulled to ${nextOffset}, done to ${committableOffset}`,
      ),
    ].join('\n');
  }

  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the application subscribed to. */
  get #topics(): readonly TopicSubscription[] {
    return [...this.#subscriptions.values()].filter(({ retried }) => !retried);
  }

  async #start(handler: AnyHandler): Promise<void> {
    const { membership, registry, scheduler } = this.#services;
    this.#letProcessEnd = keepProcessAlive(this.#services.clock);
    try {
      membership.joinConsumer(this.#member());
      this.#joined = true;
      await this.#loadRoutes();
      this.#expectStarting();
      await membership.heartbeat();
      this.#expectStarting();
      const running = this.#assemble(handler);
      this.#running = {
        ...running,
        unregister: registry.add({
          group: this.#wireGroup,
          onMembersChanged: () => {
            // First the offsets: whoever takes a queue over asks for them right now, and repeats what it does not find.
            void running.assignment.commit();
            void running.rebalancer.now();
          },
        }),
        persisting: scheduler.every(
          `offsets of ${this.group}`,
          { periodMs: this.#options.persistOffsetIntervalMs },
          () => running.assignment.commit(),
        ),
      };
      await running.rebalancer.now();
      this.#expectStarting();
      this.#state = 'running';
      this.#services.logger.info('a consumer runs', {
        group: this.group,
        topics: this.#topics.map(({ topic, expression }) => `${topic}: ${expression}`),
      });
      if (this.#events.observed) this.#events.emit({ type: 'started' });
    } catch (error) {
      if (this.#state === 'starting') {
        this.#state = 'start failed';
        this.#startFailure = error;
        await this.#leave();
        this.#letProcessEnd();
      }
      throw error;
    }
  }

  /** Unknown topics may come later; servers that cannot be asked at all are told to whoever starts. */
  async #loadRoutes(): Promise<void> {
    const { routes, logger } = this.#services;
    await Promise.all(
      [...this.#subscriptions].map(async ([wireTopic, { topic, retried }]) => {
        try {
          await routes.loadSubscribeQueues(wireTopic);
        } catch (error) {
          if (!isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND')) {
            if (routes.subscribeQueues(wireTopic) === undefined) throw error;
            return;
          }
          // The brokers make the retry topic when they hear of the group.
          if (!retried)
            logger.warn('a topic does not exist yet; it is read as soon as it does', { group: this.group, topic });
        }
      }),
    );
  }

  #assemble(handler: AnyHandler): ConsumerParts {
    const parts = assembleConsumer(
      {
        group: this.group,
        wireGroup: this.#wireGroup,
        options: this.#options,
        subscriptions: this.#subscriptions,
        subVersion: this.#subVersion,
        interceptors: this.#interceptors,
        events: this.#events,
        handler,
        onUnknownMember: () => this.#extraHeartbeat(),
      },
      this.#services,
    );
    if (this.#paused) {
      parts.assignment.pause();
      parts.runner.pause();
    }
    return parts;
  }

  #member(): ConsumerMember {
    const { from } = this.#options;
    const subscriptions = [...this.#subscriptions].map(
      ([topic, { expression, tags, tagCodes }]): MemberSubscription => ({
        topic,
        subString: expression,
        tagsSet: [...tags],
        codeSet: tagCodes,
        subVersion: this.#subVersion,
        expressionType: 'TAG',
      }),
    );
    return {
      group: this.#wireGroup,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere:
        from === 'last'
          ? 'CONSUME_FROM_LAST_OFFSET'
          : from === 'first'
            ? 'CONSUME_FROM_FIRST_OFFSET'
            : 'CONSUME_FROM_TIMESTAMP',
      unitMode: this.#services.unitMode ?? false,
      subscriptions: () => subscriptions,
    };
  }

  #extraHeartbeat(): void {
    const nowMs = this.#services.clock.monotonic();
    if (nowMs - this.#lastExtraHeartbeatMs < EXTRA_HEARTBEAT_MS) return;
    this.#lastExtraHeartbeatMs = nowMs;
    void this.#services.membership.heartbeat();
  }

  async #close({ timeoutMs = CLOSE_TIMEOUT_MS, signal }: CloseOptions): Promise<void> {
    const { clock, logger } = this.#services;
    const neverRan = this.#state === 'created' || this.#state === 'start failed';
    this.#state = neverRan ? this.#state : 'closing';
    this.#running?.rebalancer.stop();
    await this.#starting?.catch(() => undefined);
    const running = this.#running;
    this.#running = undefined;
    let unfinished = 0;
    if (running !== undefined) {
      const { assignment, runner, mode } = running;
      running.rebalancer.stop();
      running.persisting.cancel();
      running.unregister();
      assignment.stopPulling();
      const drained = runner.stop().then(() => mode.drain());
      if (!(await waitAtMost(drained, clock, { timeoutMs, signal }))) {
        unfinished = runner.running;
        assignment.abortHandlers('the consumer closes and does not wait any longer');
        logger.warn('a consumer closes while handlers run; their messages are delivered again', {
          group: this.group,
          unfinished,
          timeoutMs,
        });
      }
      await assignment.commit();
      assignment.release();
    }
    await this.#leave();
    this.#letProcessEnd();
    this.#state = 'shut down';
    if (this.#events.observed) this.#events.emit({ type: 'closed', unfinished });
    this.#events.complete();
    this.#services.onClosed?.(this);
  }

  async #leave(): Promise<void> {
    if (!this.#joined) return;
    this.#joined = false;
    await this.#services.membership.leave(this.#wireGroup, 'consumer');
  }

  #expectStarting(): void {
    if (this.#state !== 'starting') throw this.#cannotRun();
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
    const hint = runs ? 'Call run once: its handler gets the messages of all topics.' : undefined;
    return rocketMQError(
      'RMQ_NOT_RUNNING',
      `consumer ${this.group} cannot run: ${why}`,
      { state },
      { cause: this.#startFailure, ...(hint === undefined ? {} : { hint }) },
    );
  }
}
