import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import type { ConsumeDirectlyResult } from '../../remoting/protocol/consume-directly-result.js';
import type { ConsumerRunningInfo } from '../../remoting/protocol/consumer-running-info.js';
import type { ConsumerMember } from '../../routing/membership.js';
import type { PeriodicTask } from '../../runtime/scheduler.js';
import { consumerMember } from '../consumer-member.js';
import type { RegisteredConsumer } from '../consumer-registry.js';
import { WATCH_INTERVAL_MS } from '../health-watch.js';
import { onBrokerLost } from '../lost-brokers.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import { type QueueHealth } from '../report/health.js';
import { runningInfo } from '../running-info.js';
import { assembleLitePull, type LitePullParts, type LitePullPlan } from './lite-parts.js';
import type { LitePullServices } from './lite-pull-consumer.js';

/** A lite pull consumer from its start to its end, as brokers know it. */
export class RunningLitePull implements RegisteredConsumer {
  readonly parts: LitePullParts;
  readonly #plan: LitePullPlan;
  readonly #services: LitePullServices;
  readonly #describe: () => string;
  readonly #startedAtMs: number;
  #persisting: PeriodicTask | undefined;
  #watching: PeriodicTask | undefined;
  #unregister: () => void = () => undefined;
  #stopDoubting: () => void = () => undefined;
  #joined = false;

  constructor(plan: LitePullPlan, services: LitePullServices, describe: () => string) {
    this.#plan = plan;
    this.#services = services;
    this.#describe = describe;
    this.#startedAtMs = services.clock.now();
    this.parts = assembleLitePull(plan, services);
  }

  /** On the wire. */
  get group(): string {
    return this.#plan.wireGroup;
  }

  get consumed(): readonly ConsumedQueue[] {
    return this.parts.assignment.consumed;
  }

  /** @throws RMQ_GROUP_DUPLICATE */
  async join(): Promise<void> {
    const { membership, scheduler, registry } = this.#services;
    const { group, options } = this.#plan;
    membership.joinConsumer(this.#member());
    this.#joined = true;
    this.#unregister = registry.add(this);
    const periodMs = options.autoCommitIntervalMs;
    this.#persisting = scheduler.every(`offsets of ${group}`, { periodMs }, () => this.persist());
    const { watch, doubt } = this.parts;
    this.#stopDoubting = onBrokerLost(this.#services, doubt);
    watch.start();
    this.#watching = scheduler.every(`health of ${group}`, { periodMs: WATCH_INTERVAL_MS }, () => watch.look());
    await membership.heartbeat();
  }

  /** How far every queue is done with `autoCommit`, without it what the application committed. Never rejects. */
  persist(): Promise<void> {
    const { assignment, offsets, watch } = this.parts;
    // Whoever stood still learns of it here first.
    watch.awakeSinceMs();
    return this.#plan.options.autoCommit ? assignment.commit() : offsets.persist();
  }

  onMembersChanged(): void {
    if (this.#plan.assigned()) return;
    // First the offsets: whoever takes a queue over asks for them right now.
    void this.persist();
    void this.parts.rounds.now();
  }

  resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): void {
    const { assignment, rounds } = this.parts;
    void assignment.reset(topic, offsets).then(() => rounds.now());
  }

  offsets(topic: string): ReadonlyMap<MessageQueue, number> {
    const ofTopic = this.consumed.filter(({ queue }) => queue.topic === topic);
    return new Map(ofTopic.map(({ queue, processQueue }) => [queue, processQueue.committableOffset]));
  }

  runningInfo(described: boolean): ConsumerRunningInfo {
    const { options, subscriptions } = this.#plan;
    const { assignment, statistics } = this.parts;
    return runningInfo({
      ...{ group: this.group, options, subscriptions, assignment, statistics },
      consumeType: 'CONSUME_ACTIVELY',
      startedAtMs: this.#startedAtMs,
      clock: this.#services.clock,
      locks: undefined,
      description: described ? this.#describe() : undefined,
    });
  }

  health(): { readonly queues: readonly QueueHealth[]; readonly reasons: readonly string[] } {
    const { watch } = this.parts;
    const queues = watch.queues();
    return { queues, reasons: watch.reasons(queues) };
  }

  consumeDirectly(): Promise<ConsumeDirectlyResult> {
    const why = `consumer ${this.#plan.group} has no handler: its messages are polled`;
    return Promise.reject(rocketMQError('RMQ_NOT_RUNNING', why, { state: 'running' }));
  }

  /** Ends polls, pulls nothing any more, stores offsets, leaves. Never rejects. */
  async stop(): Promise<void> {
    const { poller, rounds, assignment } = this.parts;
    poller.stop();
    rounds.stop();
    this.#persisting?.cancel();
    this.#watching?.cancel();
    assignment.stopPulling();
    await this.persist();
    poller.release();
    this.#unregister();
    this.#stopDoubting();
    assignment.release();
    if (this.#joined) await this.#services.membership.leave(this.#plan.wireGroup, 'consumer');
  }

  #member(): ConsumerMember {
    const { options, wireGroup, subscriptions } = this.#plan;
    return consumerMember({
      wireGroup,
      consumeType: 'CONSUME_ACTIVELY',
      options,
      unitMode: this.#services.unitMode ?? false,
      // What is assigned is read by the expressions of the pulls: the group shares nothing of it.
      subscriptions: () => (this.#plan.assigned() ? [] : subscriptions.forHeartbeat()),
    });
  }
}
