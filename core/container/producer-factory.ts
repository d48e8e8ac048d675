import type { Container } from 'inversify';
import { UniqueIdGenerator } from '../message/message-ids.js';
import { ResourceNames } from '../message/resource-names.js';
import { createProducer } from '../producer/create-producer.js';
import type { ProducerOptions } from '../producer/options.js';
import type { Producer } from '../producer/producer.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { Membership } from '../routing/membership.js';
import { RouteTable } from '../routing/route-table.js';
import { vipRoutes } from '../routing/vip-channel.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { Random } from '../runtime/random.js';
import { type Token, token } from '../runtime/token.js';
import { binderOf } from './bind-part.js';
import { partOf } from './part-of.js';
import { OpenScope } from './producer-scope.js';
import { Deadlines, Plugins, Replies, Settings } from './tokens.js';

export interface ProducerKind {
  /** Without any plugin on it. Default false. */
  readonly internal?: boolean;
  /** How it writes names on the wire. Default: as all others of the client. */
  readonly names?: ResourceNames;
}

/** Makes producers that run. */
export type ProducerFactory = (options: ProducerOptions, kind?: ProducerKind) => Promise<Producer>;
export const Producers: Token<ProducerFactory> = token('container.Producers');

/** The factory of a client: each producer gets a child container of its own. */
export function producerFactory(container: Container): ProducerFactory {
  return async (options, { internal = false, names } = {}) => {
    const settings = partOf(container, Settings);
    const { registrations, limit } = partOf(container, Plugins);
    const clientRoutes = partOf(container, RouteTable);
    const routes = settings.vipChannelEnabled ? vipRoutes(clientRoutes) : clientRoutes;
    const opened: { scope?: OpenScope } = {};
    const producer = createProducer(options, {
      routes,
      membership: partOf(container, Membership),
      remoting: partOf(container, RemotingClient),
      clock: partOf(container, Clock),
      logger: partOf(container, Logger),
      names: names ?? partOf(container, ResourceNames),
      unitMode: settings.unitMode,
      random: partOf(container, Random),
      deadlines: partOf(container, Deadlines),
      ids: partOf(container, UniqueIdGenerator),
      replies: partOf(container, Replies),
      attachments: registrations.sends,
      replyAttachments: registrations.replies,
      settledListeners: registrations.settledListeners,
      openScope: (scope) => {
        opened.scope = new OpenScope(container, scope, routes, { bindings: registrations.bindings, limit }, names);
        return opened.scope.resolve;
      },
      boundBy: (part, producer) => binderOf(registrations.bindings, part, producer),
      onClosed: () => opened.scope?.close(),
      internal,
    });
    await opened.scope?.load();
    await producer.start();
    opened.scope?.start();
    return producer;
  };
}
