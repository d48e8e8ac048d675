import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { MQVersion } from '../../remoting/protocol/version.js';
import { BrokerRequests } from '../broker-requests.js';
import { decodeOptionsOf, FORFEITED_DELAY_MS } from '../consumer-parts.js';
import { createOffsetStore } from '../create-offset-store.js';
import type { Attached } from '../delivery/attached.js';
import { decodeMessage } from '../delivery/decode-message.js';
import { DeliveryReport } from '../delivery/delivery-report.js';
import { MessageReader } from '../delivery/message-reader.js';
import { PullLoop } from '../feeds/pull-loop.js';
import { HealthWatch } from '../health-watch.js';
import { Assignment } from '../rebalance/assignment.js';
import { Rebalancer } from '../rebalance/rebalancer.js';
import { Rounds } from '../rebalance/rounds.js';
import { ConsumeStatistics } from '../report/consume-statistics.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import { SubscriptionCheck } from '../subscription/subscription-check.js';
import type { Subscriptions } from '../subscription/subscriptions.js';
import { AssignedQueues } from './assigned-queues.js';
import { CommittedOffsets } from './committed-offsets.js';
import type { LitePullServices } from './lite-pull-consumer.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { MessageGiver } from './message-giver.js';
import { Poller } from './poller.js';

export interface LitePullPlan {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: ResolvedLitePullOptions;
  readonly subscriptions: Subscriptions;
  readonly attached: Attached;
  readonly events: ConsumerEvents;
  /** The queues are assigned by the application. */
  readonly assigned: () => boolean;
}

/** The working parts of a lite pull consumer. */
export interface LitePullParts {
  readonly requests: BrokerRequests;
  readonly offsets: CommittedOffsets;
  readonly assignment: Assignment;
  readonly poller: Poller;
  readonly assignedQueues: AssignedQueues;
  readonly rounds: Rounds;
  readonly statistics: ConsumeStatistics;
  readonly watch: HealthWatch;
  /** Others may have been given queues of these brokers without a word to us. */
  readonly doubt: (isOfBroker: (brokerName: string) => boolean) => void;
}

/** Puts sharing queues out, pulling and giving out together. */
export function assembleLitePull(plan: LitePullPlan, services: LitePullServices): LitePullParts {
  const { group, wireGroup, options, subscriptions, attached, events } = plan;
  const { routes, remoting, membership, clock, logger, scheduler, random = Math.random } = services;
  const requests = new BrokerRequests(wireGroup, routes, remoting, options.requestTimeoutMs);
  const statistics = new ConsumeStatistics();
  const decodeOptions = decodeOptionsOf(plan, services);
  const offsets = new CommittedOffsets((onPersisted) =>
    createOffsetStore({ ...options, group, wireGroup, events, onPersisted }, services),
  );
  const poller: Poller = new Poller({
    giver: new MessageGiver({
      group,
      reader: new MessageReader({
        decode: (pulled, consumed) =>
          decodeMessage(pulled, consumed.queue.brokerName, consumed.subscription, decodeOptions),
        filters: attached.filters,
      }),
      interceptors: attached.interceptors,
      decodableOf: (topic) => subscriptions.decodableOf(topic),
      clock,
      logger,
    }),
    report: new DeliveryReport(group, clock, logger, events, statistics),
    clock,
    retryDelayMs: options.pullRetryDelayMs,
    onRoom: () => {
      for (const consumed of assignment.consumed) consumed.onRoom?.();
    },
  });
  const assignment: Assignment = new Assignment({
    group,
    from: options.from,
    flow: options,
    offsetStore: offsets.forAssignment(options.autoCommit),
    queueOffsets: requests,
    logger,
    events,
    onLost: (consumed, why) => poller.lost(consumed, why),
    onOvertaken: () => rounds.in(FORFEITED_DELAY_MS),
    createFeed: (consumed) =>
      new PullLoop(consumed, {
        ...{ group, wireGroup, options, routes, remoting, clock, logger, events, statistics },
        litePull: (brokerName) =>
          (membership.brokerVersion(brokerName) ?? 0) >= MQVersion.V5_0_0
            ? RequestCode.LITE_PULL_MESSAGE
            : RequestCode.PULL_MESSAGE,
        allFull: () =>
          assignment.consumed.reduce((sum, { processQueue }) => sum + processQueue.count, 0) >=
          options.pullThresholdForAll,
        onMessages: (woken) => poller.wake(woken),
        onOffsetIllegal: (illegal, nextOffset) => {
          void assignment.move(illegal, nextOffset, 'offset illegal').then(() => rounds.in(options.pullRetryDelayMs));
        },
        onUnknownMember: () => void membership.heartbeat(),
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
  const rebalancer = new Rebalancer({
    ...{ group, wireGroup, assignment, membership, routes, logger, events },
    subscriptions: subscriptions.byWire,
    memberIds: (topic) => requests.memberIds(topic, random),
    onMembers: (topic, clientIds) => void check.look(topic, clientIds),
    strategy: options.allocateStrategy ?? services.allocateStrategy,
    broadcasting: options.messageModel === 'broadcasting',
  });
  const assignedQueues = new AssignedQueues(assignment);
  const rounds: Rounds = new Rounds({
    ...{ group, intervalMs: options.rebalanceIntervalMs, assignment, routes, scheduler, clock },
    round: (isStopped) => (plan.assigned() ? assignedQueues.round() : rebalancer.round(isStopped)),
    reads: (wireTopic) => subscriptions.byWire.has(wireTopic),
    tellsBlocked: false,
    awakeSinceMs: () => watch.awakeSinceMs(),
  });
  // What the application itself commits, or has assigned, is its own decision.
  const doubt: LitePullParts['doubt'] = (isOfBroker) => {
    if (options.autoCommit && options.messageModel === 'clustering' && !plan.assigned()) assignment.doubt(isOfBroker);
  };
  const watch = new HealthWatch({
    ...{ group, assignment, clock, logger, events },
    onStoodStill: () => doubt(() => true),
    consumeTimeoutMs: undefined,
    unsharedTopics: () => (plan.assigned() ? [] : rebalancer.unsharedTopics),
    roundSinceMs: () => rounds.sinceMs,
    heal: () => rounds.now(),
    heartbeat: () => membership.heartbeat(),
  });
  return { requests, offsets, assignment, poller, assignedQueues, rounds, statistics, watch, doubt };
}
