import type { Observable } from 'rxjs';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import { validateTopic } from '../../message/message-rules.js';
import { type OptionNames, requireCloseOptions, requireKnown } from '../../runtime/known-options.js';
import { LifeCycle, type LifeCycleState } from '../../runtime/life-cycle.js';
import { onAbort } from '../../runtime/on-abort.js';
import type { AssignedQueue, CloseOptions, SeekPosition } from '../consumer.js';
import { attachedTo } from '../delivery/attached.js';
import { offsetOf } from '../offsets/start-offset.js';
import { invalid, whole } from '../options/option-checks.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import { notMine } from '../rebalance/not-mine.js';
import { prepareTopic } from '../rebalance/prepare-topic.js';
import type { ConsumerEvent } from '../report/consumer-event.js';
import { ConsumerEvents } from '../report/consumer-events.js';
import type { ConsumerHealth } from '../report/health.js';
import type { Expression, Subscribe, SubscribedTopic, SubscribedValue } from '../subscription/subscribe.js';
import { parseSubscription, type TopicSubscription } from '../subscription/subscription.js';
import { Subscriptions } from '../subscription/subscriptions.js';
import type { ChosenQueues } from './assigned-queues.js';
import type { Positions } from './committed-offsets.js';
import type {
  AssignOptions,
  CommitPositions,
  LitePullConsumer,
  LitePullServices,
  PollOptions,
} from './lite-pull-consumer.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { misuse } from './poller.js';
import { type QueuesListener, QueueWatch } from './queue-watch.js';
import { RunningLitePull } from './running-lite-pull.js';

const POLL: OptionNames = {
  of: 'a poll',
  names: new Set<keyof PollOptions>(['timeoutMs', 'maxMessages', 'signal']),
};
const ASSIGN: OptionNames = { of: 'assign', names: new Set<keyof AssignOptions>(['expressions']) };

/** The consumer that `mq.litePullConsumer` gives: its states, and what applications may ask of it. */
export class LitePull<S extends Subscribe> implements LitePullConsumer<S> {
  readonly group: string;
  readonly #options: ResolvedLitePullOptions;
  readonly #services: LitePullServices;
  readonly #subscriptions = new Subscriptions();
  readonly #events: ConsumerEvents;
  readonly #running: RunningLitePull;
  readonly #watch: QueueWatch;
  readonly #life: LifeCycle;
  /** How it gets its queues, once that is decided. */
  #mode: 'subscribe' | 'assign' | undefined;
  #stopListening: () => void = () => undefined;
  #lastPollMs: number | undefined;

