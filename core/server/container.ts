import 'reflect-metadata';
import { Container, type Newable } from 'inversify';
import { createRemotingClient } from '../remoting/client.js';
import type { Processor, ProcessorsOnDemand } from '../remoting/processors-on-demand.js';
import { LanguageCode } from '../remoting/protocol/language-codes.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import type { Transport } from '../remoting/transport.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { Broker } from './broker/broker.js';
import { BrokerProcessors } from './broker/broker-processor.js';
import { BrokerService } from './broker/broker-service.js';
import { ConsumerRegistry } from './broker/clients/consumer-registry.js';
import { ProducerRegistry } from './broker/clients/producer-registry.js';
import { DelayService } from './broker/delay/delay-service.js';
import { MessageDelays } from './broker/delay/message-delays.js';
import { ConsumerFilterManager } from './broker/filter-data/consumer-filter-manager.js';
import { CompileExpression, PropertyFilters } from './broker/filters/property-filters.js';
import { ConsumerOffsetManager } from './broker/groups/consumer-offset-manager.js';
import { QueueLocks } from './broker/groups/queue-locks.js';
import { SubscriptionGroupManager } from './broker/groups/subscription-group-manager.js';
import { MessageStore } from './broker/message-store.js';
import { MessageRequestModes } from './broker/pop/message-request-modes.js';
import { PopOffsets } from './broker/pop/pop-offsets.js';
import { PopOrder } from './broker/pop/pop-order.js';
import { PopReader } from './broker/pop/pop-reader.js';
import { PopWaiting } from './broker/pop/pop-waiting.js';
import { ReviveLog } from './broker/pop/revive-log.js';
import { ReviveService } from './broker/pop/revive-service.js';
import { TopicQueues } from './broker/pop/topic-queues.js';
import { HeldPulls } from './broker/pull/held-pulls.js';
import { Registration } from './broker/registration.js';
import { BrokerSettings } from './broker/settings/broker-settings.js';
import { RuntimeSettings } from './broker/settings/runtime-settings.js';
import { BrokerCounters } from './broker/stats/broker-counters.js';
import { BrokerStats } from './broker/stats/broker-stats.js';
import { TopicDeletion } from './broker/topic-deletion.js';
import { TopicConfigManager } from './broker/topics/topic-config-manager.js';
import { HalfMessages } from './broker/transaction/half-messages.js';
import { TransactionCheck } from './broker/transaction/transaction-check.js';
import { compileSql } from './filter/sql-filter.js';
import { KvConfig, KvStorage } from './nameserver/kv-config.js';
import { NameServer } from './nameserver/name-server.js';
import { NameServerProcessors } from './nameserver/name-server-processor.js';
import { NameServerSettings } from './nameserver/name-server-settings.js';
import { RouteInfo } from './nameserver/route-info.js';
import { BROKER_REQUESTS, NAME_SERVER_REQUESTS, type RequestRow } from './request-tables.js';

/** What is there before the parts are put together. */
export interface ServerFoundation {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How the broker reaches name servers. */
  readonly transport: Transport;
  readonly store: MessageStore;
  readonly brokerSettings: BrokerSettings;
  readonly nameServerSettings: NameServerSettings;
}

/** In the order in which they start. */
const BROKER_SERVICES: readonly Newable<BrokerService>[] = [
  BrokerStats,
  ConsumerFilterManager,
  DelayService,
  HalfMessages,
  TransactionCheck,
  MessageRequestModes,
  PopOffsets,
  PopWaiting,
  PopOrder,
  ReviveService,
];

/** The server's composition root: every part of a name server and a broker, each once. */
export function createServerContainer(foundation: ServerFoundation): Container {
  const container = new Container({ defaultScope: 'Singleton' });
  container.bind<Clock>(Clock).toConstantValue(foundation.clock);
  container.bind<Logger>(Logger).toConstantValue(foundation.logger);
  container.bind<MessageStore>(MessageStore).toConstantValue(foundation.store);
  bindNameServer(container, foundation);
  bindBroker(container, foundation);
  return container;
}

function bindNameServer(container: Container, { nameServerSettings, store }: ServerFoundation): void {
  const file = 'kvConfig.json';
  container.bind<NameServerSettings>(NameServerSettings).toConstantValue(nameServerSettings);
  container.bind<KvStorage>(KvStorage).toConstantValue({
    load: (isWhole) => store.readConfig(file, isWhole),
    save: (text) => store.writeConfig(file, text),
  });
  container.bind(RouteInfo).toConstantValue(new RouteInfo());
  container.bind(KvConfig).toSelf();
  container
    .bind<ProcessorsOnDemand>(NameServerProcessors)
    .toConstantValue(processorsOnDemand(container, NAME_SERVER_REQUESTS));
  container.bind(NameServer).toSelf();
}

function bindBroker(container: Container, { brokerSettings, store, transport, clock, logger }: ServerFoundation): void {
  const { heldPullsMax } = brokerSettings;
  const maxOffset = (topic: string, queueId: number) => store.maxOffset(topic, queueId);
  container.bind<BrokerSettings>(BrokerSettings).toConstantValue(brokerSettings);
  container
    .bind<RemotingClient>(RemotingClient)
    .toConstantValue(createRemotingClient({ transport, clock, logger, language: LanguageCode.JAVA }));
  container.bind(QueueLocks).toConstantValue(new QueueLocks());
  container.bind(ProducerRegistry).toConstantValue(new ProducerRegistry());
  container.bind(ConsumerRegistry).toConstantValue(new ConsumerRegistry());
  container.bind(HeldPulls).toConstantValue(new HeldPulls({ heldPullsMax, maxOffset }));
  container.bind<CompileExpression>(CompileExpression).toConstantValue(compileSql);
  container.bind(PropertyFilters).toSelf();
  container.bind(TopicConfigManager).toSelf();
  container.bind(SubscriptionGroupManager).toSelf();
  container.bind(ConsumerOffsetManager).toSelf();
  container.bind(BrokerCounters).toSelf();
  container.bind(MessageDelays).toSelf();
  container.bind(PopReader).toSelf();
  container.bind(ReviveLog).toSelf();
  container.bind(TopicQueues).toSelf();
  container.bind(Registration).toSelf();
  container.bind(RuntimeSettings).toSelf();
  container.bind(TopicDeletion).toSelf();
  container.bind<ProcessorsOnDemand>(BrokerProcessors).toConstantValue(processorsOnDemand(container, BROKER_REQUESTS));
  for (const service of BROKER_SERVICES) {
    container.bind(service).toSelf();
    container.bind<BrokerService>(BrokerService).toService(service);
  }
  container.bind(Broker).toSelf();
}

function processorsOnDemand(container: Container, rows: readonly RequestRow<Processor>[]): ProcessorsOnDemand {
  return new Map(
    rows.flatMap(([type, ...codes]) => {
      const processor = (): Processor => container.get(type, { autobind: true });
      return codes.map((code) => [code, processor] as const);
    }),
  );
}
