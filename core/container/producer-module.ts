import { ContainerModule } from 'inversify';
import { Compressor, Compressors } from '../message/compression/compressor.js';
import { ResourceNames } from '../message/resource-names.js';
import { createReplyInbox, type ReplyInbox } from '../producer/reply-inbox.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { partOf } from './part-of.js';
import { ClientId, Replies } from './tokens.js';

export const producerModule = new ContainerModule(({ bind }) => {
  bind<ReplyInbox>(Replies)
    .toDynamicValue((context) =>
      createReplyInbox({
        clientId: partOf(context, ClientId),
        remoting: partOf(context, RemotingClient),
        routes: partOf(context, RouteTable),
        names: partOf(context, ResourceNames),
        clock: partOf(context, Clock),
        logger: partOf(context, Logger),
        compressors: [partOf(context, Compressor), ...partOf(context, Compressors)],
      }),
    )
    .inSingletonScope();
});