  constructor(group: string, options: ResolvedLitePullOptions, services: LitePullServices) {
    const { names, clock, logger, scheduler } = services;
    this.group = group;
    this.#options = options;
    this.#services = services;
    this.#life = new LifeCycle(`lite pull consumer ${group}`);
    this.#events = new ConsumerEvents(group, clock, logger);
    this.#running = new RunningLitePull(
      {
        group,
        wireGroup: names.groupToWire(group),
        options,
        subscriptions: this.#subscriptions,
        attached: attachedTo({ group }, services),
        events: this.#events,
        assigned: () => this.#mode === 'assign',
      },
      services,
      () => this.describe(),
    );
    const intervalMs = options.topicMetadataCheckIntervalMs;
    const queuesOf = (topic: string) => this.#queuesOf(topic);
    this.#watch = new QueueWatch({ group, intervalMs, queuesOf, scheduler, logger });
  }

  get state(): LifeCycleState {
    return this.#life.state;
  }

  get events$(): Observable<ConsumerEvent> {
    return this.#events.events$;
  }

  /** Joins the group, and takes the first share of what it subscribes to. @throws what makes it impossible */
  async start(subscriptions: readonly TopicSubscription[], signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#stopListening = onAbort(signal, () => void this.close());
    try {
      await this.#life.start(async () => {
        await Promise.all(subscriptions.map((subscription) => this.#prepare(subscription)));
        // Closed meanwhile: nobody would take it out of the group again.
        if (this.state === 'shut down') return;
        for (const subscription of subscriptions) this.#take(subscription);
        await this.#running.join();
        if (subscriptions.length > 0) await this.#running.parts.rounds.start();
      });
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#services.logger.info('a lite pull consumer runs', { group: this.group });
    if (this.#events.observed) this.#events.emit({ type: 'started' });
  }

  async poll(options: PollOptions = {}): Promise<readonly ReceivedMessage<SubscribedValue<S>>[]> {
    this.#life.requireRunning();
    requireKnown(options, POLL);
    const { pollTimeoutMs, pullBatchSize } = this.#options;
    const timeoutMs = whole('timeoutMs', options.timeoutMs, pollTimeoutMs, 0, 86_400_000);
    const max = whole('maxMessages', options.maxMessages, pullBatchSize, 1, 1_024);
    this.#lastPollMs = this.#services.clock.monotonic();
    const messages = await this.#running.parts.poller.poll(timeoutMs, max, options.signal);
    return messages as readonly ReceivedMessage<SubscribedValue<S>>[];
  }

  async subscribe(topic: SubscribedTopic, expression: Expression = '*'): Promise<void> {
    this.#expectNot('assign');
    const subscription = this.#parse(topic, expression);
    await this.#prepare(subscription);
    this.#expectNot('assign');
    const wireTopic = this.#take(subscription);
    await this.#services.membership.heartbeat();
    this.#running.parts.assignment.resubscribe(wireTopic, subscription);
    await this.#running.parts.rounds.start();
  }

  async unsubscribe(topic: SubscribedTopic): Promise<void> {
    this.#expectNot('assign');
    const wireTopic = this.#services.names.topicToWire(typeof topic === 'string' ? topic : topic.name);
    if (!this.#subscriptions.delete(wireTopic)) return;
    await this.#running.parts.assignment.leave(wireTopic);
    await this.#services.membership.heartbeat();
  }

  async assign(queues: readonly MessageQueue[], options: AssignOptions = {}): Promise<void> {
    requireKnown(options, ASSIGN);
    const { expressions = {} } = options;
    this.#expectNot('subscribe');
    const topics = [...new Set(queues.map(({ topic }) => topic))];
    const parsed = topics.map((topic) => this.#parse(topic, expressions[topic] ?? '*'));
    await Promise.all(parsed.map((subscription) => this.#prepare(subscription)));
    this.#expectNot('subscribe');
    this.#mode = 'assign';
    const { names } = this.#services;
    for (const wireTopic of [...this.#subscriptions.byWire.keys()]) this.#subscriptions.delete(wireTopic);
    const chosen = new Map<string, ChosenQueues>();
    for (const subscription of parsed) {
      const wireTopic = names.topicToWire(subscription.topic);
      const ofTopic = queues.filter(({ topic }) => topic === subscription.topic);
      this.#subscriptions.set(wireTopic, subscription);
      chosen.set(wireTopic, { subscription, queues: ofTopic.map((queue) => this.#wire(queue)) });
    }
    const { assignedQueues, rounds } = this.#running.parts;
    assignedQueues.assign(chosen);
    await rounds.start();
  }

  assignment(): readonly AssignedQueue[] {
    return this.#running.consumed.map(({ shown, processQueue, paused }) => ({
      ...shown,
      pullOffset: processQueue.nextOffset,
      committableOffset: processQueue.committableOffset,
      unacknowledged: processQueue.count,
      paused,
    }));
  }

  async seek(queue: MessageQueue, to: SeekPosition): Promise<number> {
    this.#life.requireRunning();
    const consumed = this.#mine(queue);
    const { requests, assignment, rounds } = this.#running.parts;
    requirePosition(to);
    const offset = await offsetOf(consumed.queue, to, requests);
    const [minOffset, maxOffset] = await Promise.all([requests.min(consumed.queue), requests.max(consumed.queue)]);
    if (offset < minOffset || offset > maxOffset) {
      const message = `Seek offset illegal, seek offset = ${offset}, min offset = ${minOffset}, max offset = ${maxOffset}`;
      throw rocketMQError('RMQ_OFFSET_ILLEGAL', message, { offset, minOffset, maxOffset });
    }
    if (!(await assignment.move(consumed, offset, 'seek'))) throw notMine(queue);
    await rounds.now();
    return offset;
  }

  pause(queues: readonly MessageQueue[]): void {
    this.#life.requireRunning();
    for (const consumed of queues.map((queue) => this.#mine(queue))) this.#running.parts.assignment.pause(consumed);
  }

  resume(queues: readonly MessageQueue[]): void {
    this.#life.requireRunning();
    const { assignment, poller } = this.#running.parts;
    for (const consumed of queues.map((queue) => this.#mine(queue))) {
      assignment.resume(consumed);
      poller.wake(consumed);
    }
  }

  async commit(positions?: CommitPositions): Promise<void> {
    await this.#running.parts.offsets.commit(this.#positions(positions));
  }

  commitAsync(positions?: CommitPositions): void {
    this.#running.parts.offsets.remember(this.#positions(positions));
  }

  async committed(queue: MessageQueue): Promise<number | undefined> {
    this.#life.requireRunning();
    return this.#running.parts.offsets.read(this.#wire(queue));
  }

  async offsetForTimestamp(queue: MessageQueue, timestamp: number): Promise<number> {
    this.#life.requireRunning();
    return this.#running.parts.requests.atTimestamp(this.#wire(queue), timestamp);
  }

  async fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.#life.requireRunning();
    validateTopic(topic);
    return this.#queuesOf(topic);
  }

  async onQueuesChanged(topic: string, listener: QueuesListener): Promise<() => void> {
    this.#life.requireRunning();
    validateTopic(topic);
    return this.#watch.listen(topic, listener);
  }

  health(): ConsumerHealth {
    const nowMs = this.#services.clock.monotonic();
    const sinceLastPollMs = this.#lastPollMs === undefined ? undefined : nowMs - this.#lastPollMs;
    const facts = { group: this.group, state: this.state, sinceLastPollMs };
    if (this.state !== 'running') return { ...facts, verdict: 'not running', reasons: [], queues: [] };
    const now = this.#running.health();
    return { ...facts, verdict: now.reasons.length === 0 ? 'healthy' : 'unhealthy', ...now };
  }

  describe(): string {
    return [
      `lite pull consumer ${this.group}: ${this.state}, ${this.#mode ?? 'no queues yet'}`,
      ...this.#subscriptions.topics.map(({ topic, expression }) => `  topic ${topic}: ${expression}`),
      ...this.assignment().map(
        ({ topic, brokerName, queueId, pullOffset, committableOffset, paused }) =>
          `  queue ${topic} ${brokerName} ${queueId}: pulled to ${pullOffset}, done to ${committableOffset}${paused ? ', paused' : ''}`,
      ),
    ].join('\n');
  }

  async close(options: CloseOptions = {}): Promise<void> {
    requireCloseOptions(options);
    return this.#life.close(async () => {
      this.#stopListening();
      this.#watch.stop();
      await this.#running.stop();
      if (this.#events.observed) this.#events.emit({ type: 'closed', unfinished: 0 });
      this.#events.complete();
      this.#services.onClosed?.(this);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A consumer that has got its queues in one way takes none in the other. @throws RMQ_NOT_RUNNING, RMQ_PULL_MISUSE */
  #expectNot(mode: 'subscribe' | 'assign'): void {
    this.#life.requireRunning();
    if (this.#mode === mode) throw misuse('Subscribe and assign are mutually exclusive.');
  }

  #parse(topic: SubscribedTopic, expression: Expression): TopicSubscription {
    const before = this.#subscriptions.topics.map(({ subVersion }) => subVersion);
    const version = Math.max(this.#services.clock.now(), ...before.map((one) => one + 1));
    const subscription = parseSubscription(topic, expression, version);
    validateTopic(subscription.topic);
    return subscription;
  }

  #prepare(subscription: TopicSubscription): Promise<void> {
    const { names } = this.#services;
    const wireTopic = names.topicToWire(subscription.topic);
    const { requestTimeoutMs: timeoutMs } = this.#options;
    return prepareTopic(
      { group: this.group, wireGroup: this.#running.group, wireTopic, subscription, timeoutMs },
      this.#services,
    );
  }

  #take(subscription: TopicSubscription): string {
    this.#mode = 'subscribe';
    const wireTopic = this.#services.names.topicToWire(subscription.topic);
    this.#subscriptions.set(wireTopic, subscription);
    return wireTopic;
  }

  /** Everything that was polled is done by that, unless offsets are given. @throws RMQ_QUEUE_NOT_FOUND, RMQ_OPTIONS_INVALID */
  #positions(positions: CommitPositions | undefined): Positions {
    this.#life.requireRunning();
    if (positions !== undefined && !Array.isArray(positions)) {
      return [...(positions as ReadonlyMap<MessageQueue, number>)].map(([queue, offset]) => {
        if (!Number.isSafeInteger(offset) || offset < 0) throw invalid('offset', 'a whole number from 0', offset);
        return [this.#mine(queue).queue, offset] as const;
      });
    }
    const chosen = (positions as readonly MessageQueue[] | undefined)?.map((queue) => this.#mine(queue));
    this.#running.parts.poller.done(chosen);
    return (chosen ?? this.#running.consumed).map(({ queue, processQueue }) => [queue, processQueue.committableOffset]);
  }

  async #queuesOf(topic: string): Promise<readonly MessageQueue[]> {
    const { names, routes } = this.#services;
    const queues = await routes.loadSubscribeQueues(names.topicToWire(topic));
    return queues.map((queue) => ({ ...queue, topic }));
  }

  #wire(queue: MessageQueue): MessageQueue {
    const { brokerName, queueId } = queue;
    return { topic: this.#services.names.topicToWire(queue.topic), brokerName, queueId };
  }

  /** @throws RMQ_QUEUE_NOT_FOUND */
  #mine(queue: MessageQueue): ConsumedQueue {
    const consumed = this.#running.parts.assignment.find(this.#wire(queue));
    if (consumed === undefined) throw notMine(queue);
    return consumed;
  }
}

/** @throws RMQ_OPTIONS_INVALID; an offset is held against the queue itself */
function requirePosition(to: SeekPosition): void {
  const offset = typeof to === 'object' ? to?.timestamp : to;
  if (to === 'first' || to === 'last' || Number.isSafeInteger(offset)) return;
  throw invalid('seek', "an offset, 'first', 'last' or { timestamp }", to);
}
