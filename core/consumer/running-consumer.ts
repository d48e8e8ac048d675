import type { MessageQueue } from '../message/message.js';
import { readRecord } from '../message/message-record.js';
import { RETRY_TOPIC_PREFIX } from '../message/system-topics.js';
import type { ConsumeDirectlyResult } from '../remoting/protocol/consume-directly-result.js';
import type { ConsumerRunningInfo } from '../remoting/protocol/consumer-running-info.js';
import type { ConsumerMember } from '../routing/membership.js';
import { keepProcessAlive } from '../runtime/keep-alive.js';
import type { PeriodicTask } from '../runtime/scheduler.js';
import { waitAtMost } from '../runtime/wait-at-most.js';
import type { CloseOptions, ConsumerServices, SeekPosition } from './consumer.js';
import { consumerMember } from './consumer-member.js';
import { assembleConsumer, type ConsumerParts, type ConsumerPlan, decodeOptionsOf } from './consumer-parts.js';
import type { RegisteredConsumer } from './consumer-registry.js';
import { decodeMessage } from './delivery/decode-message.js';
import { deliverDirectly } from './delivery/direct-delivery.js';
import { WATCH_INTERVAL_MS } from './health-watch.js';
import { onBrokerLost } from './lost-brokers.js';
import { offsetOf } from './offsets/start-offset.js';
import { checkPop, checkSharing } from './pop/check-pop.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import { hasNoPosition, notMine } from './rebalance/not-mine.js';
import { prepareTopic } from './rebalance/prepare-topic.js';
import { type QueueHealth } from './report/health.js';
import { runningInfo } from './running-info.js';
import { retrySubscription, type TopicSubscription } from './subscription/subscription.js';

const CLOSE_TIMEOUT_MS = 30_000;
/** Locks of queues are renewed so often (Java: rocketmq.client.rebalance.lockInterval); they hold for 30 seconds. */
const LOCK_INTERVAL_MS = 20_000;
/** Between two heartbeats that a broker's ignorance of this member causes. */
const EXTRA_HEARTBEAT_MS = 1_000;

/** What a consumer is started with. */
export interface RunningPlan extends Omit<ConsumerPlan, 'onUnknownMember'> {
  /** Lines for people. */
  readonly describe: () => string;
}

/** A consumer from its start to its end: the member that brokers know, and the parts that work. */
export class RunningConsumer implements RegisteredConsumer {
  readonly #plan: RunningPlan;
  readonly #services: ConsumerServices;
  readonly #parts: ConsumerParts;
  readonly startedAtMs: number;
  /** Between two pulls of a broker that is away nothing else would keep the process that reads alive. */
  readonly #letProcessEnd: () => void;
  #persisting: PeriodicTask | undefined;
  #locking: PeriodicTask | undefined;
  #watching: PeriodicTask | undefined;
  #unregister: () => void = () => {};
  #stopDoubting: () => void = () => {};
  #joined = false;
  #began = false;
  #stopping = false;
  #lastExtraHeartbeatMs = Number.NEGATIVE_INFINITY;

  constructor(plan: RunningPlan, services: ConsumerServices) {
    this.#plan = plan;
    this.#services = services;
    this.startedAtMs = services.clock.now();
    if (plan.options.messageModel === 'clustering') {
      plan.subscriptions.set(`${RETRY_TOPIC_PREFIX}${plan.wireGroup}`, retrySubscription(plan.group, this.startedAtMs));
    }
    this.#letProcessEnd = keepProcessAlive(services.clock);
    this.#parts = assembleConsumer({ ...plan, onUnknownMember: () => this.#extraHeartbeat() }, services);
  }

  get parts(): ConsumerParts {
    return this.#parts;
  }

  get consumed(): readonly ConsumedQueue[] {
    return this.#parts.assignment.consumed;
  }

  /** Whether messages may have come: they do while the first round of sharing out goes on. */
  get began(): boolean {
    return this.#began;
  }

  /** Joins the group and takes the first share of its queues. @throws what makes it impossible; `stop` then tidies up */
  async start(): Promise<void> {
    const { membership, scheduler } = this.#services;
    const { group, options, subscriptions } = this.#plan;
    const { rounds } = this.#parts;
    membership.joinConsumer(this.#member());
    this.#joined = true;
    await Promise.all([...subscriptions.byWire].map(([wireTopic, one]) => this.prepare(wireTopic, one)));
    if (this.#stopping) return;
    await membership.heartbeat();
    if (this.#stopping) return;
    this.#unregister = this.#services.registry.add(this);
    this.#persisting = scheduler.every(`offsets of ${group}`, { periodMs: options.persistOffsetIntervalMs }, () =>
      this.#commit(),
    );
    this.#began = true;
    this.#stopDoubting = onBrokerLost(this.#services, this.#parts.doubt);
    if (this.#parts.mode.inOrder !== undefined) {
      this.#locking = scheduler.every(`locks of ${group}`, { periodMs: LOCK_INTERVAL_MS }, () => this.#renewLocks());
    }
    this.#parts.watch.start();
    this.#watching = scheduler.every(`health of ${group}`, { periodMs: WATCH_INTERVAL_MS }, () =>
      this.#parts.watch.look(),
    );
    await rounds.start();
  }

  /** On the wire. */
  get group(): string {
    return this.#plan.wireGroup;
  }

  onMembersChanged(): void {
    // First the offsets: whoever takes a queue over asks for them right now, and repeats what it does not find.
    void this.#commit();
    void this.#parts.rounds.now();
  }

  resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): void {
    const { assignment, rounds } = this.#parts;
    void assignment.reset(topic, offsets).then(() => rounds.now());
  }

