import { ContainerModule } from 'inversify';
import { AllocateStrategy } from '../consumer/allocation/allocate-strategy.js';
import { allocateAveragely } from '../consumer/allocation/averagely.js';
import { type ConsumerRegistry, createConsumerRegistry } from '../consumer/consumer-registry.js';
import { OffsetStoreFactory } from '../consumer/offsets/offset-store.js';
import { createRemoteOffsetStoreFactory } from '../consumer/offsets/remote-offset-store.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { RouteTable } from '../routing/route-table.js';
import { Logger } from '../runtime/logger.js';
import { partOf } from './part-of.js';
import { Consumers, Settings } from './tokens.js';

export const consumerModule = new ContainerModule(({ bind }) => {
  bind<AllocateStrategy>(AllocateStrategy).toConstantValue(allocateAveragely);
  bind<OffsetStoreFactory>(OffsetStoreFactory)
    .toDynamicValue((context) =>
      createRemoteOffsetStoreFactory({
        routes: partOf(context, RouteTable),
        remoting: partOf(context, RemotingClient),
        logger: partOf(context, Logger),
        requestTimeoutMs: partOf(context, Settings).requestTimeoutMs,
      }),
    )
    .inSingletonScope();
  bind<ConsumerRegistry>(Consumers)
    .toDynamicValue((context) => createConsumerRegistry(partOf(context, RemotingClient), partOf(context, Logger)))
    .inSingletonScope();
});
