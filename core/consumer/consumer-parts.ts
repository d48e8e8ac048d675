import { BrokerRequests } from './broker-requests.js';
import type { ConsumerServices } from './consumer.js';
import { type ConsumerMode, createConsumerMode } from './consumer-mode.js';
import { createFeeds } from './create-feeds.js';
import { createOffsetStore } from './create-offset-store.js';
import { type DecodeOptions, decodeMessage, sentTopicOf } from './delivery/decode-message.js';
import { composeDelivery, type DeliveryEnd, type NamedDeliveryInterceptor } from './delivery/delivery-chain.js';
import type { DeliveryFilter } from './delivery/delivery-filter.js';
import { DeliveryReport } from './delivery/delivery-report.js';
import type { TopicValues } from './delivery/handler-end.js';
import { resolvePolicies } from './delivery/handler-policies.js';
import { HandlerRunner } from './delivery/handler-runner.js';
import { MessageReader } from './delivery/message-reader.js';
import { RateLimit } from './delivery/rate-limit.js';
import type { Receiver } from './delivery/receiver.js';
import { undecodablePolicy } from './delivery/undecodable.js';
import { HealthWatch } from './health-watch.js';
import type { ResolvedConsumerOptions } from './options/consumer-options.js';
import { PopRetryTopics, withoutPopRetry } from './pop/pop-retry-topics.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import type { PulledMessage } from './queues/pulled-message.js';
import { Assignment } from './rebalance/assignment.js';
import { Rebalancer } from './rebalance/rebalancer.js';
import { Rounds } from './rebalance/rounds.js';
import { ConsumeStatistics } from './report/consume-statistics.js';
import type { ConsumerEvents } from './report/consumer-events.js';
import { SubscriptionCheck } from './subscription/subscription-check.js';
import type { Subscriptions } from './subscription/subscriptions.js';

/** A queue that was given up since another member may have had it is asked for again so soon. */
export const FORFEITED_DELAY_MS = 1_000;

/** The working parts of a consumer that runs. */
export interface ConsumerParts {
  readonly requests: BrokerRequests;
  readonly assignment: Assignment;
  readonly runner: HandlerRunner;
  readonly mode: ConsumerMode;
  readonly rounds: Rounds;
  readonly statistics: ConsumeStatistics;
  readonly watch: HealthWatch;
  readonly deliver: DeliveryEnd;
  /** Others may have been given queues of these brokers without a word to us. */
  readonly doubt: (isOfBroker: (brokerName: string) => boolean) => void;
}

export interface ConsumerPlan {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: ResolvedConsumerOptions;
  readonly subscriptions: Subscriptions;
  readonly interceptors: readonly NamedDeliveryInterceptor[];
  readonly filters: readonly DeliveryFilter[];
  readonly events: ConsumerEvents;
  readonly receiver: Receiver;
  /** A broker does not know this member. */
  readonly onUnknownMember: () => void;
}

