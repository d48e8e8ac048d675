import type { Admin } from '../admin/admin.js';
import type { Consumer } from '../consumer/consumer.js';
import type { ConsumerOptions } from '../consumer/options/consumer-options.js';
import type { LitePullConsumer } from '../consumer/pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from '../consumer/pull/lite-pull-options.js';
import type { PullConsumer } from '../consumer/pull/pull-consumer.js';
import type { PullConsumerOptions } from '../consumer/pull/pull-options.js';
import type { Subscribe } from '../consumer/subscription/subscribe.js';
import type { Compressor } from '../message/compression/compressor.js';
import type { ResourceNames } from '../message/resource-names.js';
import type { PluginManager } from '../plugin/plugin-manager.js';
import type { ProducerOptions } from '../producer/options.js';
import type { Producer } from '../producer/producer.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { NameServerResolver } from '../routing/name-server-resolver.js';
import type { RouteCache } from '../routing/route-cache.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Scheduler } from '../runtime/scheduler.js';
import type { Token } from '../runtime/token.js';
import type { ClientStatistics } from './client.js';
import type { ClientMembership } from './client-membership.js';
import type { OpenPart } from './open-parts.js';

/** What an instance is made of. The composition root brings it together. */
export interface ClientParts {
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly remoting: RemotingClient;
  readonly routes: Pick<RouteCache, 'refresh' | 'brokers' | 'brokerAddress' | 'loadBrokerAddress'>;
  readonly nameServers: NameServerResolver;
  readonly membership: ClientMembership;
  readonly scheduler: Scheduler;
  readonly plugins: PluginManager;
  readonly names: ResourceNames;
  /** What compressed bodies are read with. */
  readonly compressors: () => readonly Compressor[];
  /** Sends the replies of consumers: they may need it until they have ended. */
  readonly replier: OpenPart;
  /** Made when it is used for the first time. */
  readonly createAdmin: (requireRunning: () => void) => Admin;
  readonly createProducer: (options: ProducerOptions, internal: boolean) => Promise<Producer>;
  readonly createConsumer: <S extends Subscribe>(
    options: ConsumerOptions<S>,
    onClosed: (consumer: Consumer) => void,
  ) => Consumer<S>;
  readonly createLitePullConsumer: <const S extends Subscribe>(
    options: LitePullConsumerOptions<S>,
    onClosed: (consumer: OpenPart) => void,
  ) => Promise<LitePullConsumer<S>>;
  readonly createPullConsumer: (
    options: PullConsumerOptions,
    onClosed: (consumer: OpenPart) => void,
  ) => Promise<PullConsumer>;
  /** The part under a token; undefined where none is bound. */
  readonly resolve: <T>(token: Token<T>) => T | undefined;
  /** Other addresses of a broker that is at this one, whose connections are kept too. */
  readonly furtherAddresses: (address: string) => readonly string[];
  readonly pollNameServerIntervalMs: number;
  readonly heartbeatIntervalMs: number;
  readonly addressServerIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly statistics: () => ClientStatistics;
  /** The last step of closing: whatever lies beneath. */
  readonly release: () => Promise<void>;
}
