import { PropertyName } from '../message/property-names.js';
import { Assignment } from './assignment.js';
import { BrokerRequests } from './broker-requests.js';
import { ClusteringMode } from './clustering-mode.js';
import type { ConsumerServices } from './consumer.js';
import type { ConsumerEvents } from './consumer-events.js';
import type { ResolvedConsumerOptions } from './consumer-options.js';
import { decodeMessage } from './decode-message.js';
import { composeDelivery, type NamedDeliveryInterceptor } from './delivery-chain.js';
import type { DeliveryMode } from './delivery-mode.js';
import { DeliveryReport } from './delivery-report.js';
import { type AnyHandler, handlerEnd } from './handler-end.js';
import { HandlerRunner } from './handler-runner.js';
import { PullLoop } from './pull-loop.js';
import { Rebalancer } from './rebalancer.js';
import { createSendBack } from './send-back.js';
import type { TopicSubscription } from './subscription.js';
import { SubscriptionCheck } from './subscription-check.js';
import { undecodablePolicy } from './undecodable.js';

/** The working parts of a consumer that runs. */
export interface ConsumerParts {
  readonly assignment: Assignment;
  readonly runner: HandlerRunner;
  readonly mode: DeliveryMode;
  readonly rebalancer: Rebalancer;
}

export interface ConsumerPlan {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: ResolvedConsumerOptions;
  /** By the topic's name on the wire. */
  readonly subscriptions: ReadonlyMap<string, TopicSubscription>;
  readonly subVersion: number;
  readonly interceptors: readonly NamedDeliveryInterceptor[];
  readonly events: ConsumerEvents;
  readonly handler: AnyHandler;
  /** A broker does not know this member. */
  readonly onUnknownMember: () => void;
}

/** Puts rebalancing, pulling and handling together. */
export function assembleConsumer(plan: ConsumerPlan, services: ConsumerServices): ConsumerParts {
  const { group, wireGroup, options, subscriptions, events } = plan;
  const { routes, remoting, membership, clock, logger, names, scheduler, random = Math.random } = services;
  const requests = new BrokerRequests(wireGroup, routes, remoting, options.requestTimeoutMs);
  const mode: DeliveryMode = new ClusteringMode({
    retry: options.retry,
    sendBack: createSendBack({
      group: wireGroup,
      maxReconsumeTimes: options.maxReconsumeTimes,
      unitMode: services.unitMode ?? false,
      routes,
      remoting,
    }),
    originTopicOf: (consumed, pulled) => pulled.message?.properties[PropertyName.RETRY_TOPIC] ?? consumed.queue.topic,
    wake: (consumed) => runner.wake(consumed),
    report: new DeliveryReport(group, clock, logger, events),
    clock,
  });
  const runner: HandlerRunner = new HandlerRunner({
    group,
    concurrency: options.concurrency,
    batchSize: 1,
    consumeTimeoutMs: options.consumeTimeoutMs,
    mode,
    deliver: deliveryOf(plan, services),
    decode: (pulled, consumed) =>
      decodeMessage(pulled, consumed, {
        topicFromWire: (topic) => names.topicFromWire(topic),
        compressors: services.compressors,
        sizeBytesMax: options.decompressedSizeBytesMax,
      }),
    clock,
    logger,
  });
  const assignment: Assignment = new Assignment({
    group,
    from: options.from,
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
        subVersion: plan.subVersion,
        onMessages: (woken) => runner.wake(woken),
        onOffsetIllegal: (illegal, nextOffset) => {
          void assignment.reset(illegal, nextOffset).then(() => rebalancer.in(options.pullRetryDelayMs));
        },
        onUnknownMember: plan.onUnknownMember,
      }),
  });
  const check = new SubscriptionCheck({
    group,
    subscriptions,
    connections: (topic) => requests.connections(topic),
    logger,
    events,
  });
  const rebalancer: Rebalancer = new Rebalancer({
    group,
    wireGroup,
    intervalMs: options.rebalanceIntervalMs,
    subscriptions,
    assignment,
    memberIds: (topic) => requests.memberIds(topic, random),
    onMembers: (topic, clientIds) => {
      if (subscriptions.get(topic)?.retried === false) void check.look(topic, clientIds);
    },
    strategy: services.allocateStrategy,
    membership,
    routes,
    scheduler,
    clock,
    logger,
    events,
  });
  return { assignment, runner, mode, rebalancer };
}

function deliveryOf(
  { group, options, interceptors, handler, subscriptions }: ConsumerPlan,
  { logger, replies }: ConsumerServices,
) {
  const decodables = new Map([...subscriptions.values()].map(({ topic, decodable }) => [topic, decodable]));
  return composeDelivery(
    interceptors,
    handlerEnd(() => handler, {
      decodableOf: (topic) => decodables.get(topic),
      undecodable: undecodablePolicy(options.undecodable, group, logger),
      replies,
    }),
    (error) => logger.warn('a delivery interceptor broke a rule after the delivery had ended', { group, error }),
  );
}
