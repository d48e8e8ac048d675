import { ContainerModule } from 'inversify';
import { RemotingClient } from '../remoting/remoting-client.js';
import { addressServerResolver } from '../routing/address-server.js';
import { parseNameServerList } from '../routing/name-server-list.js';
import { fixedNameServers, missingNameServers, NameServerResolver } from '../routing/name-server-resolver.js';
import { NameServers } from '../routing/name-servers.js';
import { RouteCache } from '../routing/route-cache.js';
import { queryRoute } from '../routing/route-query.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { Random } from '../runtime/random.js';
import { partOf } from './part-of.js';
import { Cluster, NameServerChoice, Routes, Settings } from './tokens.js';

export const routingModule = new ContainerModule(({ bind }) => {
  bind<NameServerResolver>(NameServerResolver)
    .toDynamicValue((context): NameServerResolver => {
      const { source, unitName, requestTimeoutMs: timeoutMs } = partOf(context, Settings);
      const cluster = partOf(context, Cluster);
      if (cluster !== undefined) return fixedNameServers(parseNameServerList(cluster.nameServers, 'cluster'));
      if (source.kind === 'list') return fixedNameServers(source.addresses);
      if (source.kind !== 'address server') return missingNameServers;
      const unit = unitName === undefined ? {} : { unitName };
      const clock = partOf(context, Clock);
      return addressServerResolver({ url: source.url, ...unit, timeoutMs, clock, logger: partOf(context, Logger) });
    })
    .inSingletonScope();
  bind<NameServers>(NameServerChoice)
    .toDynamicValue(
      (context) =>
        new NameServers({
          resolver: partOf(context, NameServerResolver),
          remoting: partOf(context, RemotingClient),
          logger: partOf(context, Logger),
          timeoutMs: partOf(context, Settings).requestTimeoutMs,
          random: partOf(context, Random),
        }),
    )
    .inSingletonScope();
  bind<RouteCache>(Routes)
    .toDynamicValue((context) => {
      const nameServers = partOf(context, NameServerChoice);
      const { resolveAddress } = partOf(context, Settings);
      return new RouteCache({
        query: (topic) => queryRoute(nameServers, topic),
        heldBy: () => nameServers.heldBy,
        clock: partOf(context, Clock),
        logger: partOf(context, Logger),
        ...(resolveAddress === undefined ? {} : { resolveAddress }),
      });
    })
    .inSingletonScope();
  bind<RouteTable>(RouteTable).toService(Routes);
});
