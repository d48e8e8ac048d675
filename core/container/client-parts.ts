import type { Container } from 'inversify';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ClientParts } from '../client/client-parts.js';
import { AllocateStrategy } from '../consumer/allocation/allocate-strategy.js';
import { createConsumer } from '../consumer/create-consumer.js';
import { ReplySender } from '../consumer/delivery/reply-sender.js';
import { OffsetStoreFactory } from '../consumer/offsets/offset-store.js';
import { createLitePullConsumer } from '../consumer/pull/create-lite-pull-consumer.js';
import { createPullConsumer } from '../consumer/pull/create-pull-consumer.js';
import { ResourceNames } from '../message/resource-names.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { Membership } from '../routing/membership.js';
import { NameServerResolver } from '../routing/name-server-resolver.js';
import { RouteTable } from '../routing/route-table.js';
import { vipAddress } from '../routing/vip-channel.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { Random } from '../runtime/random.js';
import { partOf } from './part-of.js';
import { Producers } from './producer-factory.js';
import { readingCompressors } from './reading-compressors.js';
import {
  ClientId,
  Consumers,
  Members,
  NameServerChoice,
  Plugins,
  Replies,
  Replying,
  Routes,
  Settings,
  Tasks,
} from './tokens.js';

/** Resolves what an instance is made of; the only place that asks the client's container. */
export function clientParts(container: Container, release: () => Promise<void>): ClientParts {
  const settings = partOf(container, Settings);
  const plugins = partOf(container, Plugins);
  const routes = partOf(container, RouteTable);
  const replies = partOf(container, Replies);
  const remoting = partOf(container, RemotingClient);
  const shared = {
    routes,
    membership: partOf(container, Membership),
    remoting,
    clock: partOf(container, Clock),
    logger: partOf(container, Logger),
    names: partOf(container, ResourceNames),
    unitMode: settings.unitMode,
    random: partOf(container, Random),
  };
  const compressors = () => readingCompressors(container);
  /** What consumers of every kind are built on; asked for when one is made. */
  const consuming = () => ({
    ...shared,
    scheduler: partOf(container, Tasks),
    deliveryAttachments: plugins.registrations.deliveries,
    deliveryFilters: plugins.registrations.deliveryFilters,
    offsetStore: partOf(container, OffsetStoreFactory),
    allocateStrategy: partOf(container, AllocateStrategy),
    registry: partOf(container, Consumers),
    replies: partOf(container, ReplySender),
    compressors: compressors(),
  });
  return {
    ...shared,
    routes: partOf(container, Routes),
    membership: partOf(container, Members),
    clientId: partOf(container, ClientId),
    nameServers: partOf(container, NameServerResolver),
    scheduler: partOf(container, Tasks),
    plugins,
    compressors,
    replier: partOf(container, Replying),
    createAdmin: (requireRunning) =>
      new ClientAdmin(
        {
          routes,
          remoting,
          nameServers: partOf(container, NameServerChoice),
          names: shared.names,
          compressors: compressors(),
          resolveAddress: settings.resolveAddress,
          clock: shared.clock,
        },
        requireRunning,
      ),
    createProducer: (options, internal) => partOf(container, Producers)(options, { internal }),
    createConsumer: (options, onClosed) => createConsumer(options, { ...consuming(), onClosed }),
    createLitePullConsumer: (options, onClosed) => createLitePullConsumer(options, { ...consuming(), onClosed }),
    createPullConsumer: (options, onClosed) => createPullConsumer(options, { ...consuming(), onClosed }),
    resolve: (token) => (container.isBound(token) ? partOf(container, token) : undefined),
    furtherAddresses: (address) => (settings.vipChannelEnabled ? [vipAddress(address)] : []),
    pollNameServerIntervalMs: settings.pollNameServerIntervalMs,
    heartbeatIntervalMs: settings.heartbeatIntervalMs,
    addressServerIntervalMs: settings.addressServerIntervalMs,
    requestTimeoutMs: settings.requestTimeoutMs,
    statistics: () => {
      const { inFlight, lateResponses } = remoting.statistics;
      return { requestsInFlight: inFlight, lateResponses, ...replies.statistics };
    },
    release,
  };
}
