import { PropertyName } from '../message/property-names.js';
import { Assignment } from './assignment.js';
import { BrokerRequests } from './broker-requests.js';
import { ClusteringMode } from './clustering-mode.js';
import { ConsumeStatistics } from './consume-statistics.js';
import type { ConsumedQueue } from './consumed-queue.js';
import type { ConsumerServices } from './consumer.js';
import type { ConsumerEvents } from './consumer-events.js';
import type { ResolvedConsumerOptions } from './consumer-options.js';
import { type DecodeOptions, decodeMessage } from './decode-message.js';
import { composeDelivery, type DeliveryEnd, type NamedDeliveryInterceptor } from './delivery-chain.js';
import type { DeliveryFilter } from './delivery-filter.js';
import type { DeliveryMode } from './delivery-mode.js';
import { DeliveryReport } from './delivery-report.js';
import type { TopicValues } from './handler-end.js';
import { HandlerRunner } from './handler-runner.js';
import { MessageReader } from './message-reader.js';
import { PullLoop } from './pull-loop.js';
import { RateLimit } from './rate-limit.js';
import { Rebalancer } from './rebalancer.js';
import type { Receiver } from './receiver.js';
import { createSendBack } from './send-back.js';
import { SubscriptionCheck } from './subscription-check.js';
import type { Subscriptions } from './subscriptions.js';
import { undecodablePolicy } from './undecodable.js';

/** The working parts of a consumer that runs. */
export interface ConsumerParts {
  readonly requests: BrokerRequests;
  readonly assignment: Assignment;
  readonly runner: HandlerRunner;
  readonly mode: DeliveryMode;
  readonly rebalancer: Rebalancer;
  readonly statistics: ConsumeStatistics;
  readonly deliver: DeliveryEnd;
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
  const { routes, remoting, membership, clock, logger, names, scheduler, random = Math.random } = services;
  const requests = new BrokerRequests(wireGroup, routes, remoting, options.requestTimeoutMs);
  const decodeOptions = decodeOptionsOf(plan, services);
  const statistics = new ConsumeStatistics();
  const deliver = composeDelivery(plan.interceptors, plan.receiver.end(topicValuesOf(plan, services)), (error) =>
    logger.warn('a delivery interceptor broke a rule after the delivery had ended', { group, error }),
  );
  const report = new DeliveryReport(group, clock, logger, events, statistics);
  const mode = clusteringMode(plan, services, report, (consumed) => runner.wake(consumed));
  const runner: HandlerRunner = new HandlerRunner({
    group,
    concurrency: options.concurrency,
    consumeTimeoutMs: options.consumeTimeoutMs,
    rateLimit: options.messagesPerSecond === undefined ? undefined : new RateLimit(options.messagesPerSecond),
    mode,
    receiver: plan.receiver,
    reader: new MessageReader({
      decode: (pulled, consumed) =>
        decodeMessage(pulled, consumed.queue.brokerName, consumed.subscription, decodeOptions),
      filters: plan.filters,
    }),
    deliver,
    clock,
    logger,
  });
  const assignment: Assignment = new Assignment({
    group,
    from: options.from,
    flow: options,
    offsetStore: services.offsetStore({
      group: wireGroup,
      onPersisted: (queue, offset) => {
        if (!events.observed) return;
        events.emit({ type: 'committed', queue: { ...queue, topic: names.topicFromWire(queue.topic) }, offset });
      },
    }),
    queueOffsets: requests,
    logger,
    events,
    onLost: (consumed, why) => runner.release(`the queue was lost: ${why}`, consumed),
    createFeed: (consumed) =>
      new PullLoop(consumed, {
        group,
        wireGroup,
        options,
        routes,
        remoting,
        clock,
        logger,
        events,
        statistics,
        onMessages: (woken) => runner.wake(woken),
        onOffsetIllegal: (illegal, nextOffset) => {
          void assignment
            .move(illegal, nextOffset, 'offset illegal')
            .then(() => rebalancer.in(options.pullRetryDelayMs));
        },
        onUnknownMember: plan.onUnknownMember,
      }),
  });
  const check = new SubscriptionCheck({
    group,
    subscriptions: subscriptions.byWire,
    connections: (topic) => requests.connections(topic),
    logger,
    events,
  });
  const rebalancer: Rebalancer = new Rebalancer({
    group,
    wireGroup,
    intervalMs: options.rebalanceIntervalMs,
    subscriptions: subscriptions.byWire,
    assignment,
    memberIds: (topic) => requests.memberIds(topic, random),
    onMembers: (topic, clientIds) => {
      if (subscriptions.byWire.get(topic)?.retried === false) void check.look(topic, clientIds);
    },
    strategy: services.allocateStrategy,
    membership,
    routes,
    scheduler,
    clock,
    logger,
    events,
  });
  return { requests, assignment, runner, mode, rebalancer, statistics, deliver };
}

/** How values are made of bodies, and what becomes of those that are none. */
function topicValuesOf(
  { group, options, subscriptions }: ConsumerPlan,
  { logger, replies }: ConsumerServices,
): TopicValues {
  return {
    decodableOf: (topic) => subscriptions.decodableOf(topic),
    undecodable: undecodablePolicy(options.undecodable, group, logger),
    replies,
  };
}

export function decodeOptionsOf(
  { options }: Pick<ConsumerPlan, 'options'>,
  { names, compressors }: ConsumerServices,
): DecodeOptions {
  return {
    topicFromWire: (topic) => names.topicFromWire(topic),
    compressors,
    sizeBytesMax: options.decompressedSizeBytesMax,
  };
}

function clusteringMode(
  { wireGroup, options }: ConsumerPlan,
  { routes, remoting, clock, unitMode = false }: ConsumerServices,
  report: DeliveryReport,
  wake: (consumed: ConsumedQueue) => void,
): DeliveryMode {
  const { maxReconsumeTimes, retry } = options;
  return new ClusteringMode({
    retry,
    sendBack: createSendBack({ group: wireGroup, maxReconsumeTimes, unitMode, routes, remoting }),
    originTopicOf: (consumed, pulled) => pulled.message?.properties[PropertyName.RETRY_TOPIC] ?? consumed.queue.topic,
    wake,
    report,
    clock,
  });
}
