import { ContainerModule } from 'inversify';
import { ClientMembership } from '../client/client-membership.js';
import { ResourceNames } from '../message/resource-names.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { Membership } from '../routing/membership.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { partOf } from './part-of.js';
import { ClientId, Members, Settings } from './tokens.js';

export const clientModule = new ContainerModule(({ bind }) => {
  bind<ClientMembership>(Members)
    .toDynamicValue((context) => {
      const { requestTimeoutMs: timeoutMs, heartbeatIntervalMs } = partOf(context, Settings);
      return new ClientMembership({
        clientId: partOf(context, ClientId),
        routes: partOf(context, RouteTable),
        remoting: partOf(context, RemotingClient),
        clock: partOf(context, Clock),
        logger: partOf(context, Logger),
        names: partOf(context, ResourceNames),
        timeoutMs,
        heartbeatIntervalMs,
      });
    })
    .inSingletonScope();
  bind<Membership>(Membership).toService(Members);
});
