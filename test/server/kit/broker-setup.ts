import { onTestFinished } from 'vitest';
import type { ProcessorsOnDemand } from '../../../core/remoting/processors-on-demand.js';
import { RemotingClient } from '../../../core/remoting/remoting-client.js';
import type { RequestProcessor } from '../../../core/remoting/remoting-server.js';
import type { Logger } from '../../../core/runtime/logger.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { Broker } from '../../../core/server/broker/broker.js';
import { BrokerProcessors } from '../../../core/server/broker/broker-processor.js';
import { ConsumerRegistry } from '../../../core/server/broker/clients/consumer-registry.js';
import { ProducerRegistry } from '../../../core/server/broker/clients/producer-registry.js';
import { ConsumerFilterManager } from '../../../core/server/broker/filter-data/consumer-filter-manager.js';
import { ConsumerOffsetManager } from '../../../core/server/broker/groups/consumer-offset-manager.js';
import { SubscriptionGroupManager } from '../../../core/server/broker/groups/subscription-group-manager.js';
import { HeldPulls } from '../../../core/server/broker/pull/held-pulls.js';
import type { BrokerSettings } from '../../../core/server/broker/settings/broker-settings.js';
import { TopicConfigManager } from '../../../core/server/broker/topics/topic-config-manager.js';
import { NameServer } from '../../../core/server/nameserver/name-server.js';
import { NameServerProcessors } from '../../../core/server/nameserver/name-server-processor.js';
import { RouteInfo } from '../../../core/server/nameserver/route-info.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { brokerContainer } from './broker-container.js';
import { FakeStore } from './fake-store.js';
import { handlersOf } from './handlers.js';

type Handlers = Readonly<Record<number, RequestProcessor>>;

/** All parts of a server over a store that keeps nothing, without a port, on a clock that stands still. */
export interface ServerParts {
  readonly store: FakeStore;
  readonly clock: VirtualClock;
  /** The broker's processors by request code. */
  readonly broker: Handlers;
  readonly nameServer: Handlers;
  readonly topics: TopicConfigManager;
  readonly groups: SubscriptionGroupManager;
  readonly offsets: ConsumerOffsetManager;
  readonly producers: ProducerRegistry;
  readonly consumers: ConsumerRegistry;
  readonly filters: ConsumerFilterManager;
  readonly heldPulls: HeldPulls;
  readonly routes: RouteInfo;
  /** Reads the tables and connects the parts, as a broker that starts. */
  load(): Promise<void>;
  loadNameServer(): Promise<void>;
}

export function serverParts(
  settings: Partial<BrokerSettings> = {},
  {
    store = new FakeStore(),
    orderMessageEnable = false,
    logger = silentLogger,
  }: { readonly store?: FakeStore; readonly orderMessageEnable?: boolean; readonly logger?: Logger } = {},
): ServerParts {
  const clock = virtualClock();
  const container = brokerContainer({ store, clock, logger, settings, orderMessageEnable });
  onTestFinished(() => container.get<RemotingClient>(RemotingClient).close());
  return {
    store,
    clock,
    broker: handlersOf(container.get<ProcessorsOnDemand>(BrokerProcessors)),
    nameServer: handlersOf(container.get<ProcessorsOnDemand>(NameServerProcessors)),
    topics: container.get(TopicConfigManager),
    groups: container.get(SubscriptionGroupManager),
    offsets: container.get(ConsumerOffsetManager),
    producers: container.get(ProducerRegistry),
    consumers: container.get(ConsumerRegistry),
    filters: container.get(ConsumerFilterManager),
    heldPulls: container.get(HeldPulls),
    routes: container.get(RouteInfo),
    load: () => container.get(Broker).load(),
    loadNameServer: () => container.get(NameServer).load(),
  };
}
