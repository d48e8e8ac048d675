import type { MessageQueue } from '../../message/message.js';
import type { RouteTable } from '../../routing/route-table.js';
import { byCodeUnits } from '../../runtime/by-code-units.js';
import type { AllocateStrategy } from '../allocation/allocate-strategy.js';

/** A queue id that stands for all queues of a topic at a broker. */
export const ALL_QUEUES = -1;

/** A queue of a member's share. */
export interface SharedQueue extends MessageQueue {
  /** Whether its broker gives out of it what nobody has, or of all of its queues where its id is -1. Default: it is pulled. */
  readonly popped?: boolean;
}

/** One member's share of a topic. */
export interface Share {
  readonly mine: readonly SharedQueue[];
  readonly queues: number;
  /** The members, sorted. */
  readonly clientIds: readonly string[];
  /** Whether the brokers count this client among the members. Without that its share is empty. */
  readonly known: boolean;
}

export interface ShareServices {
  /** The group on the wire. */
  readonly group: string;
  readonly clientId: string;
  readonly routes: RouteTable;
  readonly strategy: AllocateStrategy;
  readonly memberIds: (topic: string) => Promise<readonly string[]>;
  /** Every member reads every queue. Default false. */
  readonly broadcasting?: boolean;
  /** Every member pops at every broker of the topic. Default false. */
  readonly popped?: boolean;
  /** Asks a broker for this member's share. Default: each member counts it by the strategy. */
  readonly assignments?: ((topic: string) => Promise<readonly SharedQueue[]>) | undefined;
}

/**
 * What this member should read of a topic, by asking for the topic's queues and the group's members. Every member sorts
 * both alike, as Java does, so that all come to shares that fit together.
 * @throws when either could not be asked; a member then keeps what it has
 */
export async function shareOfTopic(topic: string, services: ShareServices): Promise<Share> {
  const { routes, group, clientId, strategy, memberIds } = services;
  const known = routes.subscribeQueues(topic) ?? (await routes.loadSubscribeQueues(topic));
  const queues = [...known].sort(byPlace);
  if (services.broadcasting === true) {
    return { mine: queues, queues: queues.length, clientIds: [clientId], known: true };
  }
  const ids = [...new Set(await memberIds(topic))].sort(byCodeUnits);
  const counted = (): readonly SharedQueue[] =>
    services.popped === true ? poppedAt(queues) : strategy.allocate(group, clientId, queues, ids);
  return {
    mine: services.assignments === undefined ? counted() : await services.assignments(topic),
    queues: queues.length,
    clientIds: ids,
    known: ids.includes(clientId),
  };
}

/** All queues of each broker as one. */
function poppedAt(queues: readonly MessageQueue[]): readonly SharedQueue[] {
  const brokers = new Map(queues.map(({ topic, brokerName }) => [brokerName, topic]));
  return [...brokers].map(([brokerName, topic]) => ({ topic, brokerName, queueId: ALL_QUEUES, popped: true }));
}

/** Java's order of queues: by broker name, then by id. */
export function byPlace(a: MessageQueue, b: MessageQueue): number {
  return byCodeUnits(a.topic, b.topic) || byCodeUnits(a.brokerName, b.brokerName) || a.queueId - b.queueId;
}
