import { ContainerModule } from 'inversify';
import { ReplySender } from '../consumer/delivery/reply-sender.js';
import { ResourceNames } from '../message/resource-names.js';
import { Replier } from '../producer/request-reply/replier.js';
import { createReplyInbox, type ReplyInbox } from '../producer/request-reply/reply-inbox.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { partOf } from './part-of.js';
import { Producers } from './producer-factory.js';
import { readingCompressors } from './reading-compressors.js';
import { ClientId, Replies, Replying } from './tokens.js';

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
        compressors: readingCompressors(context),
      }),
    )
    .inSingletonScope();
  bind<Replier>(Replying)
    .toDynamicValue((context) => {
      const names = namesForReplies(partOf(context, ResourceNames));
      const createProducer = () => partOf(context, Producers)({ group: REPLY_GROUP }, { names });
      return new Replier(partOf(context, Clock), partOf(context, RouteTable), createProducer);
    })
    .inSingletonScope();
  bind<ReplySender>(ReplySender).toService(Replying);
});

/** The group in which a client sends replies. Plugins are on its producer: a reply is the application's own message. */
const REPLY_GROUP = 'CLIENT_INNER_REPLIER';

/** A cluster's topic for replies is outside of all namespaces; groups and properties are as the client's others. */
function namesForReplies(names: ResourceNames): ResourceNames {
  const { properties } = names;
  return {
    topicToWire: (topic) => topic,
    topicFromWire: (topic) => topic,
    groupToWire: (group) => names.groupToWire(group),
    groupFromWire: (group) => names.groupFromWire(group),
    ...(properties !== undefined && { properties }),
  };
}