  offsets(topic: string): ReadonlyMap<MessageQueue, number> {
    const ofTopic = this.consumed.filter(({ queue, popped }) => queue.topic === topic && !popped);
    return new Map(ofTopic.map(({ queue, processQueue }) => [queue, processQueue.committableOffset]));
  }

  runningInfo(described: boolean): ConsumerRunningInfo {
    const { options, subscriptions, describe } = this.#plan;
    const { assignment, statistics } = this.#parts;
    return runningInfo({
      group: this.group,
      options,
      subscriptions,
      assignment,
      statistics,
      startedAtMs: this.startedAtMs,
      clock: this.#services.clock,
      locks: this.#parts.mode.inOrder?.locks,
      description: described ? describe() : undefined,
    });
  }

  async consumeDirectly(record: Buffer, brokerName: string): Promise<ConsumeDirectlyResult> {
    const { group, receiver, options } = this.#plan;
    const { topic: wireTopic, queueId } = readRecord(record, 0);
    const topic = this.#services.names.topicFromWire(wireTopic);
    const retried = wireTopic === `${RETRY_TOPIC_PREFIX}${this.group}`;
    const decodeOptions = decodeOptionsOf(this.#plan, this.#services);
    const place = { records: record, position: 0 };
    const message = await decodeMessage(place, brokerName, { topic, retried }, decodeOptions);
    const direct = {
      group,
      ordered: options.ordered,
      receiver,
      deliver: this.#parts.deliver,
      clock: this.#services.clock,
    };
    return deliverDirectly(message, { topic, brokerName, queueId }, direct);
  }

  health(): { readonly queues: readonly QueueHealth[]; readonly reasons: readonly string[] } {
    const { watch } = this.#parts;
    const queues = watch.queues();
    return { queues, reasons: watch.reasons(queues) };
  }

  pause(queues: readonly MessageQueue[] | undefined): void {
    const { assignment, runner } = this.#parts;
    if (queues === undefined) {
      assignment.pause();
      runner.pause();
      return;
    }
    for (const consumed of this.#mine(queues)) assignment.pause(consumed);
  }

  resume(queues: readonly MessageQueue[] | undefined): void {
    const { assignment, runner } = this.#parts;
    if (queues === undefined) {
      assignment.resume();
      runner.resume();
      return;
    }
    for (const consumed of this.#mine(queues)) {
      assignment.resume(consumed);
      runner.wake(consumed);
    }
  }

  /** Returns the offset. @throws RMQ_QUEUE_NOT_FOUND, and what asking the broker throws */
  async seek(queue: MessageQueue, to: SeekPosition): Promise<number> {
    const { requests, assignment, rounds } = this.#parts;
    const [consumed] = this.#mine([queue]) as [ConsumedQueue];
    if (consumed.popped) throw hasNoPosition(queue);
    const offset = await offsetOf(consumed.queue, to, requests);
    if (!(await assignment.move(consumed, offset, 'seek'))) throw notMine(queue);
    await rounds.now();
    return offset;
  }

  /** A topic more, or another expression for one, that brokers were asked about. Never rejects. */
  async subscribe(wireTopic: string, subscription: TopicSubscription): Promise<void> {
    const { subscriptions } = this.#plan;
    const { assignment, rounds } = this.#parts;
    subscriptions.set(wireTopic, subscription);
    // A pull with the new version that overtakes the heartbeat would be refused.
    await this.#services.membership.heartbeat();
    assignment.resubscribe(wireTopic, subscription);
    await rounds.now();
  }

  async unsubscribe(wireTopic: string): Promise<void> {
    if (!this.#plan.subscriptions.delete(wireTopic)) return;
    await this.#parts.assignment.leave(wireTopic);
    await this.#services.membership.heartbeat();
  }

  /** Gives what an iterator gave out back to its queues. */
  releaseHeld(): void {
    this.#parts.runner.release('nobody waits for this message any more');
  }

  /** Takes no queue any more, and gives nothing out. */
  beginStop(): void {
    this.#stopping = true;
    this.#plan.receiver.stop();
    this.#parts.rounds.stop();
  }

  /** After a start that failed: nothing was delivered yet. Never rejects. */
  async discard(): Promise<void> {
    this.#stopping = true;
    this.#parts.rounds.stop();
    await this.#leave(0);
  }

  /** Pulls nothing, waits for what runs, commits, leaves. Returns how many deliveries had not ended. Never rejects. */
  async stop({ timeoutMs = CLOSE_TIMEOUT_MS, signal }: CloseOptions): Promise<number> {
    const { clock, logger } = this.#services;
    const { group } = this.#plan;
    const { assignment, runner, mode } = this.#parts;
    const untilMs = clock.monotonic() + timeoutMs;
    this.beginStop();
    assignment.stopPulling();
    let unfinished = 0;
    const drained = runner.stop().then(() => mode.delivery.drain());
    if (!(await waitAtMost(drained, clock, { timeoutMs, signal }))) {
      unfinished = runner.running;
      assignment.abortHandlers('the consumer closes and does not wait any longer');
      logger.warn('a consumer closes while handlers run; their messages are delivered again', {
        group,
        unfinished,
        timeoutMs,
      });
    }
    // What is in doubt is not stored: one more try to know.
    if (assignment.consumed.some(({ queue }) => mode.inOrder?.locks.isDoubtful(queue)))
      await mode.inOrder?.locks.confirm();
    await assignment.commit();
    await this.#leave(untilMs - clock.monotonic());
    return unfinished;
  }

  /** Whoever stood still learns of it here first: what it did is not to be stored over what others did since. */
  #commit(): Promise<void> {
    this.#parts.watch.awakeSinceMs();
    return this.#parts.assignment.commit();
  }

  /** A lock that was not fresh for a while may be again. */
  async #renewLocks(): Promise<void> {
    await this.#parts.mode.inOrder?.locks.renew();
    for (const consumed of this.consumed) this.#parts.runner.wake(consumed);
  }

  /** @param patienceMs how long it may wait for what would be left behind */
  async #leave(patienceMs: number): Promise<void> {
    this.#persisting?.cancel();
    this.#locking?.cancel();
    this.#watching?.cancel();
    this.#unregister();
    this.#stopDoubting();
    this.#parts.assignment.stopPulling();
    this.#parts.mode.pop?.stop();
    this.#parts.assignment.release();
    const { inOrder } = this.#parts.mode;
    // What still runs keeps its queue from others until its lock expires.
    await inOrder?.locks.close((queue) => inOrder.ownership.isRunning(queue), patienceMs);
    if (this.#joined) await this.#services.membership.leave(this.#plan.wireGroup, 'consumer');
    this.#letProcessEnd();
  }

  /** Asks brokers whether they can do what a subscription needs. @throws RMQ_SUBSCRIPTION_INVALID, RMQ_BROKER_ERROR when one cannot */
  async prepare(wireTopic: string, subscription: TopicSubscription): Promise<void> {
    const { group, wireGroup, options } = this.#plan;
    const { remoting, routes, logger, membership, allocateStrategy } = this.#services;
    const { requestTimeoutMs: timeoutMs, messageRequestMode, popInvisibleTimeMs: invisibleTimeMs } = options;
    await prepareTopic({ group, wireGroup, wireTopic, subscription, timeoutMs }, this.#services);
    if (messageRequestMode === 'pull' || subscription.retried) return;
    const addresses = routes.topicAddresses(wireTopic);
    const question = { group: wireGroup, wireTopic, addresses, timeoutMs };
    if (messageRequestMode === 'pop') await checkPop({ ...question, invisibleTimeMs }, remoting, logger);
    else {
      const { name: strategyName } = options.allocateStrategy ?? allocateStrategy;
      await checkSharing({ ...question, clientId: membership.clientId, strategyName }, remoting, logger);
    }
  }

  /** @throws RMQ_QUEUE_NOT_FOUND */
  #mine(queues: readonly MessageQueue[]): readonly ConsumedQueue[] {
    const { names } = this.#services;
    return queues.map((queue) => {
      const consumed = this.#parts.assignment.find({ ...queue, topic: names.topicToWire(queue.topic) });
      if (consumed === undefined) throw notMine(queue);
      return consumed;
    });
  }

  #member(): ConsumerMember {
    const { options, wireGroup, subscriptions } = this.#plan;
    return consumerMember({
      wireGroup,
      consumeType: 'CONSUME_PASSIVELY',
      options,
      unitMode: this.#services.unitMode ?? false,
      subscriptions: () => subscriptions.forHeartbeat(),
    });
  }

  #extraHeartbeat(): void {
    const nowMs = this.#services.clock.monotonic();
    if (nowMs - this.#lastExtraHeartbeatMs < EXTRA_HEARTBEAT_MS) return;
    this.#lastExtraHeartbeatMs = nowMs;
    void this.#services.membership.heartbeat();
  }
}
