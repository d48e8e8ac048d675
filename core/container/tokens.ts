import type { ClientMembership } from '../client/client-membership.js';
import type { RunningCluster } from '../client/cluster-source.js';
import type { ResolvedConnectOptions } from '../client/connect-options.js';
import type { ConsumerRegistry } from '../consumer/consumer-registry.js';
import type { PluginManager } from '../plugin/plugin-manager.js';
import type { Replier } from '../producer/request-reply/replier.js';
import type { ReplyInbox } from '../producer/request-reply/reply-inbox.js';
import type { NameServers } from '../routing/name-servers.js';
import type { RouteCache } from '../routing/route-cache.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import type { Scheduler } from '../runtime/scheduler.js';
import { token } from '../runtime/token.js';

/**
 * Parts that only the composition root puts together. They have no contract of their own and are not meant to be replaced;
 * the tokens of replaceable parts sit beside their interfaces.
 */
export const Settings = token<ResolvedConnectOptions>('container.Settings');
export const Cluster = token<RunningCluster | undefined>('container.Cluster');
export const ClientId = token<string>('container.ClientId');
export const Plugins = token<PluginManager>('container.Plugins');
export const Deadlines = token<DeadlineHeap>('container.Deadlines');
export const Tasks = token<Scheduler>('container.Tasks');
export const NameServerChoice = token<NameServers>('container.NameServerChoice');
/** Sends replies; ReplySender stands for it where no plugin binds another. */
export const Replying = token<Replier>('container.Replying');
export const Replies = token<ReplyInbox>('container.Replies');
export const Consumers = token<ConsumerRegistry>('container.Consumers');
/** What the client's own classes offer beyond their contracts. */
export const Routes = token<RouteCache>('container.Routes');
export const Members = token<ClientMembership>('container.Members');
