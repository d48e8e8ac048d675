import type { MessageQueue } from '../message/message.js';
import { PropertyName } from '../message/property-names.js';
import { BroadcastingMode } from './broadcasting/broadcasting-mode.js';
import type { BrokerRequests } from './broker-requests.js';
import { ByQueueMode } from './by-queue-mode.js';
import { ClusteringMode } from './clustering/clustering-mode.js';
import { createSendBack } from './clustering/send-back.js';
import type { ConsumerServices } from './consumer.js';
import type { DeliveryMode } from './delivery/delivery-mode.js';
import type { DeliveryReport } from './delivery/delivery-report.js';
import type { HandlerPolicies } from './delivery/handler-policies.js';
import type { ResolvedConsumerOptions } from './options/consumer-options.js';
import { OrderedMode } from './ordered/ordered-mode.js';
import { QueueLocks } from './ordered/queue-locks.js';
import { PopMode } from './pop/pop-mode.js';
import { PopRequests } from './pop/pop-requests.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';
import type { PulledMessage } from './queues/pulled-message.js';

/** What a consumer's options choose: how it delivers, and, in order, the locks that it needs. */
export interface ConsumerMode {
  readonly delivery: DeliveryMode;
  /** Where queues may be popped. */
  readonly pop?: PopMode;
  /** With `ordered` only. */
  readonly inOrder?: { readonly ownership: OrderedMode; readonly locks: QueueLocks };
}

export interface ConsumerModeFacts {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly options: ResolvedConsumerOptions;
  /** Of the handler of a message, for its topic. */
  readonly policiesOf: (consumed: ConsumedQueue, pulled: PulledMessage) => Required<HandlerPolicies>;
  readonly requests: BrokerRequests;
  readonly report: DeliveryReport;
  /** There is something to take of this queue. */
  readonly wake: (consumed: ConsumedQueue) => void;
  /** The application wants nothing of this queue now. */
  readonly isPaused: (consumed: ConsumedQueue) => boolean;
  readonly onLockLost: (queue: MessageQueue) => void;
  /** With `ordered`: whether another member has had the queue while its lock was in doubt. */
  readonly wentOn: (queue: MessageQueue) => Promise<boolean>;
  /** With `ordered`: a lock that was in doubt is ours. */
  readonly onLockConfirmed: (queue: MessageQueue) => void;
}

export function createConsumerMode(facts: ConsumerModeFacts, services: ConsumerServices): ConsumerMode {
  const { group, wireGroup, options, policiesOf, requests, report, wake, isPaused, onLockLost } = facts;
  const { routes, remoting, membership, clock, logger, unitMode = false } = services;
  const { retry } = options;
  if (options.messageModel === 'broadcasting') {
    return { delivery: new BroadcastingMode({ retry: retry.here, wake, report, clock }) };
  }
  const shared = {
    sendBack: createSendBack({ group: wireGroup, unitMode, routes, remoting }),
    originTopicOf: (consumed: ConsumedQueue, pulled: PulledMessage) =>
      pulled.message?.properties[PropertyName.RETRY_TOPIC] ?? consumed.queue.topic,
    ...{ policiesOf, wake, report, clock },
  };
  if (!options.ordered) {
    const delivery = new ClusteringMode({ ...shared, retry });
    if (options.messageRequestMode === 'pull') return { delivery };
    const { popInvisibleTimeMs: invisibleTimeMs, consumeTimeoutMs, requestTimeoutMs: timeoutMs } = options;
    const pop = new PopMode({
      ...{ ...shared, retry, invisibleTimeMs, consumeTimeoutMs, isPaused },
      requests: new PopRequests({ group: wireGroup, routes, remoting, timeoutMs }),
    });
    return { delivery: new ByQueueMode(pop, delivery), pop };
  }
  const { clientId } = membership;
  const locks = new QueueLocks({
    group,
    lock: (brokerName, queues) => requests.lock(brokerName, queues, clientId),
    unlock: (brokerName, queues) => requests.unlock(brokerName, queues, clientId),
    wentOn: facts.wentOn,
    onConfirmed: facts.onLockConfirmed,
    onLost: onLockLost,
    ...{ clock, logger },
  });
  const { suspendCurrentQueueTimeMs: suspendMs } = options;
  const ownership = new OrderedMode({ ...shared, locks, suspendMs });
  return { delivery: ownership, inOrder: { ownership, locks } };
}
