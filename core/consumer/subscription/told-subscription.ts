import { parseJsonDialect } from '../../remoting/protocol/json-dialect.js';
import type { RemotingCommand } from '../../remoting/protocol/remoting-command.js';
import type { TopicSubscription } from './subscription.js';

/** A subscription to one topic, as a broker or another member tells it. Matches a part of Apache's SubscriptionData. */
export interface ToldSubscription {
  readonly expression: string;
  readonly tags: ReadonlySet<string>;
  readonly expressionType: string;
  /** NaN when nothing was said of it. */
  readonly subVersion: number;
}

/** What a broker keeps for a group and a topic, of all members the newest. Matches a part of Apache's ConsumerConnection. */
export function keptSubscription(response: RemotingCommand, topic: string): ToldSubscription | undefined {
  const body = parseJsonDialect(response.body) as { subscriptionTable?: Record<string, unknown> } | null;
  return toldSubscription(body?.subscriptionTable?.[topic]);
}

/** What one member subscribes to. Matches a part of Apache's ConsumerRunningInfo. */
export function subscriptionOfMember(response: RemotingCommand, topic: string): ToldSubscription | undefined {
  const body = parseJsonDialect(response.body) as { subscriptionSet?: unknown } | null;
  const all: readonly ({ topic?: unknown } | null)[] = Array.isArray(body?.subscriptionSet) ? body.subscriptionSet : [];
  return toldSubscription(all.find((one) => one?.topic === topic));
}

/** Tags in any order; an SQL expression to the letter. */
export function sameSubscription(theirs: ToldSubscription | undefined, ours: TopicSubscription): boolean {
  if (theirs === undefined || theirs.expressionType !== ours.expressionType) return false;
  if (ours.expressionType === 'SQL92') return theirs.expression === ours.expression;
  return theirs.tags.size === ours.tags.size && [...theirs.tags].every((tag) => ours.tags.has(tag));
}

function toldSubscription(value: unknown): ToldSubscription | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { subString, tagsSet, expressionType, subVersion } = value as Readonly<Record<string, unknown>>;
  const tags = Array.isArray(tagsSet) ? tagsSet.filter((tag) => typeof tag === 'string') : [];
  return {
    expression: String(subString),
    tags: new Set(tags),
    expressionType: typeof expressionType === 'string' ? expressionType : 'TAG',
    subVersion: Number(subVersion),
  };
}
