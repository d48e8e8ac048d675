import type { ConsumerData } from '../../../remoting/protocol/heartbeat-data.js';
import type { SubscriptionData } from '../../../remoting/protocol/subscription-data.js';
import type { ServerConnection } from '../../../remoting/remoting-server.js';
import { type TagMatcher, tagMatcherOf } from '../filters/tag-matcher.js';
import { CLIENT_EXPIRY_MS, type ClientChannel } from './client-channel.js';

/** What a group wants of a topic, with the matcher made of it. */
export interface Subscription {
  readonly data: SubscriptionData;
  readonly matchesTagsCode: TagMatcher;
}

/** What a heartbeat says of a group beside its subscriptions. */
type GroupFacts = Pick<ConsumerData, 'groupName' | 'consumeType' | 'messageModel' | 'consumeFromWhere'>;

/** A group with connected members. Matches Apache's ConsumerGroupInfo. */
export interface ConsumerGroup extends GroupFacts {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly members: readonly ClientChannel[];
}

interface GroupEntry {
  facts: GroupFacts;
  readonly subscriptions: Map<string, Subscription>;
  readonly members: Map<ServerConnection, ClientChannel>;
}

/** Told that a group's membership or topics changed; the members are those that are left, the new one included. */
export type GroupChanged = (group: string, members: readonly ClientChannel[]) => void;

/** Told what a group subscribes to, with every heartbeat of a member. */
export type Subscribed = (group: string, subscriptions: readonly SubscriptionData[]) => void;

/** The connected consumers by group, with what they subscribe to. Matches Apache's ConsumerManager. */
export class ConsumerRegistry {
  readonly #groups = new Map<string, GroupEntry>();
  readonly #changedListeners: GroupChanged[] = [];
  readonly #subscribedListeners: Subscribed[] = [];

  onGroupChanged(listener: GroupChanged): void {
    this.#changedListeners.push(listener);
  }

  onSubscribed(listener: Subscribed): void {
    this.#subscribedListeners.push(listener);
  }

  /** Takes in what a heartbeat says. A new member and a topic added or removed count as changes; a newer subVersion replaces the subscription without being one. */
  register(data: ConsumerData, channel: ClientChannel, nowMs: number): void {
    const { groupName, consumeType, messageModel, consumeFromWhere } = data;
    const facts = { groupName, consumeType, messageModel, consumeFromWhere };
    let group = this.#groups.get(groupName);
    if (group === undefined) {
      group = { facts, subscriptions: new Map(), members: new Map() };
      this.#groups.set(groupName, group);
    }
    group.facts = facts;
    const joined = this.#join(group, channel, nowMs);
    const resubscribed = this.#subscribe(group, data.subscriptionDataSet);
    for (const listener of this.#subscribedListeners) listener(groupName, data.subscriptionDataSet);
    if (joined || resubscribed) this.#changed(groupName, [...group.members.values()]);
  }

  unregister(groupName: string, connection: ServerConnection): void {
    const group = this.#groups.get(groupName);
    if (!group?.members.delete(connection)) return;
    if (group.members.size === 0) this.#groups.delete(groupName);
    this.#changed(groupName, [...group.members.values()]);
  }

  /** Forgets a connection that is gone. */
  removeConnection(connection: ServerConnection): void {
    for (const group of [...this.#groups.keys()]) this.unregister(group, connection);
  }

  /** Forgets and closes what was silent too long. */
  expire(nowMs: number): void {
    for (const [groupName, group] of [...this.#groups]) {
      for (const channel of [...group.members.values()]) {
        if (nowMs - channel.lastHeardMs <= CLIENT_EXPIRY_MS) continue;
        this.unregister(groupName, channel.connection);
        channel.connection.close();
      }
    }
  }

  group(groupName: string): ConsumerGroup | undefined {
    const group = this.#groups.get(groupName);
    if (group === undefined) return undefined;
    return { ...group.facts, subscriptions: group.subscriptions, members: [...group.members.values()] };
  }

  /** Whether a group has members, and its message model: what a pull asks at every turn, without a copy. */
  messageModel(groupName: string): string | undefined {
    return this.#groups.get(groupName)?.facts.messageModel;
  }

  subscription(groupName: string, topic: string): Subscription | undefined {
    return this.#groups.get(groupName)?.subscriptions.get(topic);
  }

  /** Client ids of a group's members, each once: a client that just reconnected may hold two connections. */
  clientIds(groupName: string): string[] {
    const group = this.#groups.get(groupName);
    return group === undefined ? [] : [...new Set([...group.members.values()].map((channel) => channel.clientId))];
  }

  /** Groups with members. */
  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  #changed(group: string, members: readonly ClientChannel[]): void {
    for (const listener of this.#changedListeners) listener(group, members);
  }

  #join(group: GroupEntry, channel: ClientChannel, nowMs: number): boolean {
    const known = group.members.get(channel.connection);
    if (known?.clientId === channel.clientId) {
      known.lastHeardMs = nowMs;
      return false;
    }
    group.members.set(channel.connection, { ...channel, lastHeardMs: nowMs });
    return true;
  }

  #subscribe(group: GroupEntry, wanted: readonly SubscriptionData[]): boolean {
    let changed = false;
    for (const data of wanted) {
      const known = group.subscriptions.get(data.topic);
      if (known === undefined) changed = true;
      if (known === undefined || data.subVersion > known.data.subVersion) {
        group.subscriptions.set(data.topic, { data, matchesTagsCode: tagMatcherOf(data) });
      }
    }
    for (const topic of [...group.subscriptions.keys()]) {
      if (wanted.some((data) => data.topic === topic)) continue;
      group.subscriptions.delete(topic);
      changed = true;
    }
    return changed;
  }
}