/** Puts rebalancing, pulling and handling together. */
export function assembleConsumer(plan: ConsumerPlan, services: ConsumerServices): ConsumerParts {
  const { group, wireGroup, options, subscriptions, events } = plan;
  const { routes, remoting, membership, clock, logger, scheduler, random = Math.random } = services;
  const requests = new BrokerRequests(wireGroup, routes, remoting, options.requestTimeoutMs);
  const decodeOptions = {
    ...decodeOptionsOf(plan, services),
    topicFromWire: (topic: string) => services.names.topicFromWire(withoutPopRetry(topic, wireGroup)),
  };
  const statistics = new ConsumeStatistics();
  const policiesOf = (topic: string) => resolvePolicies(plan.receiver.policiesOf?.(topic) ?? {}, options);
  const topicOf = ({ subscription }: ConsumedQueue, pulled: PulledMessage) =>
    pulled.message?.topic ?? sentTopicOf(pulled, subscription, decodeOptions.topicFromWire);
  const undecodable = undecodablePolicy((topic) => policiesOf(topic).undecodable, group, logger);
  const values: TopicValues = {
    decodableOf: (topic) => subscriptions.decodableOf(topic),
    undecodable: (message, error) => undecodable(message, error, 'the body is no value of the topic'),
    replies: services.replies,
  };
  const deliver = composeDelivery(plan.interceptors, plan.receiver.end(values), (error) =>
    logger.warn('a delivery interceptor broke a rule after the delivery had ended', { group, error }),
  );
  const report = new DeliveryReport(group, clock, logger, events, statistics);
  const mode = createConsumerMode(
    {
      ...{ group, wireGroup, options, requests, report },
      policiesOf: (consumed, pulled) => policiesOf(topicOf(consumed, pulled)),
      wake: (consumed) => runner.wake(consumed),
      isPaused: (consumed) => assignment.paused || consumed.paused,
      onLockLost: (queue) => {
        assignment.forfeit(queue, 'lock lost');
        rounds.in(FORFEITED_DELAY_MS);
      },
      wentOn: (queue) => assignment.wentOn(queue),
      onLockConfirmed: (queue) => {
        const consumed = assignment.find(queue);
        if (consumed !== undefined) runner.wake(consumed);
      },
    },
    services,
  );
  const runner: HandlerRunner = new HandlerRunner({
    group,
    concurrency: options.concurrency,
    consumeTimeoutMs: options.consumeTimeoutMs,
    rateLimit: options.messagesPerSecond === undefined ? undefined : new RateLimit(options.messagesPerSecond),
    mode: mode.delivery,
    receiver: plan.receiver,
    reader: new MessageReader({
      decode: (pulled, consumed) =>
        decodeMessage(pulled, consumed.queue.brokerName, consumed.subscription, decodeOptions),
      filters: plan.filters,
    }),
    unreadable: (consumed, pulled, error) => {
      const { brokerName, queueId } = consumed.shown;
      const place = { topic: topicOf(consumed, pulled), brokerName, queueId, queueOffset: pulled.queueOffset };
      return undecodable({ ...place, msgId: undefined }, error, 'the body cannot be read');
    },
    deliver,
    clock,
    logger,
  });
  const assignment: Assignment = new Assignment({
    group,
    from: options.from,
    flow: options,
    popLimits: {
      messages: options.popThresholdForQueue,
      sizeBytes: options.pullThresholdSizeForQueueBytes,
      span: Number.POSITIVE_INFINITY,
    },
    offsetStore: createOffsetStore({ ...options, group, wireGroup, events }, services),
    ownership: mode.inOrder?.ownership,
    queueOffsets: requests,
    logger,
    events,
    onLost: (consumed, why) => {
      runner.release(`the queue was lost: ${why}`, consumed);
      if (consumed.popped) mode.pop?.lose(consumed);
    },
    onOvertaken: () => rounds.in(FORFEITED_DELAY_MS),
    createFeed: createFeeds({
      ...{ group, wireGroup, options, routes, remoting, clock, logger, events, statistics },
      pop: mode.pop,
      onMessages: (woken) => runner.wake(woken),
      onOffsetIllegal: (illegal, nextOffset) => {
        void assignment.move(illegal, nextOffset, 'offset illegal').then(() => rounds.in(options.pullRetryDelayMs));
      },
      onUnknownMember: plan.onUnknownMember,
    }),
  });
  const check = new SubscriptionCheck({
    group,
    clientId: membership.clientId,
    subscriptions: subscriptions.byWire,
    requests,
    logger,
    events,
  });
  const strategy = options.allocateStrategy ?? services.allocateStrategy;
  const assigned = options.messageRequestMode === 'assigned';
  const popRetryTopics = new PopRetryTopics({
    ...{ group, wireGroup, subscriptions, now: () => clock.now() },
    exists: (topic) =>
      routes.loadSubscribeQueues(topic).then(
        () => true,
        () => false,
      ),
    onAdded: () => void membership.heartbeat().then(() => rounds.now()),
    onRemoved: (wireTopic) => void assignment.leave(wireTopic).then(() => membership.heartbeat()),
  });
  const rebalancer = new Rebalancer({
    group,
    wireGroup,
    subscriptions: subscriptions.byWire,
    assignment,
    memberIds: (topic) => requests.memberIds(topic, random),
    onMembers: (topic, clientIds) => {
      if (subscriptions.byWire.get(topic)?.retried === false) void check.look(topic, clientIds);
    },
    strategy,
    broadcasting: options.messageModel === 'broadcasting',
    popped: options.messageRequestMode === 'pop',
    assignments: assigned
      ? (topic) => requests.assignments(topic, { clientId: membership.clientId, strategyName: strategy.name, random })
      : undefined,
    onShared: (...share) => {
      if (assigned) popRetryTopics.follow(...share);
    },
    membership,
    routes,
    logger,
    events,
  });
  const rounds: Rounds = new Rounds({
    ...{ group, intervalMs: options.rebalanceIntervalMs, assignment, routes, scheduler, clock },
    round: (isStopped) => rebalancer.round(isStopped),
    reads: (wireTopic) => subscriptions.byWire.has(wireTopic),
    tellsBlocked: true,
    awakeSinceMs: () => watch.awakeSinceMs(),
  });
  const doubt: ConsumerParts['doubt'] = (isOfBroker) => {
    if (mode.inOrder !== undefined) mode.inOrder.locks.doubt(isOfBroker);
    else if (options.messageModel === 'clustering') assignment.doubt(isOfBroker);
  };
  const watch = new HealthWatch({
    group,
    onStoodStill: () => doubt(() => true),
    consumeTimeoutMs: options.consumeTimeoutMs,
    assignment,
    unsharedTopics: () => rebalancer.unsharedTopics,
    roundSinceMs: () => rounds.sinceMs,
    heal: () => rounds.now(),
    heartbeat: () => membership.heartbeat(),
    clock,
    logger,
    events,
  });
  return { requests, assignment, runner, mode, rounds, statistics, watch, deliver, doubt };
}

export function decodeOptionsOf(
  { options }: { readonly options: Pick<ResolvedConsumerOptions, 'decompressedSizeBytesMax'> },
  { names, compressors }: ConsumerServices,
): DecodeOptions {
  return {
    topicFromWire: (topic) => names.topicFromWire(topic),
    compressors,
    sizeBytesMax: options.decompressedSizeBytesMax,
  };
}
